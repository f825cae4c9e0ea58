-- What each source states of a holder's month: total, long-term and bills side by side, one row for every state of them,
-- from the day it was known until the day it was replaced. A figure that is a known error of its publisher (table
-- `corrections`) is replaced from the day the correction was made.
WITH figures AS (
    SELECT o.source, o.holder_id, o.month, coalesce(unnamed.new_series, o.series) AS series, o.evidence, o.measure,
        o.value_usd_mn, o.released, o.superseded, corrected_usd_mn, since
    FROM observations AS o
    LEFT JOIN corrections
        ON corrections.source = o.source AND corrections.holder_id = o.holder_id AND corrections.month = o.month
       AND corrections.measure = o.measure AND corrections.expected_usd_mn = o.value_usd_mn
    -- A break that only a footnote tells of: files print the old series beyond it.
    LEFT JOIN series_breaks AS unnamed
        ON NOT unnamed.named_in_files AND unnamed.old_series = o.series AND o.month >= unnamed.month
    WHERE o.measure IN ('total_position', 'long_term_position', 'short_term_position')
),
-- The days on which anything of the row changed.
days AS (
    SELECT source, holder_id, month, series, evidence, released AS day FROM figures
    UNION
    SELECT source, holder_id, month, series, evidence, superseded FROM figures WHERE superseded IS NOT NULL
    UNION
    SELECT source, holder_id, month, series, evidence, since FROM figures
    WHERE since > released AND (superseded IS NULL OR since < superseded)
),
spells AS (
    SELECT *, lead(day) OVER (PARTITION BY source, holder_id, month, series, evidence ORDER BY day) AS until FROM days
),
stated AS (
    SELECT source, holder_id, month, series, evidence, day AS known_from, until AS known_until, measure, released,
        CASE WHEN since <= day THEN corrected_usd_mn ELSE value_usd_mn END AS value_usd_mn
    FROM spells
    JOIN figures USING (source, holder_id, month, series, evidence)
    WHERE released <= day AND (superseded IS NULL OR superseded > day)
),
side_by_side AS (
    SELECT source, holder_id, month, series, evidence, known_from, known_until,
        max(value_usd_mn) FILTER (measure = 'total_position') AS total_usd_mn,
        max(value_usd_mn) FILTER (measure = 'long_term_position') AS long_term_usd_mn,
        max(value_usd_mn) FILTER (measure = 'short_term_position') AS short_term_usd_mn,
        max(released) FILTER (measure = 'total_position') AS total_released,
        max(released) FILTER (measure = 'long_term_position') AS long_term_released,
        max(released) FILTER (measure = 'short_term_position') AS short_term_released
    FROM stated
    GROUP BY ALL
)
SELECT s.*, coalesce(scope, '') AS scope, precedence * 100 + 99 - coalesce(series_rank, 0) AS preference
FROM side_by_side AS s
JOIN sources USING (source)
LEFT JOIN (
    SELECT new_series AS series, row_number() OVER (ORDER BY month) AS series_rank FROM series_breaks
) AS series_order USING (series)
LEFT JOIN holder_scopes
    ON holder_scopes.holder_id = s.holder_id AND holder_scopes.source = s.source
   AND s.month BETWEEN holder_scopes.first_month AND holder_scopes.last_month
ORDER BY s.source, s.holder_id, s.month, s.series, s.evidence, s.known_from
