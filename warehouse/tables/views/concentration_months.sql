-- How concentrated foreign holdings are, how much of them the official sector and bills make up, and what they are of the
-- marketable debt and of all U.S. securities that foreigners hold, month by month.
WITH shares AS (
    SELECT month, share_of_foreign_pct AS share, custodial_centre,
        row_number() OVER (PARTITION BY month ORDER BY share_of_foreign_pct DESC) AS place
    FROM holder_months WHERE share_of_foreign_pct IS NOT NULL
),
held AS (
    SELECT month, count(*) AS countries, sum(share) AS named_share_pct, sum(share ** 2) AS herfindahl,
        -- of what is held outside the centres: what no name is given for is taken as many small holders, as in herfindahl
        10000 * sum(share ** 2) FILTER (NOT custodial_centre)
            / nullif(100 - coalesce(sum(share) FILTER (custodial_centre), 0), 0) ** 2 AS herfindahl_without_centres,
        sum(share) FILTER (place <= 5) AS top5_share_pct,
        sum(share) FILTER (custodial_centre) AS custodial_share_pct
    FROM shares GROUP BY month
),
-- Bonds and notes, agency bonds, corporate bonds, equities of all foreigners; bills are not in these statistics.
securities AS (
    SELECT month, max(position_usd_mn) FILTER (security = 'treasury') AS treasury_usd_mn,
        CASE WHEN count(position_usd_mn) = 4 THEN sum(position_usd_mn) END AS all_usd_mn,
        CASE WHEN count(position_usd_mn) FILTER (security <> 'equity') = 3
            THEN sum(position_usd_mn) FILTER (security <> 'equity') END AS bonds_usd_mn
    FROM securities_months WHERE holder_id = 'grand_total' GROUP BY month
)
SELECT grand.month,
    grand.position_usd_mn AS grand_total_usd_mn,
    held.countries, held.named_share_pct, held.herfindahl, held.herfindahl_without_centres, held.top5_share_pct,
    held.custodial_share_pct,
    official.position_usd_mn AS official_usd_mn,
    100 * official.position_usd_mn / grand.position_usd_mn AS official_share_pct,
    100 * grand.short_term_usd_mn / grand.position_usd_mn AS share_of_bills_pct,
    debt.outstanding_usd_mn AS marketable_debt_usd_mn, debt.debt_basis,
    100 * grand.position_usd_mn / nullif(debt.outstanding_usd_mn, 0) AS foreign_share_of_debt_pct,
    100 * securities.treasury_usd_mn / nullif(securities.all_usd_mn, 0) AS treasury_share_of_securities_pct,
    100 * securities.treasury_usd_mn / nullif(securities.bonds_usd_mn, 0) AS treasury_share_of_bonds_pct
FROM aggregate_months AS grand
LEFT JOIN aggregate_months AS official ON official.holder_id = 'foreign_official' AND official.month = grand.month
LEFT JOIN held ON held.month = grand.month
LEFT JOIN marketable_debt AS debt ON debt.month = grand.month
LEFT JOIN securities ON securities.month = grand.month
WHERE grand.holder_id = 'grand_total' AND grand.position_usd_mn IS NOT NULL
ORDER BY grand.month
