-- What a dollar bond yields above inflation, by month: looking back at prices, and as the market prices it. A month's
-- average is of its days with a yield, once one of its last seven days has one: a month that is not over has none.
WITH averages AS (
    SELECT date_trunc('month', date)::DATE AS month, series_id, avg(value) AS average
    FROM market_series WHERE series_id IN ('DGS10', 'DFII10', 'T10YIE')
    GROUP BY ALL
    HAVING day(last_day(max(date))) - day(max(date)) < 7
),
inflation AS (
    SELECT now.date AS month, 100 * (now.value / past.value - 1) AS inflation_pct
    FROM market_series AS now
    JOIN market_series AS past ON past.series_id = now.series_id AND past.date = now.date - INTERVAL 12 MONTH
    WHERE now.series_id = 'CPIAUCSL'
),
side_by_side AS (
    SELECT month, max(average) FILTER (series_id = 'DGS10') AS nominal_yield_pct,
        max(average) FILTER (series_id = 'DFII10') AS market_real_yield_pct,
        max(average) FILTER (series_id = 'T10YIE') AS breakeven_pct
    FROM averages GROUP BY month
)
SELECT month, nominal_yield_pct, inflation_pct, nominal_yield_pct - inflation_pct AS real_yield_pct,
    market_real_yield_pct, breakeven_pct
FROM side_by_side FULL JOIN inflation USING (month)
ORDER BY month
