"""What a sale would do by published studies: the figures, their scaling, the range, a holder's scenario, and the words."""

import dataclasses
import math
from datetime import date

import pandas as pd
import pytest

from tests.transforms.tic import DECLARATIONS, OFFICIAL, official
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.risk import impact_words as words
from treasury_watch.transforms.risk.price_impact import (
    Book,
    Debt,
    NoSuchSale,
    declared_debt,
    foreigners_book,
    impacts,
    implied_book,
    newest_debt,
    scenario,
    spread,
    study_table,
)

DOCUMENT = DECLARATIONS.toml("price_impact_studies.toml")
STUDIES = study_table(DOCUMENT)
DEBT = Debt(pd.Timestamp("2023-11-01"), 24165.2, "MVMTD027MNFRBDAL")
SAME = Debt(pd.Timestamp("2010-06-01"), 8547.2, "MVMTD027MNFRBDAL")
HELD = {"month": pd.Timestamp("2026-04-01"), "long_term_usd_mn": 1_000_000.0, "short_term_usd_mn": 150_000.0}
TODAY = date(2024, 1, 15)


def one(found, study, estimate):
    (impact,) = [i for i in found if (i.row["study"], i.row["estimate"]) == (study, estimate)]
    return impact


def entry(**changes):
    figure = {"yield": "10-year", "horizon": "at once", "applies_to": "month", "low_bp": 10, "amount_usd_bn": 100}
    study = {name: "x" for name in ("authors", "title", "published_in", "period", "flow")}
    of_study = {"year": 2020, "read_again": True, "instrument": "bonds", "debt_usd_bn": 1000.0, "debt_basis": "y"}
    of_study |= {name: value for name, value in changes.items() if name in ("instrument", "debt_usd_bn")}
    figure |= {name: value for name, value in changes.items() if name not in of_study}
    whole = study | of_study | {"figures": {"one": figure}}
    return {"studies": {"s": {name: value for name, value in whole.items() if value is not None}}}


@pytest.mark.parametrize(
    ("study", "estimate", "stated"),
    [
        ("beltran_2013", "at_once", (100, 40, 60)),
        ("beltran_2013", "after_response", (100, 20, 20)),
        ("ahmed_rebucci_2022", "older_method", (100, 19, 44)),
        ("imf_2017_174", "policy", (100, 1.5, 1.8)),
        ("williams_2013", "purchases", (600, 15, 25)),
    ],
)
def test_the_studies_figures_are_as_they_state_them(study, estimate, stated):
    row = STUDIES[(STUDIES["study"] == study) & (STUDIES["estimate"] == estimate)].iloc[0]
    assert tuple(row[["amount_usd_bn", "low_bp", "high_bp"]]) == stated


def test_every_study_has_its_citation_its_scope_and_where_it_is_scaled_the_debt_of_its_time():
    assert STUDIES[["citation", "period", "flow", "yield_of", "horizon"]].notna().all().all()
    scaled = STUDIES["amount_usd_bn"].notna()
    assert STUDIES.loc[scaled, ["debt_usd_bn", "debt_basis"]].notna().all().all()
    assert set(STUDIES.loc[~scaled, "study"]) == {"warnock_2006", "kaminska_zinna_2014"}
    assert STUDIES.loc[STUDIES["read_again"].astype(bool), "source_url"].str.startswith("https://").all()


def test_a_sale_as_large_as_the_studys_on_the_debt_of_its_time_has_the_studys_effect():
    impact = one(impacts(STUDIES, 100, 1, SAME), "beltran_2013", "at_once")
    assert (impact.low_bp, impact.high_bp) == (40, 60)
    assert (impact.scaled_low_bp, impact.scaled_high_bp) == (40, 60)


def test_the_effect_grows_with_the_amount_and_shrinks_with_the_debt_outstanding():
    impact = one(impacts(STUDIES, 50, 1, DEBT), "beltran_2013", "at_once")
    assert (impact.low_bp, impact.high_bp) == (20, 30)
    assert impact.scaled_low_bp == pytest.approx(20 * 8547.2 / 24165.2)
    double = Debt(DEBT.month, 2 * DEBT.usd_bn, DEBT.source)
    assert one(impacts(STUDIES, 50, 1, double), "beltran_2013", "at_once").scaled_low_bp == impact.scaled_low_bp / 2


def test_over_several_months_a_figure_at_once_is_of_a_month_and_a_lasting_one_of_all():
    found = impacts(STUDIES, 600, 6, DEBT)
    assert one(found, "beltran_2013", "at_once").applied_usd_bn == 100
    assert one(found, "beltran_2013", "after_response").applied_usd_bn == 600
    assert one(found, "beltran_2013", "after_response").low_bp == 120


def test_a_figure_of_a_flow_without_an_amount_is_never_applied():
    impact = one(impacts(STUDIES, 100, 1, DEBT), "warnock_2006", "no_flows")
    assert all(math.isnan(value) for value in (impact.applied_usd_bn, impact.low_bp, impact.scaled_high_bp))
    assert "not applied" in words.applied_words(impact, 1)


def test_the_range_goes_from_the_lowest_to_the_highest_and_says_where_there_is_no_upper_end():
    found = impacts(STUDIES, 100, 1, DEBT)
    stated, scaled = spread(found, scaled=False), spread(found, scaled=True)
    assert (stated.low_bp, stated.high_bp, stated.open_end) == (1.5, 100, True)
    assert stated.high_bp / stated.low_bp > 60
    assert scaled.low_bp == pytest.approx(1.5 * 13333 / 24165.2)
    assert words.range_words(stated) == "by 1.5 basis points to 100 or more"
    closed = [impact for impact in found if impact.row["estimate"] != "identified"]
    assert words.range_words(spread(closed, scaled=False)) == "by 1.5 to 60 basis points"


def test_a_sale_of_bills_takes_no_figure_on_bonds():
    found = impacts(STUDIES, 100, 1, DEBT, "bills")
    assert found == []
    assert spread(found, scaled=True) is None
    assert words.yields_words(None, None, DEBT, "bills") == words.NO_BILLS


@pytest.mark.parametrize(("usd_bn", "months"), [(0, 1), (-5, 1), (math.nan, 1), (math.inf, 1), (10, 0), (30_000, 1)])
def test_a_sale_that_cannot_be_is_refused_in_one_line(usd_bn, months):
    with pytest.raises(NoSuchSale) as caught:
        impacts(STUDIES, usd_bn, months, DEBT)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"instrument": "bills"}, "instrument 'bills'"),
        ({"applies_to": "year"}, "applies_to 'year'"),
        ({"low_bp": 0}, "low_bp must be above 0"),
        ({"high_bp": 9}, "high_bp not below it"),
        ({"debt_usd_bn": None}, "without debt_usd_bn"),
    ],
)
def test_a_wrong_study_is_named_with_its_figure(change, said):
    assert len(study_table(entry())) == 1
    with pytest.raises(ConfigurationError, match=r"price_impact_studies.toml, \[studies.s.figures.one\]") as caught:
        study_table(entry(**change))
    assert said in str(caught.value)


def test_the_debt_is_the_newest_month_of_the_series_and_else_the_declared_one():
    declared = DOCUMENT["debt_outstanding"]
    rows = [
        (pd.Timestamp("2026-06-01"), 30_000_000.0, "fred:MVMTD027MNFRBDAL", "market value"),
        (pd.Timestamp("2026-07-01"), 31_000_000.0, "treasury_debt", "par"),
        (pd.Timestamp("2026-08-01"), None, "treasury_debt", "par"),
    ]
    series = pd.DataFrame(rows, columns=["month", "outstanding_usd_mn", "source", "debt_basis"])
    assert newest_debt(series, declared) == Debt(pd.Timestamp("2026-07-01"), 31000.0, "treasury_debt", "par")
    assert "was $31,000.0bn at par in July 2026" in words.debt_words(newest_debt(series, declared), TODAY)
    came = newest_debt(series.head(0), declared)
    assert (came.month, came.usd_bn) == (pd.Timestamp("2023-11-01"), 24165.2)
    assert "as it came with the program" in words.debt_words(came, TODAY)


def test_a_file_without_the_debt_or_without_a_studys_figures_is_named():
    with pytest.raises(ConfigurationError, match=r"\[debt_outstanding\]: expected series_id, month, usd_bn"):
        declared_debt({})
    with pytest.raises(ConfigurationError, match=r"\[studies.s\]: expected figures"):
        study_table(
            {"studies": {"s": {name: value for name, value in entry()["studies"]["s"].items() if name != "figures"}}}
        )


def test_an_old_figure_of_the_debt_says_how_old_it_is():
    assert "months old" not in words.debt_words(DEBT, TODAY)
    assert "36 months old, as no newer one is loaded" in words.debt_words(DEBT, date(2026, 11, 28))


@official
def test_the_declared_debt_of_the_studies_times_is_that_of_the_series():
    frame = pd.read_csv(OFFICIAL.parent / "tables" / "fred_MVMTD027MNFRBDAL.csv", index_col="Date", parse_dates=True)
    figures = frame["MVMTD027MNFRBDAL"]
    debt = STUDIES.drop_duplicates("study").set_index("study")["debt_usd_bn"]
    assert debt["beltran_2013"] == figures["2010-06-01"]
    assert debt["ahmed_rebucci_2022"] == figures["2022-08-01"]
    assert debt["williams_2013"] == pytest.approx(figures["2013"].mean(), abs=0.05)
    declared = DOCUMENT["debt_outstanding"]
    assert declared["usd_bn"] == figures[f"{declared['month']}-01"] == figures.iloc[-1]


def test_the_book_of_all_foreigners_has_about_four_years_of_duration():
    parts = DECLARATIONS.rules["price_return"]["parts"]
    book = foreigners_book({"DGS2": 4.0, "DGS10": 4.0}, parts)
    assert book.duration_years == pytest.approx(0.25 * 1.904 + 0.46 * 8.176, abs=0.01)
    assert foreigners_book({"DGS10": 4.0}, parts) is None


def test_a_loss_is_duration_times_the_rise_less_convexity():
    book = Book(4.0, 30.0, "a test")
    assert book.loss_pct(100) == pytest.approx(4.0 - 0.15)
    assert book.loss_pct(0) == 0


def test_a_scenario_sells_a_share_and_loses_on_what_it_keeps():
    found = scenario("Japan", HELD, STUDIES, DEBT, share=0.3, months=6, book=Book(4.0, 0.0, "a test"))
    assert (found.sold_usd_bn, found.a_month_usd_bn, found.kept_usd_bn) == (300, 50, 700)
    assert found.share_of_debt_pct == pytest.approx(100 * 300 / 24165.2)
    low, high = found.losses_usd_bn
    assert low == pytest.approx(700 * 4.0 * found.scaled.low_bp / 1e4)
    assert high == pytest.approx(700 * 4.0 * found.scaled.high_bp / 1e4)


def test_a_scenario_in_bills_has_no_range_and_no_loss():
    found = scenario(
        "Japan", HELD, STUDIES, DEBT, share=1.0, months=1, instrument="bills", book=Book(4.0, 0.0, "a test")
    )
    assert (found.sold_usd_bn, found.impacts, found.scaled, found.losses_usd_bn) == (150, [], None, None)
    assert words.NO_BILLS in list(words.scenario_words(found, TODAY))


@pytest.mark.parametrize("share", [0, -0.1, 1.01])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(NoSuchSale, match="cannot be sold"):
        scenario("Japan", HELD, STUDIES, DEBT, share=share, months=1)


def test_a_holder_without_bonds_is_refused():
    with pytest.raises(NoSuchSale, match="Japan holds no bonds"):
        scenario("Japan", HELD | {"long_term_usd_mn": math.nan}, STUDIES, DEBT, share=0.5, months=1)


def test_without_yields_no_loss_is_told_and_the_words_say_so():
    found = scenario("Japan", HELD, STUDIES, DEBT, share=0.3, months=6)
    assert found.losses_usd_bn is None
    assert "is not known: no yields are loaded" in " ".join(words.scenario_words(found, TODAY))


def test_the_words_on_a_scenario_give_amounts_shares_and_a_range():
    found = scenario(
        "Japan", HELD, STUDIES, DEBT,
        share=0.3, months=6, book=Book(4.0, 0.0, "a test"), debt_growth_usd_bn=2000.0,
    )  # fmt: skip
    said = list(words.scenario_words(found, TODAY))
    assert said[0] == (
        "If Japan sold 30% of the bonds and notes that it held in April 2026 ($1,000.0bn), that would be $300.0bn over 6 months, "
        "$50.0bn a month."
    )
    assert "1.2% of the marketable debt; at that pace a year's sales would be 30% of what the debt grew by" in said[1]
    assert "or more, scaled to the debt of November 2023" in said[2]
    assert "an estimate, with a duration of 4.0 years" in said[3]


def test_a_debt_at_par_beside_the_studies_market_values_says_so():
    found = scenario("Japan", HELD, STUDIES, DEBT, share=0.3, months=6, book=None)
    at_par = dataclasses.replace(DEBT, basis="par")
    said = words.yields_words(found.stated, found.scaled, at_par, "bonds")
    assert "(at par; the debt of most studies' time is at market value)" in said
    assert "at par" not in words.yields_words(found.stated, found.scaled, DEBT, "bonds")


@pytest.mark.parametrize(
    ("value", "said"), [(0.04, "0.04"), (0.8, "0.8"), (9.96, "10"), (20.0, "20"), (93.4, "93"), (5.0, "5")]
)
def test_basis_points_have_as_many_decimals_as_they_bear(value, said):
    assert words.bp(value) == said


def test_a_holders_own_duration_goes_before_that_of_all_foreigners():
    everyone = Book(4.0, 30.0, "all")
    own = implied_book(
        {"implied_duration_years": 6.0, "duration_low_years": 5.2, "duration_high_years": 6.84}, everyone
    )
    assert (own.duration_years, own.convexity_years2) == (6.0, 67.5)
    assert own.basis == "its own, as its published valuations imply it (80%: 5.2 to 6.8)"
    assert own.loss_pct(100) == pytest.approx(6.0 - 67.5 / 200)
