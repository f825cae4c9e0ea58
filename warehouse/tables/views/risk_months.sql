-- What each country's position was exposed to, month by month. Formulas with their sources: docs/methodology.md, "What it
-- risks". A return is of prices alone: no source states coupons by holder.
WITH monthly AS (
    SELECT months.*, holders.currency,
        -- An estimated valuation is one return for every holder, which says nothing of this one.
        CASE WHEN basis IN ('slt', 'cslt') THEN valuation_usd_mn
            / nullif(long_term_usd_mn - change_long_term_usd_mn, 0) END AS price,
        rate.end_of_month / before.end_of_month - 1 AS dollar,
        rate.end_of_month AS per_usd,
        prices.value AS price_level, prices_before.value AS price_level_before, prices_year.value AS price_level_year
    FROM holder_months AS months
    JOIN holders USING (holder_id)
    LEFT JOIN fx_monthly AS rate ON rate.currency = holders.currency AND rate.month = months.month
    LEFT JOIN fx_monthly AS before
        ON before.currency = holders.currency AND before.month = months.month - INTERVAL 1 MONTH
    LEFT JOIN market_series AS prices ON prices.series_id = 'CPIAUCSL' AND prices.date = months.month
    LEFT JOIN market_series AS prices_before
        ON prices_before.series_id = 'CPIAUCSL' AND prices_before.date = months.month - INTERVAL 1 MONTH
    LEFT JOIN market_series AS prices_year
        ON prices_year.series_id = 'CPIAUCSL' AND prices_year.date = months.month - INTERVAL 12 MONTH
),
-- Twelve months' returns multiply; with one of them unknown, so is the year.
yearly AS (
    SELECT *,
        CASE WHEN count(price) OVER year = 12 THEN product(1 + price) OVER year - 1 END AS price_year,
        CASE WHEN count(dollar) OVER year = 12 THEN product(1 + dollar) OVER year - 1 END AS dollar_year,
        CASE WHEN count(valuation_usd_mn) OVER year = 12 THEN sum(valuation_usd_mn) OVER year END AS valuation_year,
        CASE WHEN count(valuation_usd_mn) OVER year < 12 THEN NULL
            WHEN min(basis) OVER year = max(basis) OVER year THEN basis ELSE 'mixed' END AS basis_year
    FROM monthly
    WINDOW year AS (PARTITION BY holder_id ORDER BY month RANGE BETWEEN INTERVAL 11 MONTHS PRECEDING AND CURRENT ROW)
),
turnover AS (
    SELECT holder_id, month,
        sum(value_usd_mn) FILTER (measure = 'long_term_gross_purchases')
            + sum(value_usd_mn) FILTER (measure = 'long_term_gross_sales') AS gross_usd_mn
    FROM observations
    WHERE superseded IS NULL
    GROUP BY holder_id, month
),
-- A holder's own long yield: that of its country where one is declared, else that of its currency.
long_yields AS (
    SELECT holders.holder_id, date AS month, value AS yield_pct
    FROM holders
    JOIN sources ON long_yield_of IN (holders.holder_id, holders.currency)
    JOIN market_series ON market_series.source = sources.source
    QUALIFY row_number() OVER (
        PARTITION BY holders.holder_id, date ORDER BY long_yield_of = holders.holder_id DESC, sources.source
    ) = 1
),
reserves AS (
    SELECT reserves_of AS holder_id, date AS month, value AS reserves_usd_mn
    FROM market_series JOIN sources USING (source) WHERE reserves_of <> ''
)
SELECT yearly.holder_id, yearly.holder, yearly.month, yearly.position_usd_mn, yearly.long_term_usd_mn,
    yearly.share_of_foreign_pct,
    100 * price AS valuation_return_pct,
    100 * price_year AS valuation_return_12m_pct,
    valuation_year AS valuation_12m_usd_mn, basis_year AS valuation_12m_basis,
    implied_duration_years, duration_low_years, duration_high_years,
    implied_duration_years / 100 * long_term_usd_mn AS loss_100bp_usd_mn,
    duration_low_years / 100 * long_term_usd_mn AS loss_100bp_low_usd_mn,
    duration_high_years / 100 * long_term_usd_mn AS loss_100bp_high_usd_mn,
    implied_duration_years * long_term_usd_mn / nullif(position_usd_mn, 0) AS loss_100bp_pct,
    currency,
    100 * dollar AS currency_return_pct,
    100 * dollar_year AS currency_return_12m_pct,
    100 * ((1 + price) * (1 + dollar) - 1) AS own_currency_return_pct,
    100 * ((1 + price_year) * (1 + dollar_year) - 1) AS own_currency_return_12m_pct,
    position_usd_mn * per_usd AS position_local_mn,
    long_yields.yield_pct AS own_long_yield_pct,
    nominal_yield_pct - long_yields.yield_pct AS yield_pickup_pct,
    100 * ((1 + price) / (price_level / price_level_before) - 1) AS real_return_pct,
    100 * ((1 + price_year) / (price_level / price_level_year) - 1) AS real_return_12m_pct,
    -100 * net_purchases_usd_mn / CASE WHEN debt.net_issuance_usd_mn > 0 THEN debt.net_issuance_usd_mn END
        AS sales_to_issuance_pct,
    -100 * net_purchases_usd_mn / nullif(debt.outstanding_usd_mn, 0) AS sales_to_debt_pct,
    debt.debt_basis,
    turnover.gross_usd_mn AS gross_transactions_usd_mn,
    -100 * net_long_term_usd_mn / nullif(turnover.gross_usd_mn, 0) AS sales_to_turnover_pct,
    reserves_usd_mn,
    100 * position_usd_mn / nullif(reserves_usd_mn, 0) AS treasuries_to_reserves_pct
FROM yearly
LEFT JOIN implied_durations USING (holder_id, month)
LEFT JOIN long_yields USING (holder_id, month)
LEFT JOIN real_yields USING (month)
LEFT JOIN marketable_debt AS debt USING (month)
LEFT JOIN turnover USING (holder_id, month)
LEFT JOIN reserves USING (holder_id, month)
ORDER BY holder_id, month
