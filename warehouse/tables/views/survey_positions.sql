-- The annual survey's Treasuries by country, long-term and short-term side by side.
SELECT country_code, country, holder_id, month, long_term_usd_mn, short_term_usd_mn,
    100 * short_term_usd_mn / nullif(long_term_usd_mn + short_term_usd_mn, 0) AS share_of_bills_pct,
    released, source, sha256
FROM (
    SELECT country_code, month, max(released) AS released, arg_max(country, released) AS country,
        max(value_usd_mn) FILTER (measure = 'long_term_position') AS long_term_usd_mn,
        max(value_usd_mn) FILTER (measure = 'short_term_position') AS short_term_usd_mn,
        arg_max(source, released) AS source, arg_max(sha256, released) AS sha256
    FROM {ledger}.surveys
    WHERE superseded IS NULL
    GROUP BY country_code, month
)
LEFT JOIN holder_codes USING (country_code)
ORDER BY country_code, month
