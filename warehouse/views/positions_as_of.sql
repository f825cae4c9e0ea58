-- The best figure for every holder and month as known at the end of day `d`; total, long-term and bills each on their own.
-- Order of preference: a released figure before a press report, a stated figure before n.a., the most recent release of a
-- source that covers the month, the declared precedence of the source, the newest survey basis. A figure that is a known
-- error of its publisher (table `corrections`) is replaced from the day the correction was made.
CREATE MACRO positions_as_of(d) AS TABLE
WITH known AS (
    SELECT o.source, o.holder_id, o.month, o.measure, o.series, coalesce(scope, '') AS scope, o.released, o.evidence,
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
ranked AS (
    SELECT known.*, row_number() OVER (
        PARTITION BY holder_id, month, measure
        ORDER BY evidence = 'press', value_usd_mn IS NULL, vintage DESC NULLS LAST, precedence, series_rank DESC
    ) AS place
    FROM known
    JOIN sources USING (source)
    LEFT JOIN vintages USING (source, month)
    LEFT JOIN (
        SELECT new_series AS series, row_number() OVER (ORDER BY month) AS series_rank FROM series_breaks
    ) AS series_order USING (series)
),
best AS (
    SELECT holder_id, month,
        max(value_usd_mn) FILTER (measure = 'total_position') AS total_usd_mn,
        max(value_usd_mn) FILTER (measure = 'long_term_position') AS long_term_usd_mn,
        max(value_usd_mn) FILTER (measure = 'short_term_position') AS short_term_usd_mn,
        max(source) FILTER (measure = 'total_position' AND value_usd_mn IS NOT NULL) AS total_source,
        max(source) FILTER (measure = 'long_term_position' AND value_usd_mn IS NOT NULL) AS long_term_source,
        max(source) FILTER (measure = 'short_term_position' AND value_usd_mn IS NOT NULL) AS short_term_source,
        arg_min(released, preference) AS released,
        arg_min(evidence, preference) AS evidence,
        arg_min(series, preference) AS series,
        arg_min(scope, preference) AS scope,
        arg_min(source, preference) AS stated_by
    FROM (
        SELECT *, (value_usd_mn IS NULL)::INTEGER * 10
                  + CASE measure WHEN 'total_position' THEN 0 WHEN 'long_term_position' THEN 1 ELSE 2 END AS preference
        FROM ranked WHERE place = 1
    )
    GROUP BY holder_id, month
)
SELECT holder_id, holder, kind, best.month, total_usd_mn, long_term_usd_mn, short_term_usd_mn,
    coalesce(total_source, long_term_source, short_term_source, stated_by) AS source,
    long_term_source, short_term_source, released, evidence, series, scope,
    coalesce((series, scope) <> lag((series, scope)) OVER (PARTITION BY holder_id ORDER BY best.month), false)
        AS series_break
FROM best
JOIN holders USING (holder_id)
ORDER BY holder_id, best.month;
