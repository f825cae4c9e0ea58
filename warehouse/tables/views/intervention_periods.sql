-- The totals of interventions that stand, each with the first day on which it was known. `{ledger}` is the ledger's name.
-- A page's address names its day (20260828e.html); a figure that replaced another was known from its download on.
WITH stated AS (
    SELECT p.country, p.start_date::DATE AS start_date, p.end_date, p.amount_jpy_mn, p.source, p.sha256, p.line, p.released,
        try_strptime(regexp_extract(v.url, '(\d{{8}})e?\.html?$', 1), '%Y%m%d')::DATE AS named,
        EXISTS (FROM {ledger}.intervention_periods o WHERE o.source = p.source AND o.country = p.country
            AND o.start_date = p.start_date AND o.end_date = p.end_date AND o.superseded IS NOT NULL) AS replaced_another
    FROM {ledger}.intervention_periods p LEFT JOIN {ledger}.vintages v USING (source, released, sha256)
    WHERE p.superseded IS NULL
)
SELECT *, CASE WHEN named > end_date AND named <= released AND NOT replaced_another THEN named ELSE released END AS known_from
FROM stated
ORDER BY country, start_date, end_date
