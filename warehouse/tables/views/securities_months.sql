-- Every holder's long-term U.S. securities side by side. Treasury bonds and notes are those of holder_months and
-- aggregate_months; Table 1, which states the same figures as Table 3, stands only for holders whom these do not have.
WITH months AS (
    SELECT holder_id, holder, holders.kind, month, long_term_usd_mn, change_long_term_usd_mn, net_long_term_usd_mn,
        valuation_usd_mn, basis
    FROM (FROM holder_months UNION ALL BY NAME SELECT * EXCLUDE (kind) FROM aggregate_months)
    JOIN holders USING (holder_id, holder)
    WHERE long_term_usd_mn IS NOT NULL OR net_long_term_usd_mn IS NOT NULL
),
-- The day on which what stands of a month was published, by the source of it.
days AS (
    SELECT source, holder_id, month, max(released) AS released
    FROM observations
    WHERE superseded IS NULL AND measure IN ('long_term_position', 'long_term_gross_purchases')
    GROUP BY source, holder_id, month
),
sided AS (
    SELECT months.*, coalesce(long_term_source, CASE basis WHEN 'form_s' THEN 's1_globl' END) AS source
    FROM months
    JOIN positions USING (holder_id, month)
),
treasury AS (
    SELECT holder_id, holder, kind, month, long_term_usd_mn AS position_usd_mn,
        change_long_term_usd_mn AS change_usd_mn, net_long_term_usd_mn AS net_purchases_usd_mn, valuation_usd_mn, basis,
        source, released
    FROM sided
    LEFT JOIN days USING (source, holder_id, month)
),
of_table1 AS (
    SELECT holder_id, month, max(released) AS released,
        max(value_usd_mn) FILTER (measure = 'treasury_position') AS position_usd_mn,
        max(value_usd_mn) FILTER (measure = 'treasury_net') AS net_purchases_usd_mn,
        max(value_usd_mn) FILTER (measure = 'treasury_valuation') AS valuation_usd_mn
    FROM securities_observations
    WHERE source = 'slt_table1' AND superseded IS NULL AND measure LIKE 'treasury\_%' ESCAPE '\'
    GROUP BY holder_id, month
),
of_table1_alone AS (
    SELECT now.*, now.position_usd_mn - before.position_usd_mn AS change_usd_mn
    FROM of_table1 AS now
    LEFT JOIN of_table1 AS before
        ON before.holder_id = now.holder_id AND before.month = now.month - INTERVAL 1 MONTH
    ANTI JOIN treasury ON treasury.holder_id = now.holder_id AND treasury.month = now.month
    WHERE now.position_usd_mn IS NOT NULL OR now.net_purchases_usd_mn IS NOT NULL
),
every_security AS (
    SELECT *, 'treasury' AS security FROM treasury
    UNION ALL BY NAME
    SELECT alone.*, holder, kind, 'treasury' AS security, 'slt_table1' AS source,
        CASE WHEN net_purchases_usd_mn IS NOT NULL THEN 'slt' END AS basis
    FROM of_table1_alone AS alone
    JOIN holders USING (holder_id)
    UNION ALL BY NAME
    SELECT * EXCLUDE (other_usd_mn) FROM other_securities_as_of(?)
)
SELECT *, change_usd_mn - net_purchases_usd_mn - valuation_usd_mn AS other_usd_mn
FROM every_security
ORDER BY holder_id, month, security
