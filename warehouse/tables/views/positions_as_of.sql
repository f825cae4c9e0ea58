-- The best figure for every holder and month as known at the end of day `d`; total, long-term and bills each on their own.
-- Order of preference: a released figure before a press report, a stated figure before n.a., the most recent release of a
-- source that covers the month, the declared precedence of the source, the newest survey basis.
CREATE MACRO positions_as_of(d) AS TABLE
WITH known AS (
    SELECT rowid AS place, * FROM source_positions WHERE known_from <= d AND (known_until IS NULL OR known_until > d)
),
vintages AS (
    SELECT source, month, max(released) AS vintage
    FROM (
        SELECT source, released, unnest(range(first_month, last_month + 1, INTERVAL 1 MONTH))::DATE AS month
        FROM releases
        WHERE released <= d
    )
    GROUP BY source, month
),
-- The order of preference as one number, the best figure's the smallest: its digits are the criteria, first to last.
ranked AS (
    SELECT known.*,
        (evidence = 'press')::BIGINT * 1_000_000_000_000
            + (DATE '2200-01-01' - coalesce(vintage, DATE '1900-01-01'))::BIGINT * 100_000 + preference AS by_row,
        CASE WHEN total_released IS NOT NULL THEN by_row + (total_usd_mn IS NULL)::BIGINT * 100_000_000_000 END AS by_total,
        CASE WHEN long_term_released IS NOT NULL THEN by_row + (long_term_usd_mn IS NULL)::BIGINT * 100_000_000_000 END AS by_long_term,
        CASE WHEN short_term_released IS NOT NULL THEN by_row + (short_term_usd_mn IS NULL)::BIGINT * 100_000_000_000 END AS by_short_term
    FROM known
    LEFT JOIN vintages USING (source, month)
),
chosen AS (
    SELECT holder_id, month,
        arg_min_null(total_usd_mn, by_total) AS total_usd_mn,
        arg_min_null(long_term_usd_mn, by_long_term) AS long_term_usd_mn,
        arg_min_null(short_term_usd_mn, by_short_term) AS short_term_usd_mn,
        arg_min(place, by_total) AS total_place,
        arg_min(place, by_long_term) AS long_term_place,
        arg_min(place, by_short_term) AS short_term_place,
        arg_min(source, by_long_term) AS long_term_source,
        arg_min(source, by_short_term) AS short_term_source
    FROM ranked
    GROUP BY holder_id, month
),
-- What is said of the row as a whole is said of the total, else of the first part that is stated.
best AS (
    SELECT chosen.*, source, evidence, series, scope,
        CASE WHEN chosen.total_usd_mn IS NOT NULL THEN total_released
             WHEN chosen.long_term_usd_mn IS NOT NULL THEN long_term_released
             WHEN chosen.short_term_usd_mn IS NOT NULL THEN short_term_released
             ELSE coalesce(total_released, long_term_released, short_term_released) END AS released
    FROM chosen
    JOIN known ON place = CASE WHEN chosen.total_usd_mn IS NOT NULL THEN total_place
                               WHEN chosen.long_term_usd_mn IS NOT NULL THEN long_term_place
                               WHEN chosen.short_term_usd_mn IS NOT NULL THEN short_term_place
                               ELSE coalesce(total_place, long_term_place, short_term_place) END
),
marked AS (
    SELECT *, lag(series || '/' || scope) OVER (PARTITION BY holder_id ORDER BY month) <> series || '/' || scope AS series_break
    FROM best
)
SELECT holder_id, holder, kind, month, total_usd_mn, long_term_usd_mn, short_term_usd_mn, source,
    CASE WHEN long_term_usd_mn IS NOT NULL THEN long_term_source END AS long_term_source,
    CASE WHEN short_term_usd_mn IS NOT NULL THEN short_term_source END AS short_term_source,
    released, evidence, series, scope, coalesce(series_break, false) AS series_break
FROM marked
JOIN holders USING (holder_id);
