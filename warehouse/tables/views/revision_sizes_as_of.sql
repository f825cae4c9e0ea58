-- How far first prints of a holder's position, and of its change over the month, have moved one, three and twelve months
-- later, as known at the end of day `d`; holders with fewer than `least` such figures have no row. A figure's age counts in
-- releases: at three months it is what the release of three months later said. Of the sources that print a month first,
-- the one that goes first by precedence. All Other is left out: its members change.
CREATE OR REPLACE MACRO revision_sizes_as_of(d, least) AS TABLE
WITH vintages AS (
    SELECT source, released, max(last_month) AS newest_month
    FROM releases
    WHERE evidence = 'release' AND released_basis <> 'retrieval' AND released <= d
    GROUP BY source, released
),
firsts AS (
    SELECT source, holder_id, month, series, first_print_usd_mn, first_printed
    FROM first_prints_as_of(d)
    JOIN sources USING (source)
    WHERE measure = 'total_position' AND holder_id <> 'all_other'
    QUALIFY row_number() OVER (PARTITION BY holder_id, month ORDER BY precedence, source, series) = 1
),
later AS (
    SELECT f.source, f.month, f.first_printed, age_months, min(v.released) AS day
    FROM (SELECT DISTINCT source, month, first_printed FROM firsts) AS f
    CROSS JOIN (VALUES (1), (3), (12)) AS ages(age_months)
    JOIN vintages AS v
        ON v.source = f.source AND v.released > f.first_printed
       AND v.newest_month BETWEEN f.month + to_months(age_months) AND f.month + to_months(age_months + 1)
    GROUP BY ALL
),
stated AS (
    SELECT source, holder_id, month, series, value_usd_mn, released, coalesce(superseded, DATE '9999-12-31') AS until
    FROM observations
    WHERE measure = 'total_position' AND evidence = 'release' AND released <= d
),
figures AS (
    SELECT f.holder_id, age_months, f.first_print_usd_mn AS first_position, now.value_usd_mn AS position,
        f.first_print_usd_mn - first_before.value_usd_mn AS first_change,
        now.value_usd_mn - now_before.value_usd_mn AS change
    FROM firsts AS f
    JOIN later USING (source, month, first_printed)
    JOIN stated AS now
        ON now.source = f.source AND now.holder_id = f.holder_id AND now.series = f.series AND now.month = f.month
       AND day >= now.released AND day < now.until
    LEFT JOIN stated AS first_before
        ON first_before.source = f.source AND first_before.holder_id = f.holder_id AND first_before.series = f.series
       AND first_before.month = f.month - INTERVAL 1 MONTH
       AND f.first_printed >= first_before.released AND f.first_printed < first_before.until
    LEFT JOIN stated AS now_before
        ON now_before.source = f.source AND now_before.holder_id = f.holder_id AND now_before.series = f.series
       AND now_before.month = f.month - INTERVAL 1 MONTH AND day >= now_before.released AND day < now_before.until
),
moved AS (
    SELECT holder_id, 'position' AS figure, age_months, abs(position - first_position) AS size_usd_mn FROM figures
    UNION ALL
    SELECT holder_id, 'change', age_months, abs(change - first_change) FROM figures
),
sizes AS (
    SELECT holder_id, figure, age_months, median(size_usd_mn) AS median_usd_mn,
        quantile_disc(size_usd_mn, 0.1) AS p10_usd_mn, quantile_disc(size_usd_mn, 0.8) AS p80_usd_mn,
        quantile_disc(size_usd_mn, 0.9) AS p90_usd_mn, count(*) AS figures
    FROM moved
    WHERE size_usd_mn IS NOT NULL
    GROUP BY holder_id, figure, age_months
)
SELECT holder_id, holder, kind, figure, age_months, median_usd_mn, p10_usd_mn, p80_usd_mn, p90_usd_mn, figures
FROM sizes
JOIN holders USING (holder_id)
WHERE figures >= least
ORDER BY holder_id, figure, age_months;
