-- What the nowcast is held against, and learns from: one row a month of `$holder`, as first printed where that is held.
-- Change in holdings: both positions as printed on the day of the first print; else the change as it stands now.
-- Net purchases: bonds and notes and bills together, as a press release first printed them, else as the first release kept.
WITH firsts AS (
    SELECT month, source, series, first_print_usd_mn, first_printed
    FROM first_prints WHERE holder_id = $holder AND measure = 'total_position'
    QUALIFY row_number() OVER (PARTITION BY month ORDER BY first_printed, source) = 1
),
first_changes AS (
    SELECT firsts.month, first_print_usd_mn - before.value_usd_mn AS value_usd_mn, first_printed
    FROM firsts JOIN observations AS before
        ON before.holder_id = $holder AND before.measure = 'total_position' AND before.source = firsts.source
        AND before.series = firsts.series AND before.month = firsts.month - INTERVAL 1 MONTH
        AND before.released <= first_printed AND (before.superseded IS NULL OR before.superseded > first_printed)
),
holdings AS (
    FROM holder_months SELECT holder_id, month, position_usd_mn, long_term_usd_mn, change_usd_mn
    UNION ALL
    FROM aggregate_months SELECT holder_id, month, position_usd_mn, long_term_usd_mn, change_usd_mn
),
flows AS (
    SELECT month, released, first_print_basis, net_long_term_official_usd_mn + net_short_term_official_usd_mn AS value_usd_mn
    FROM official_flows WHERE first_print_basis IS NOT NULL AND $holder = 'foreign_official'
)
SELECT holdings.month, holdings.position_usd_mn, holdings.long_term_usd_mn, holdings.change_usd_mn,
    coalesce(first_changes.value_usd_mn, holdings.change_usd_mn) AS change_print_usd_mn,
    first_changes.first_printed AS change_printed,
    CASE WHEN first_changes.value_usd_mn IS NOT NULL THEN 'first_print'
        WHEN holdings.change_usd_mn IS NOT NULL THEN 'latest_vintage' END AS change_basis,
    flows.value_usd_mn AS flow_print_usd_mn, flows.released AS flow_printed, flows.first_print_basis AS flow_basis
FROM holdings LEFT JOIN first_changes USING (month) LEFT JOIN flows USING (month)
WHERE holdings.holder_id = $holder
ORDER BY holdings.month
