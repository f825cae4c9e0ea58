"""The subject of a mail on a finding: who, what, how much and when first, and nothing that the figures do not say."""

import re
from dataclasses import replace
from datetime import date

import pytest

from tests.flows.findings_data import ending, looking_at, month_and_episode, named, published, rules, told
from treasury_watch.transforms.findings.explain.subjects import subject, traded, verdict_told
from treasury_watch.transforms.findings.finding import Episode
from treasury_watch.warehouse.tables.published_findings import published_findings


def test_the_subject_says_it_all() -> None:
    month, episode = month_and_episode()
    assert subject(told(month)) == "Japan: Treasuries -$40.9bn in April 2024; mostly price, net sales $11.8bn"
    assert subject(told(replace(episode, newest=None))) == (
        "Japan: Treasuries -$75.6bn, April to June 2024 (3 months); mostly sold, net sales $60.3bn"
    )
    assert month.title == subject(told(month))


def test_while_an_event_goes_on_the_subject_leads_with_the_whole_and_then_its_newest_month() -> None:
    connection = published()
    connection.execute("DELETE FROM holder_months WHERE month = DATE '2024-06-01'")
    connection.execute("UPDATE episodes SET end_month = DATE '2024-05-01', months = 2, change_usd_mn = -61062")
    [episode] = [found for found in published_findings(connection, rules()) if isinstance(found, Episode)]
    assert episode.title == (
        "Japan: Treasuries -$61.1bn since April, -$20.1bn in May 2024; sold or let mature $24.0bn of bills"
    )
    sales = looking_at(episode, "net_sale").title
    assert sales.startswith("Japan: net Treasury sales $60.3bn since Apr, $23.9bn in May 2024; ")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((-23.0, 1.0, -24.0, 7.0, -3.0), "sold or let mature $24.0bn of bills"),
        ((-24.6, -36.6, 12.0, 13.4, -3.3), "sold $36.6bn of bonds, bought $12.0bn of bills"),
        ((-24.0, -12.0, -12.0, 1.0, 0.0), "sold $24.0bn of bonds and bills"),
        ((-11.8, 0.2, -12.1, -29.8, 0.7), "valuation -$29.8bn, sold or let mature $12.1bn of bills"),
        ((-2.0, -2.0, 0.0, 1.0, -30.0), "neither trading nor price -$30.0bn, sold $2.0bn of bonds"),
        ((5.0, 5.0, 0.0, -20.0, 0.0), "valuation -$20.0bn, net purchases $5.0bn"),
        ((-5.0, None, None, None, None), "sold $5.0bn net"),
        ((None, None, None, None, None), "how much was sold is not published"),
    ],
)
def test_the_newest_month_says_what_was_sold_and_what_pulled_more(parts: tuple, words: str) -> None:
    names = ["net_purchases", "net_long_term", "net_short_term", "valuation", "other"]
    row = {f"{n}_usd_mn": None if v is None else 1000 * v for n, v in zip(names, parts, strict=True)}
    assert traded(row) == words


def test_the_subject_on_net_sales_leads_with_the_sales() -> None:
    month, _ = month_and_episode()
    sale = looking_at(replace(month, row={**month.row, "change_usd_mn": 1920.0}), "net_sale")
    assert sale.title == "Japan: net Treasury sales $11.8bn in April 2024; holdings +$1.9bn, valuation -$29.8bn"


def test_the_subject_has_the_amount_and_the_words_of_its_rule() -> None:
    month, _ = month_and_episode()
    row = {**month.row, "net_long_term_usd_mn": -36_608.0}
    expected = {
        "fall": "Japan: Treasuries -$40.9bn in April 2024",
        "net_sale": "Japan: net Treasury sales $11.8bn in April 2024",
        "bond_sale": "Japan: net bond sales $36.6bn in April 2024",
        "exit": "Japan: Treasuries -$40.9bn in April 2024",
        "official_sale": "Japan: net Treasury sales $11.8bn in April 2024",
        "official_fall": "Japan: Treasuries -$40.9bn in April 2024",
    }
    assert expected == {rule: looking_at(replace(month, row=row), rule).title.partition(";")[0] for rule in expected}


def test_a_subject_without_a_decomposition_does_not_claim_a_sale() -> None:
    month, _ = month_and_episode()
    row = {**month.row, "verdict": "unexplained", "net_purchases_usd_mn": None}
    unknown = replace(month, row=row)
    assert subject(told(unknown)) == "Japan: Treasuries -$40.9bn in April 2024; how much was sold is not known here yet"
    old = replace(unknown, month=date(2009, 4, 1), end_month=date(2009, 4, 1))
    assert subject(told(old)) == "Japan: Treasuries -$40.9bn in April 2009; how much was sold is not published"


def test_a_subject_on_bonds_alone_tells_their_net_sales() -> None:
    """United Kingdom, April to July 2000: of the bills no source says what was sold."""
    month, _ = month_and_episode()
    row = {"verdict": "sold", "net_purchases_usd_mn": None, "net_long_term_usd_mn": -13_970.0}
    line = subject(told(replace(month, row={**month.row, **row})))
    assert line == "Japan: Treasuries -$40.9bn in April 2024; net bond sales $14.0bn"


def test_a_subject_on_net_sales_that_holdings_contradict_says_that_they_are_not_explained() -> None:
    month, _ = month_and_episode()
    row = {**month.row, "verdict": "unexplained", "doubt": "The two do not agree, so no sale is told."}
    line = looking_at(replace(month, row=row), "net_sale").title
    assert line == "Japan: net Treasury sales $11.8bn in April 2024; holdings -$40.9bn, not explained"


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"pattern": "bought back"}, "mostly price, net sales $11.8bn, bought back the month after"),
        ({"pattern": "seasonal"}, "mostly price, net sales $11.8bn, a seasonal pattern"),
        ({"absorbed_share_pct": 69.7, "counterpart": "Belgium"}, "70% taken up in Belgium"),
        ({"absorbed_share_pct": 100.0, "counterpart": "Belgium"}, "all taken up in Belgium"),
        ({"absorbed_share_pct": 69.7, "counterpart": "China, Mainland"}, "70% taken up in Mainland China"),
        (
            {"absorbed_share_pct": 69.7, "counterpart": "Belgium, Luxembourg, Cayman Islands"},
            "70% taken up in other places",
        ),
    ],
)
def test_what_takes_the_alarm_out_of_a_finding_stands_in_its_subject(beside: dict, words: str) -> None:
    month, _ = month_and_episode()
    line = subject(told(replace(month, row={**month.row, **beside})))
    assert line == f"Japan: Treasuries -$40.9bn in April 2024; {words}"


@pytest.mark.parametrize("holder", ["United Arab Emirates", "Cayman Islands", "Korea, South", "Foreign Official"])
def test_who_what_how_much_and_when_stand_within_the_first_sixty_characters(holder: str) -> None:
    month, episode = month_and_episode()
    ended = replace(episode, newest=None)
    for finding in (month, ended, looking_at(month, "net_sale"), looking_at(month, "bond_sale")):
        head = subject(told(named(finding, holder))).partition(";")[0]
        assert len(head) <= 60
        assert re.search(r"\$\d+\.\dbn.* 2024", head)
    assert re.search(r"\$\d+\.\dbn since Apr", subject(told(named(episode, holder)))[:60])


@pytest.mark.parametrize("length", [20, 40, 60, 90, 5000])
def test_a_long_name_is_cut_and_the_figures_are_not(length: int) -> None:
    month, episode = month_and_episode()
    across = looking_at(ending(episode, date(2025, 1, 1)), "net_sale")
    for finding in (month, episode, across):
        line = subject(told(named(finding, "N" * length)))
        assert len(line) <= 110
        assert line.startswith("NN")
        assert "bn" in line.partition(";")[2]
        assert re.search(r"\$\d+\.\dbn(,| in| since) (Apr|Jun)", line)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "sold"}, "Mostly sold"),
        ({"verdict": "sold", "pattern": "bought back"}, "Mostly sold; bought back the month after"),
        (
            {"verdict": "sold", "absorbed_share_pct": 69.7, "counterpart": "Belgium"},
            "Mostly sold; 70% taken up in Belgium",
        ),
        ({"verdict": "unexplained", "net_purchases_usd_mn": None}, "Sales not known here yet"),
        ({"verdict": "unexplained"}, "Not explained"),
        (
            {"verdict": "moved", "inflow_usd_mn": 1.0, "absorbed_share_pct": 60.0, "counterpart": "Japan"},
            "Mostly moved or reclassified",
        ),
    ],
)
def test_a_verdict_stands_with_what_takes_the_alarm_out_of_it(changes: dict, words: str) -> None:
    month, _ = month_and_episode()
    assert verdict_told({**month.row, **changes}, month.month) == words
