-- How concentrated foreign holdings are, and how much of them the official sector and bills make up, month by month.
SELECT grand.month,
    grand.position_usd_mn AS grand_total_usd_mn,
    held.countries, held.herfindahl, held.top5_share_pct, held.custodial_share_pct,
    official.position_usd_mn AS official_usd_mn,
    100 * official.position_usd_mn / grand.position_usd_mn AS official_share_pct,
    100 * grand.short_term_usd_mn / grand.position_usd_mn AS share_of_bills_pct
FROM aggregate_months AS grand
LEFT JOIN aggregate_months AS official ON official.holder_id = 'foreign_official' AND official.month = grand.month
LEFT JOIN (
    SELECT month, count(*) AS countries, sum(share_of_foreign_pct ** 2) AS herfindahl,
        sum(share_of_foreign_pct) FILTER (place <= 5) AS top5_share_pct,
        sum(share_of_foreign_pct) FILTER (custodial_centre) AS custodial_share_pct
    FROM (
        SELECT month, share_of_foreign_pct, custodial_centre,
            row_number() OVER (PARTITION BY month ORDER BY share_of_foreign_pct DESC) AS place
        FROM holder_months WHERE share_of_foreign_pct IS NOT NULL
    )
    GROUP BY month
) AS held ON held.month = grand.month
WHERE grand.holder_id = 'grand_total' AND grand.position_usd_mn IS NOT NULL
ORDER BY grand.month
