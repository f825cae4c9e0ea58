-- Marketable Treasury debt outstanding by month, all holders in and outside the country, the Federal Reserve among them.
-- `stated` is the one place that names where it comes from. A figure at par, of the Monthly Statement of the Public Debt
-- (marketable debt held by the public), goes before one at market value.
WITH stated AS (
    SELECT date_trunc('month', date)::DATE AS month, 1000 * value AS outstanding_usd_mn, 'market value' AS basis,
        2 AS preference, source
    FROM market_series WHERE series_id = 'MVMTD027MNFRBDAL'
    UNION ALL
    SELECT date_trunc('month', date)::DATE, value, 'par', 1, source
    FROM signals WHERE series_id = 'marketable_debt_outstanding' AND superseded IS NULL
),
best AS (
    SELECT * FROM stated QUALIFY row_number() OVER (PARTITION BY month ORDER BY preference) = 1
)
-- Net issuance is a change at par: one of market values would be mostly price.
SELECT now.month, now.outstanding_usd_mn, now.basis AS debt_basis, now.source,
    CASE WHEN now.basis = 'par' THEN now.outstanding_usd_mn - before.outstanding_usd_mn END AS net_issuance_usd_mn
FROM best AS now
LEFT JOIN best AS before ON before.month = now.month - INTERVAL 1 MONTH AND before.basis = now.basis
ORDER BY now.month
