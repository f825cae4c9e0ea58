-- What each press release printed of each month, as it was made. `{ledger}` is the ledger's name as attached.
WITH prints AS (
    SELECT source, month, released, press_release, page_day::DATE AS page_day, any_value(sha256) AS sha256,
        any_value(line) AS line,
        max(value_usd_mn) FILTER (measure = 'net_long_term_private') AS net_long_term_private_usd_mn,
        max(value_usd_mn) FILTER (measure = 'net_long_term_official') AS net_long_term_official_usd_mn,
        max(value_usd_mn) FILTER (measure = 'net_short_term') AS net_short_term_usd_mn,
        max(value_usd_mn) FILTER (measure = 'net_short_term_private') AS net_short_term_private_usd_mn,
        max(value_usd_mn) FILTER (measure = 'net_short_term_official') AS net_short_term_official_usd_mn
    FROM {ledger}.official_flows
    WHERE superseded IS NULL
    GROUP BY source, month, released, press_release, page_day
),
placed AS (
    SELECT *, row_number() OVER (PARTITION BY month ORDER BY released, press_release) AS print,
        max(month) OVER (PARTITION BY press_release, released) AS newest_month
    FROM prints
)
SELECT *, print = 1 AND month = newest_month AS is_first_print,
    CASE WHEN print > 1 THEN NULL WHEN month = newest_month THEN 'first_print' ELSE 'earliest_kept' END AS first_print_basis,
    'U.S. Treasury press release ' || press_release || ' of ' || strftime(released, '%-d %B %Y')
        || coalesce(strftime(page_day, ' (its page shows %-d %B %Y)'), '') AS citation
FROM placed
ORDER BY month, released, press_release
