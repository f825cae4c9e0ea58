-- The best figure for every holder and month as known at the end of day `d`; total, long-term and bills each on their own.
CREATE OR REPLACE MACRO positions_as_of(d) AS TABLE
WITH known AS (
    SELECT * FROM source_positions WHERE known_from <= d AND (known_until IS NULL OR known_until > d)
),
vintages AS (
    SELECT source, month, max(released) AS vintage
    FROM (
        SELECT source, released, unnest(range(first_month, last_month + 1, INTERVAL 1 MONTH))::DATE AS month
        FROM releases
        WHERE released <= d AND withdrawn IS NULL
    )
    GROUP BY source, month
),
-- A newer release of a coarser source that states the same figure, rounded, confirms the finer one and does not replace it.
confirmed AS (
    SELECT fine.source, fine.holder_id, fine.month, fine.series, max(vintage) AS confirmed_by
    FROM known AS fine
    JOIN sources AS finer ON finer.source = fine.source
    JOIN known AS rough
      ON rough.holder_id = fine.holder_id AND rough.month = fine.month AND rough.series = fine.series
     AND rough.evidence <> 'press'
    JOIN sources AS rougher
      ON rougher.source = rough.source AND rougher.last_digit_usd_mn > finer.last_digit_usd_mn
     AND rougher.precedence > finer.precedence
    JOIN vintages ON vintages.source = rough.source AND vintages.month = rough.month
    WHERE fine.evidence <> 'press'
      AND abs(fine.total_usd_mn - rough.total_usd_mn) <= rougher.last_digit_usd_mn / 2 + 0.001
    GROUP BY ALL
),
-- The order of preference, best first: a release before a press report, the most recent release of a source that covers the
-- month, the declared precedence of the source, the newest survey basis.
ranked AS MATERIALIZED (
    SELECT known.*, row_number() OVER (
        ORDER BY evidence = 'press', greatest(vintage, confirmed_by) DESC NULLS LAST, preference
    ) AS place
    FROM known
    LEFT JOIN vintages USING (source, month)
    LEFT JOIN confirmed USING (source, holder_id, month, series)
),
-- A figure that any release states goes before n.a.
chosen AS (
    SELECT holder_id, month,
        coalesce(min(place) FILTER (total_usd_mn IS NOT NULL AND evidence <> 'press'),
            min(place) FILTER (total_released IS NOT NULL)) AS total_place,
        coalesce(min(place) FILTER (long_term_usd_mn IS NOT NULL AND evidence <> 'press'),
            min(place) FILTER (long_term_released IS NOT NULL)) AS long_term_place,
        coalesce(min(place) FILTER (short_term_usd_mn IS NOT NULL AND evidence <> 'press'),
            min(place) FILTER (short_term_released IS NOT NULL)) AS short_term_place
    FROM ranked
    GROUP BY holder_id, month
),
figures AS (
    SELECT chosen.*, total_row.total_usd_mn, long_term_row.long_term_usd_mn, short_term_row.short_term_usd_mn,
        long_term_row.source AS long_term_source, short_term_row.source AS short_term_source,
        -- What is said of the row as a whole is said of the total, else of the first part that is stated.
        CASE WHEN total_row.total_usd_mn IS NOT NULL THEN total_place
             WHEN long_term_row.long_term_usd_mn IS NOT NULL THEN long_term_place
             WHEN short_term_row.short_term_usd_mn IS NOT NULL THEN short_term_place
             ELSE coalesce(total_place, long_term_place, short_term_place) END AS place
    FROM chosen
    LEFT JOIN ranked AS total_row ON total_row.place = total_place
    LEFT JOIN ranked AS long_term_row ON long_term_row.place = long_term_place
    LEFT JOIN ranked AS short_term_row ON short_term_row.place = short_term_place
),
best AS (
    SELECT figures.*, ranked.source,  evidence, series, scope,
        CASE figures.place WHEN total_place THEN total_released WHEN long_term_place THEN long_term_released
            ELSE short_term_released END AS released
    FROM figures
    JOIN ranked USING (place)
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
