-- What every holder had of agency bonds, corporate bonds and equities as known at the end of day `d`: position, change,
-- and change = net purchases + valuation change + other changes. Table 1 goes before the Continuous SLT, which goes
-- further back; a change and its decomposition are of one source.
CREATE OR REPLACE MACRO other_securities_as_of(d) AS TABLE
WITH stated AS (
    SELECT source, holder_id, month, split_part(measure, '_', 1) AS security, max(released) AS released,
        max(value_usd_mn) FILTER (measure LIKE '%\_position' ESCAPE '\') AS position,
        max(value_usd_mn) FILTER (measure LIKE '%\_net' ESCAPE '\') AS net,
        max(value_usd_mn) FILTER (measure LIKE '%\_valuation' ESCAPE '\') AS valuation
    FROM securities_observations
    WHERE released <= d AND (superseded IS NULL OR superseded > d) AND measure NOT LIKE 'treasury\_%' ESCAPE '\'
    GROUP BY source, holder_id, month, security
),
changed AS (
    SELECT now.*, now.position - before.position AS change
    FROM stated AS now
    LEFT JOIN stated AS before
        ON before.source = now.source AND before.holder_id = now.holder_id AND before.security = now.security
       AND before.month = now.month - INTERVAL 1 MONTH
),
side_by_side AS (
    SELECT holder_id, month, security, slt.* EXCLUDE (source, holder_id, month, security),
        cslt.position AS cslt_position, cslt.net AS cslt_net, cslt.valuation AS cslt_valuation,
        cslt.change AS cslt_change, cslt.released AS cslt_released,
        CASE WHEN slt.net IS NOT NULL THEN 'slt'
             WHEN cslt.net IS NOT NULL AND cslt.valuation IS NOT NULL THEN 'cslt' END AS basis
    FROM (FROM changed WHERE source = 'slt_table1') AS slt
    FULL JOIN (FROM changed WHERE source = 'cslt') AS cslt USING (holder_id, month, security)
),
chosen AS (
    SELECT holder_id, month, security,
        coalesce(position, cslt_position) AS position_usd_mn,
        CASE basis WHEN 'slt' THEN change WHEN 'cslt' THEN cslt_change ELSE coalesce(change, cslt_change) END AS change_usd_mn,
        CASE basis WHEN 'slt' THEN net WHEN 'cslt' THEN cslt_net END AS net_purchases_usd_mn,
        CASE basis WHEN 'slt' THEN valuation WHEN 'cslt' THEN cslt_valuation END AS valuation_usd_mn,
        basis,
        CASE WHEN position IS NOT NULL OR (cslt_position IS NULL AND basis = 'slt') THEN 'slt_table1' ELSE 'cslt' END AS source,
        greatest(
            CASE WHEN position IS NOT NULL OR basis = 'slt' THEN released END,
            CASE WHEN position IS NULL OR basis = 'cslt' THEN cslt_released END
        ) AS released
    FROM side_by_side
)
SELECT holder_id, holder, kind, month, security, position_usd_mn, change_usd_mn, net_purchases_usd_mn, valuation_usd_mn,
    change_usd_mn - net_purchases_usd_mn - valuation_usd_mn AS other_usd_mn, basis, chosen.source, released
FROM chosen
JOIN holders USING (holder_id)
WHERE position_usd_mn IS NOT NULL OR net_purchases_usd_mn IS NOT NULL
ORDER BY holder_id, month, security;
