-- Every holder's months as known at the end of day `d`: position, change on one survey basis, and the decomposition
-- change = net purchases + valuation change + other changes.
CREATE OR REPLACE MACRO months_as_of(d) AS TABLE
WITH flows AS (
    SELECT source, holder_id, month, measure, value_usd_mn
    FROM observations
    WHERE released <= d AND (superseded IS NULL OR superseded > d)
      AND measure NOT IN ('total_position', 'long_term_position', 'short_term_position')
),
position AS (FROM positions_as_of(d)),
stated_positions AS (
    SELECT * FROM source_positions WHERE known_from <= d AND (known_until IS NULL OR known_until > d)
),
-- All Other is what is left beside the places that a source names: another list of names makes another line of it.
names AS (
    SELECT source, month, series, evidence, string_agg(holder_id, ' ' ORDER BY holder_id) AS named
    FROM stated_positions
    JOIN holders USING (holder_id)
    WHERE kind = 'country' AND total_usd_mn IS NOT NULL
      AND source IN (SELECT source FROM stated_positions WHERE holder_id = 'all_other')
    GROUP BY ALL
),
-- Two months next to each other as one source states them, on one survey basis and in one meaning. A change is never taken
-- between what two sources alone state, nor between a press report and a release: they differ in what they count, in their
-- rounding and in their vintage.
pairs AS (
    SELECT this.holder_id, this.month, this.source, this.series, this.scope, this.evidence, this.preference,
        this.total_usd_mn - before.total_usd_mn AS change_usd_mn, before.total_usd_mn AS before_usd_mn,
        this.total_usd_mn, last_digit_usd_mn,
        this.long_term_usd_mn - before.long_term_usd_mn AS change_long_term_usd_mn,
        this.short_term_usd_mn - before.short_term_usd_mn AS change_short_term_usd_mn
    FROM stated_positions AS this
    JOIN stated_positions AS before
      ON before.holder_id = this.holder_id AND before.month = this.month - INTERVAL 1 MONTH
     AND (before.source, before.series, before.scope, before.evidence) = (this.source, this.series, this.scope, this.evidence)
    JOIN sources ON sources.source = this.source
    LEFT JOIN names
      ON this.holder_id = 'all_other' AND names.month = this.month
     AND (names.source, names.series, names.evidence) = (this.source, this.series, this.evidence)
    LEFT JOIN names AS names_before
      ON this.holder_id = 'all_other' AND names_before.month = before.month
     AND (names_before.source, names_before.series, names_before.evidence) = (this.source, this.series, this.evidence)
    WHERE names.named IS NOT DISTINCT FROM names_before.named
),
sided AS (
    SELECT position.*, before.series AS before_series, before.scope AS before_scope, before.source AS before_source,
        before.long_term_source AS before_long_term_source, before.short_term_source AS before_short_term_source,
        before.evidence AS before_evidence, before.total_usd_mn AS before_total_usd_mn,
        before_digits.last_digit_usd_mn AS before_digit_usd_mn, digits.last_digit_usd_mn AS digit_usd_mn,
        (before.series, before.scope) = (position.series, position.scope) AS same_basis
    FROM position
    LEFT JOIN position AS before
        ON before.holder_id = position.holder_id AND before.month = position.month - INTERVAL 1 MONTH
    LEFT JOIN sources AS digits ON digits.source = position.source
    LEFT JOIN sources AS before_digits ON before_digits.source = before.source
),
-- Whether a source states both published positions, as far as the coarser of the two prints them.
candidates AS (
    SELECT pairs.*, before_series, before_scope, before_source, sided.source AS own_source,
        sided.total_usd_mn - before_total_usd_mn AS between_positions_usd_mn,
        least(digit_usd_mn, before_digit_usd_mn) AS finest_digit_usd_mn,
        coalesce(same_basis
            AND abs(pairs.total_usd_mn - sided.total_usd_mn) <= greatest(last_digit_usd_mn, digit_usd_mn) / 2 + 0.001
            AND abs(before_usd_mn - before_total_usd_mn) <= greatest(last_digit_usd_mn, before_digit_usd_mn) / 2 + 0.001,
            false) AS states_both
    FROM pairs JOIN sided USING (holder_id, month)
    WHERE change_usd_mn IS NOT NULL AND pairs.evidence = sided.evidence AND pairs.evidence = before_evidence
      AND ((pairs.series, pairs.scope) = (before_series, before_scope) OR (pairs.series, pairs.scope) = (sided.series, sided.scope))
),
-- Of the sources that have both months, one that states both published positions goes first: its change leads from one to
-- the other, and changes of a run add up to it; an older release of the month's own source may state another figure of the
-- month before. Then the source that the month's figure is from, that of the month before, the preferred one. Where a survey
-- basis ends, the change on the old one goes before that on the new one. A source that states both positions, but rounds
-- more than the finer of them, vouches for their difference: it is closer than the source's own.
-- (DuckDB 1.0 has arg_min by one plain value only.)
totals AS (
    SELECT holder_id, month, first({
        'change': CASE WHEN states_both AND last_digit_usd_mn > finest_digit_usd_mn THEN between_positions_usd_mn ELSE change_usd_mn END,
        'held': before_usd_mn
    } ORDER BY (series, scope) IS DISTINCT FROM (before_series, before_scope), NOT states_both,
        source <> own_source, source <> before_source, preference) AS taken
    FROM candidates
    GROUP BY ALL
),
instruments AS (
    SELECT pairs.holder_id, pairs.month,
        first(change_long_term_usd_mn ORDER BY pairs.source <> sided.long_term_source,
            pairs.source <> before_long_term_source, preference)
            FILTER (change_long_term_usd_mn IS NOT NULL) AS change_long_term_usd_mn,
        first(change_short_term_usd_mn ORDER BY pairs.source <> sided.short_term_source,
            pairs.source <> before_short_term_source, preference)
            FILTER (change_short_term_usd_mn IS NOT NULL) AS change_short_term_usd_mn
    FROM pairs JOIN sided USING (holder_id, month)
    WHERE same_basis AND (pairs.series, pairs.scope) = (sided.series, sided.scope)
    GROUP BY ALL
),
-- What Table 3 itself makes of the change that it explains: positions of newer releases may make another.
of_table_3 AS (
    SELECT pairs.holder_id, pairs.month, any_value(pairs.change_usd_mn) AS table_3_change_usd_mn
    FROM pairs JOIN sided USING (holder_id, month)
    WHERE pairs.source = 'slt_table3' AND same_basis AND pairs.evidence = sided.evidence
      AND (pairs.series, pairs.scope) = (sided.series, sided.scope)
    GROUP BY ALL
),
paired AS (
    SELECT sided.* EXCLUDE (before_series, before_scope, before_source, before_long_term_source, before_short_term_source, before_evidence,
            before_total_usd_mn, before_digit_usd_mn, digit_usd_mn, same_basis),
        taken.change AS change_usd_mn, taken.held AS before_usd_mn, change_long_term_usd_mn, change_short_term_usd_mn,
        taken.change - table_3_change_usd_mn AS beyond_table_3_usd_mn
    FROM sided
    LEFT JOIN totals USING (holder_id, month)
    LEFT JOIN instruments USING (holder_id, month)
    LEFT JOIN of_table_3 USING (holder_id, month)
),
-- Table 3 states net purchases and valuation from 2023-02; the Continuous SLT before that; Form S states gross purchases
-- and sales of bonds and notes only. Where a source does not state bills, their change in position stands for them, as in
-- Table 3 itself.
stated AS (
    SELECT holder_id, month,
        max(value_usd_mn) FILTER (source = 'slt_table3' AND measure = 'total_net') AS slt_net,
        max(value_usd_mn) FILTER (source = 'slt_table3' AND measure = 'long_term_net') AS slt_long_term,
        max(value_usd_mn) FILTER (source = 'slt_table3' AND measure = 'short_term_net') AS slt_short_term,
        max(value_usd_mn) FILTER (source = 'slt_table3' AND measure = 'long_term_valuation') AS slt_valuation,
        max(value_usd_mn) FILTER (source = 'cslt' AND measure = 'total_net') AS cslt_net,
        max(value_usd_mn) FILTER (source = 'cslt' AND measure = 'long_term_net') AS cslt_long_term,
        max(value_usd_mn) FILTER (source = 'cslt' AND measure = 'short_term_net') AS cslt_short_term,
        max(value_usd_mn) FILTER (source = 'cslt' AND measure = 'long_term_valuation') AS cslt_valuation,
        max(value_usd_mn) FILTER (source = 's1_globl' AND measure = 'long_term_gross_purchases')
            - max(value_usd_mn) FILTER (source = 's1_globl' AND measure = 'long_term_gross_sales') AS form_s_long_term
    FROM flows
    GROUP BY holder_id, month
),
-- Of the official sector before any of these state it: what the last press release by then printed.
printed AS (
    SELECT 'foreign_official' AS holder_id, month, last_print.bonds AS printed_long_term, last_print.bills AS printed_short_term
    FROM (
        SELECT month, last({'bonds': net_long_term_official_usd_mn, 'bills': net_short_term_official_usd_mn}
            ORDER BY released, press_release) AS last_print
        FROM official_flows WHERE released <= d GROUP BY month
    )
),
-- Where only Form S knows transactions no source states a valuation: it is estimated, the price return of the month
-- (price_returns, from yields) times the bonds and notes held before, and the basis says so.
based AS (
    SELECT paired.*, stated.* EXCLUDE (holder_id, month), printed_long_term, printed_short_term,
        price_return_pct / 100 * (long_term_usd_mn - change_long_term_usd_mn) AS estimated_valuation,
        CASE WHEN slt_long_term IS NOT NULL THEN 'slt'
             WHEN cslt_long_term IS NOT NULL AND cslt_valuation IS NOT NULL THEN 'cslt'
             WHEN form_s_long_term IS NOT NULL AND estimated_valuation IS NOT NULL THEN 'estimated'
             WHEN form_s_long_term IS NOT NULL THEN 'form_s'
             WHEN printed_long_term IS NOT NULL THEN 'press_release' END AS basis
    FROM paired LEFT JOIN stated USING (holder_id, month) LEFT JOIN printed USING (holder_id, month)
    LEFT JOIN price_returns USING (month)
),
decomposed AS (
    SELECT *,
        CASE basis WHEN 'slt' THEN slt_net WHEN 'cslt' THEN coalesce(net_long_term_usd_mn + net_short_term_usd_mn, cslt_net)
                   ELSE net_long_term_usd_mn + net_short_term_usd_mn END AS net_purchases_usd_mn
    FROM (
        SELECT *,
            CASE basis WHEN 'slt' THEN slt_long_term WHEN 'cslt' THEN cslt_long_term
                       WHEN 'form_s' THEN form_s_long_term WHEN 'estimated' THEN form_s_long_term
                       WHEN 'press_release' THEN printed_long_term END AS net_long_term_usd_mn,
            CASE basis WHEN 'slt' THEN slt_short_term WHEN 'cslt' THEN coalesce(cslt_short_term, change_short_term_usd_mn)
                       WHEN 'form_s' THEN change_short_term_usd_mn
                       WHEN 'estimated' THEN change_short_term_usd_mn
                       WHEN 'press_release' THEN coalesce(printed_short_term, change_short_term_usd_mn)
                       END AS net_short_term_usd_mn,
            CASE basis WHEN 'slt' THEN slt_valuation WHEN 'cslt' THEN cslt_valuation
                       WHEN 'estimated' THEN estimated_valuation END AS valuation_usd_mn
        FROM based
    )
)
SELECT holder_id, holders.iso3, decomposed.holder, decomposed.kind, decomposed.month,
    decomposed.total_usd_mn AS position_usd_mn,
    change_usd_mn,
    100 * change_usd_mn / nullif(before_usd_mn, 0) AS change_pct,
    net_purchases_usd_mn, net_long_term_usd_mn, net_short_term_usd_mn, valuation_usd_mn,
    change_usd_mn - net_purchases_usd_mn - valuation_usd_mn AS other_usd_mn,
    CASE basis WHEN 'slt' THEN beyond_table_3_usd_mn END AS newer_positions_usd_mn,
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

CREATE OR REPLACE MACRO holder_months_as_of(d) AS TABLE
    SELECT * EXCLUDE (kind) FROM months_as_of(d) WHERE kind = 'country';

CREATE OR REPLACE MACRO aggregate_months_as_of(d) AS TABLE
    SELECT * FROM months_as_of(d) WHERE kind <> 'country';
