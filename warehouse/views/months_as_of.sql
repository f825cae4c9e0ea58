-- Every holder's months as known at the end of day `d`: position, change on one survey basis, and the decomposition
-- change = net purchases + valuation change + other changes.
CREATE MACRO months_as_of(d) AS TABLE
WITH known AS (
    SELECT source, holder_id, month, measure, series, value_usd_mn, evidence
    FROM observations
    WHERE released <= d AND (superseded IS NULL OR superseded > d)
),
position AS (FROM positions_as_of(d)),
-- In a month where the survey basis changed, the month's figure on the old basis: the change is taken on that one.
old_basis AS (
    SELECT holder_id, month, series, max(value_usd_mn) AS value_usd_mn
    FROM known WHERE measure = 'total_position'
    GROUP BY holder_id, month, series
),
paired AS (
    SELECT position.*,
        CASE WHEN before.series = position.series THEN position.total_usd_mn
             ELSE old_basis.value_usd_mn END - before.total_usd_mn AS change_usd_mn,
        CASE WHEN before.series = position.series
             THEN position.long_term_usd_mn - before.long_term_usd_mn END AS change_long_term_usd_mn,
        CASE WHEN before.series = position.series
             THEN position.short_term_usd_mn - before.short_term_usd_mn END AS change_short_term_usd_mn,
        before.total_usd_mn AS before_usd_mn
    FROM position
    LEFT JOIN position AS before
        ON before.holder_id = position.holder_id AND before.month = position.month - INTERVAL 1 MONTH
    LEFT JOIN old_basis
        ON old_basis.holder_id = position.holder_id AND old_basis.month = position.month
       AND old_basis.series = before.series AND before.series <> position.series
),
stated_flows AS (
    SELECT holder_id, month,
        max(value_usd_mn) FILTER (measure = 'total_net') AS net,
        max(value_usd_mn) FILTER (measure = 'long_term_net') AS net_long_term,
        max(value_usd_mn) FILTER (measure = 'short_term_net') AS net_short_term,
        max(value_usd_mn) FILTER (measure = 'long_term_valuation') AS valuation
    FROM known WHERE source = 'slt_table3'
    GROUP BY holder_id, month
),
decomposed AS (
    SELECT paired.*,
        CASE WHEN net_long_term IS NOT NULL THEN 'slt' END AS basis,
        net AS net_purchases_usd_mn, net_long_term AS net_long_term_usd_mn,
        CASE WHEN net_long_term IS NOT NULL THEN net_short_term END AS net_short_term_usd_mn,
        valuation AS valuation_usd_mn
    FROM paired LEFT JOIN stated_flows USING (holder_id, month)
)
SELECT holder_id, decomposed.holder, decomposed.kind, decomposed.month,
    decomposed.total_usd_mn AS position_usd_mn,
    change_usd_mn,
    100 * change_usd_mn / nullif(before_usd_mn, 0) AS change_pct,
    net_purchases_usd_mn, net_long_term_usd_mn, net_short_term_usd_mn, valuation_usd_mn,
    change_usd_mn - net_purchases_usd_mn - valuation_usd_mn AS other_usd_mn,
    basis,
    100 * decomposed.total_usd_mn / nullif(grand.total_usd_mn, 0) AS share_of_foreign_pct,
    decomposed.series_break,
    decomposed.long_term_usd_mn, decomposed.short_term_usd_mn,
    change_long_term_usd_mn, change_short_term_usd_mn,
    decomposed.source, decomposed.series, decomposed.evidence, custodial_centre
FROM decomposed
JOIN holders USING (holder_id)
LEFT JOIN position AS grand ON grand.holder_id = 'grand_total' AND grand.month = decomposed.month
ORDER BY holder_id, decomposed.month;

CREATE MACRO holder_months_as_of(d) AS TABLE
    SELECT * EXCLUDE (kind) FROM months_as_of(d) WHERE kind = 'country';

CREATE MACRO aggregate_months_as_of(d) AS TABLE
    SELECT * FROM months_as_of(d) WHERE kind <> 'country';
