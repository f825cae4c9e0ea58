-- What each country's position was exposed to, month by month.
SELECT months.holder_id, months.holder, months.month, months.position_usd_mn, months.share_of_foreign_pct,
    100 * months.valuation_usd_mn
        / nullif(months.long_term_usd_mn - months.change_long_term_usd_mn, 0) AS valuation_return_pct,
    holders.currency,
    100 * (rate.end_of_month / before.end_of_month - 1) AS local_currency_return_pct,
    months.position_usd_mn * rate.end_of_month AS position_local_mn,
    yields.average_pct - inflation.twelve_months_pct AS real_yield_pct,
    turnover.gross_usd_mn AS gross_transactions_usd_mn,
    -100 * months.net_long_term_usd_mn / nullif(turnover.gross_usd_mn, 0) AS sales_to_turnover_pct
FROM holder_months AS months
JOIN holders USING (holder_id)
LEFT JOIN fx_monthly AS rate ON rate.currency = holders.currency AND rate.month = months.month
LEFT JOIN fx_monthly AS before ON before.currency = holders.currency AND before.month = months.month - INTERVAL 1 MONTH
LEFT JOIN (
    SELECT date_trunc('month', date)::DATE AS month, avg(value) AS average_pct
    FROM market_series WHERE series_id = 'DGS10' GROUP BY 1
) AS yields ON yields.month = months.month
LEFT JOIN (
    SELECT now.date AS month, 100 * (now.value / past.value - 1) AS twelve_months_pct
    FROM market_series AS now
    JOIN market_series AS past ON past.series_id = now.series_id AND past.date = now.date - INTERVAL 12 MONTH
    WHERE now.series_id = 'CPIAUCSL'
) AS inflation ON inflation.month = months.month
LEFT JOIN (
    SELECT holder_id, month,
        sum(value_usd_mn) FILTER (measure = 'long_term_gross_purchases')
            + sum(value_usd_mn) FILTER (measure = 'long_term_gross_sales') AS gross_usd_mn
    FROM observations
    WHERE superseded IS NULL
    GROUP BY holder_id, month
) AS turnover ON turnover.holder_id = months.holder_id AND turnover.month = months.month
ORDER BY months.holder_id, months.month
