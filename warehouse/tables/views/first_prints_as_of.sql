-- Figures whose first print is among the releases known at the end of day `d`: how they read then, and last. A month is
-- first printed as the newest month of a release of the monthly statistics. What the press reported, and files that are
-- only dated by their download, are no releases.
CREATE OR REPLACE MACRO first_prints_as_of(d) AS TABLE
WITH stated AS (
    SELECT o.source, o.holder_id, o.month, o.measure, o.series, o.value_usd_mn, o.released, r.last_month
    FROM observations AS o
    JOIN sources AS s USING (source)
    JOIN (
        SELECT source, released, sha256, max(last_month) AS last_month
        FROM releases
        WHERE evidence = 'release' AND released_basis <> 'retrieval' AND released <= d
        GROUP BY source, released, sha256
    ) AS r ON r.source = o.source AND r.released = o.released AND r.sha256 = o.sha256
    WHERE o.evidence = 'release' AND (s.rhythm = 'monthly' OR s.statements = 'rolling')
),
firsts AS (
    SELECT * FROM stated
    WHERE month = last_month AND value_usd_mn IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY source, holder_id, month, measure, series ORDER BY released) = 1
),
lasts AS (
    SELECT * FROM stated SEMI JOIN firsts USING (source, holder_id, month, measure, series)
    QUALIFY row_number() OVER (PARTITION BY source, holder_id, month, measure, series ORDER BY released DESC) = 1
)
SELECT source, holder_id, holder, kind, month, measure, series,
    firsts.value_usd_mn AS first_print_usd_mn, firsts.released AS first_printed,
    lasts.value_usd_mn AS latest_print_usd_mn, lasts.released AS latest_printed,
    lasts.value_usd_mn - firsts.value_usd_mn AS moved_usd_mn
FROM firsts
JOIN lasts USING (source, holder_id, month, measure, series)
JOIN holders USING (holder_id)
ORDER BY source, holder_id, measure, series, month;
