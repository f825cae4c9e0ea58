-- The best figure for every holder and month as known at the end of day `d`; total, long-term and bills each on their own.
-- Order of preference: a released figure before a press report, a stated figure before n.a., the most recent release of a
-- source that covers the month, the declared precedence of the source, the newest survey basis. A figure that is a known
-- error of its publisher (table `corrections`) is replaced from the day the correction was made.
CREATE MACRO positions_as_of(d) AS TABLE
WITH known AS (
    SELECT o.rowid AS place, o.source, o.holder_id, o.month, o.measure, o.series, coalesce(scope, '') AS scope, o.released, o.evidence,
        coalesce(corrections.corrected_usd_mn, o.value_usd_mn) AS value_usd_mn
    FROM observations AS o
    LEFT JOIN holder_scopes
        ON holder_scopes.holder_id = o.holder_id AND holder_scopes.source = o.source
       AND o.month BETWEEN holder_scopes.first_month AND holder_scopes.last_month
    LEFT JOIN corrections
        ON corrections.source = o.source AND corrections.holder_id = o.holder_id AND corrections.month = o.month
       AND corrections.measure = o.measure AND corrections.expected_usd_mn = o.value_usd_mn AND corrections.since <= d
    WHERE o.released <= d AND (o.superseded IS NULL OR o.superseded > d)
      AND o.measure IN ('total_position', 'long_term_position', 'short_term_position')
),
vintages AS (
    SELECT stated.source, stated.month, max(releases.released) AS vintage
    FROM (SELECT DISTINCT source, month FROM known) AS stated
    JOIN releases ON releases.source = stated.source AND releases.released <= d
                 AND stated.month BETWEEN releases.first_month AND releases.last_month
    GROUP BY stated.source, stated.month
),
-- The order of preference as one number, the best figure's the smallest: its digits are the criteria, first to last.
ranked AS (
    SELECT holder_id, month, measure, value_usd_mn, source, place,
        (evidence = 'press')::BIGINT * 1_000_000_000_000 + (value_usd_mn IS NULL)::BIGINT * 100_000_000_000
            + (DATE '2200-01-01' - coalesce(vintage, DATE '1900-01-01'))::BIGINT * 100_000
            + precedence * 100 + 99 - coalesce(series_rank, 0) AS preference
    FROM known
    JOIN sources USING (source)
    LEFT JOIN vintages USING (source, month)
    LEFT JOIN (
        SELECT new_series AS series, row_number() OVER (ORDER BY month) AS series_rank FROM series_breaks
    ) AS series_order USING (series)
),
chosen AS (
    SELECT holder_id, month,
        arg_min_null(value_usd_mn, preference) FILTER (measure = 'total_position') AS total_usd_mn,
        arg_min_null(value_usd_mn, preference) FILTER (measure = 'long_term_position') AS long_term_usd_mn,
        arg_min_null(value_usd_mn, preference) FILTER (measure = 'short_term_position') AS short_term_usd_mn,
        arg_min(place, preference) FILTER (measure = 'total_position') AS total_place,
        arg_min(place, preference) FILTER (measure = 'long_term_position') AS long_term_place,
        arg_min(place, preference) FILTER (measure = 'short_term_position') AS short_term_place,
        arg_min(source, preference) FILTER (measure = 'long_term_position') AS long_term_source,
        arg_min(source, preference) FILTER (measure = 'short_term_position') AS short_term_source
    FROM ranked
    GROUP BY holder_id, month
),
-- What is said of the row as a whole is said of the total, else of the first part that is stated.
best AS (
    SELECT chosen.*, source, released, evidence, series, scope
    FROM chosen
    JOIN known ON place = CASE WHEN total_usd_mn IS NOT NULL THEN total_place
                               WHEN long_term_usd_mn IS NOT NULL THEN long_term_place
                               WHEN short_term_usd_mn IS NOT NULL THEN short_term_place
                               ELSE coalesce(total_place, long_term_place, short_term_place) END
)
SELECT holder_id, holder, kind, best.month, total_usd_mn, long_term_usd_mn, short_term_usd_mn, source,
    CASE WHEN long_term_usd_mn IS NOT NULL THEN long_term_source END AS long_term_source,
    CASE WHEN short_term_usd_mn IS NOT NULL THEN short_term_source END AS short_term_source,
    released, evidence, series, scope,
    coalesce(series <> lag(series) OVER holder OR scope <> lag(scope) OVER holder, false) AS series_break
FROM best
JOIN holders USING (holder_id)
WINDOW holder AS (PARTITION BY holder_id ORDER BY best.month);
