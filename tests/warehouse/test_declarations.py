"""What config/ declares, and what is said when a declaration is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from treasury_watch.transforms.errors import ConfigurationError
from treasury_watch.transforms.layouts import LAYOUTS
from treasury_watch.warehouse.declarations import Declarations


@pytest.fixture
def folder(tmp_path) -> Path:
    shutil.copytree(PROJECT / "config", tmp_path / "config", ignore=shutil.ignore_patterns("sample"))
    return tmp_path / "config"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_every_source_has_a_layout_that_reads_it(declarations):
    assert {source.layout for source in declarations.sources.values()} <= {*LAYOUTS, "press"}


def test_fred_series_are_sources_of_their_own(declarations):
    yen, yield_10 = declarations.source("fred:DEXJPUS"), declarations.source("fred:DGS10")
    assert (yen.holds, yen.currency, yen.per) == ("fx", "JPY", "usd")
    assert yen.url == "https://fred.stlouisfed.org/graph/fredgraph.csv?id=DEXJPUS"
    assert (yield_10.holds, yield_10.unit) == ("market_series", "percent")
    assert declarations.source("fred:DEXUSEU").per == "unit"


def test_the_stale_table_is_not_fetched(declarations):
    assert not declarations.source("mfh").fetch
    assert declarations.source("slt_table5").fetch


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/tic", "http://127.0.0.1:9/tic/"])
def test_a_base_address_can_be_overridden(address, monkeypatch):
    expected = "http://127.0.0.1:9/tic/slt_table5.txt"
    assert Declarations(PROJECT / "config", {"tic": address}).source("slt_table5").url == expected
    monkeypatch.setenv("TREASURY_WATCH_BASE_TIC", address)
    overridden = Declarations(PROJECT / "config")
    assert overridden.source("slt_table5").url == expected
    assert overridden.source("mof").url.startswith("https://www.mof.go.jp/")


def test_an_unknown_source_is_answered_with_the_known_ones(declarations):
    with pytest.raises(ConfigurationError, match=r"no source 'slt_table6'.*slt_table5"):
        declarations.source("slt_table6")


def test_keys_of_every_table_are_among_its_columns(declarations):
    for table in declarations.tables.values():
        assert set(table.key) <= set(table.column_names), table.name
        assert table.description
        assert all(column.description for column in table.columns)


def test_the_tables_that_users_rely_on_have_their_columns(declarations):
    tables = declarations.tables
    assert {"holder_id", "holder", "iso3", "currency", "kind", "custodial_centre"} <= set(
        tables["holders"].column_names
    )
    months = {
        "holder", "month", "position_usd_mn", "change_usd_mn", "change_pct", "net_purchases_usd_mn",
        "net_long_term_usd_mn", "net_short_term_usd_mn", "valuation_usd_mn", "other_usd_mn", "basis",
        "share_of_foreign_pct", "series_break",
    }  # fmt: skip
    assert months <= set(tables["holder_months"].column_names) <= set(tables["aggregate_months"].column_names)


def test_every_label_leads_to_a_known_holder_and_every_holder_is_listed_once(declarations):
    assert {row["holder_id"] for row in declarations.holder_labels} <= {
        row["holder_id"] for row in declarations.holders
    }
    names = [row["holder_id"] for row in declarations.holders]
    assert len(names) == len(set(names))


def test_only_countries_have_a_country_code(declarations):
    kinds = {row["kind"] for row in declarations.holders}
    assert kinds == {"country", "aggregate", "group", "memo"}
    assert {row["kind"] for row in declarations.holders if row["iso3"]} == {"country"}


def test_the_calendar_is_in_order_of_release(declarations):
    assert declarations.calendar == sorted(declarations.calendar)
    assert {(str(day), str(month)) for day, month, *_ in declarations.calendar} >= {
        ("2025-11-18", "2025-08-01"),
        ("2025-11-18", "2025-09-01"),
        ("2026-11-18", "2026-09-01"),
    }


def test_a_missing_config_folder_is_named_with_the_variable_that_sets_it(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere does not exist; set TREASURY_WATCH_CONFIG"):
        Declarations(tmp_path / "nowhere")


def test_broken_toml_is_named_with_its_line(folder):
    change(folder / "sources.toml", "\n[bases]", "\n[bases")
    with pytest.raises(ConfigurationError, match=r"sources\.toml, line 24, column 7: expected TOML"):
        _ = Declarations(folder).sources


@pytest.mark.parametrize(
    ("file", "old", "new", "read", "message"),
    [
        (
            "sources.toml",
            'base = "mof"',
            'base = "mofa"',
            "sources",
            r"sources\.toml, line 228, column 1, \[sources.mof\] base: .*did you mean 'mof'",
        ),
        (
            "sources.toml",
            'rhythm = "monthly"',
            'rythm = "monthly"',
            "sources",
            r"sources\.toml, line 67, .*slt_table3\]: unknown key 'rythm'; did you mean 'rhythm'",
        ),
        (
            "sources.toml",
            'path = "slt_table3.txt"\n',
            "",
            "sources",
            r"sources\.toml, line 56, .*slt_table3\]: expected the key path, found none",
        ),
        (
            "sources.toml",
            'holds = "fx"',
            'holds = "rates"',
            "sources",
            r"sources\.toml, .*ecb\] holds: expected a kind of figure .*fx.* found 'rates'",
        ),
        (
            "sources.toml",
            'rhythm = "monthly"\n',
            'rhythm = "monthly"\nstale_after_days = 85\n',
            "sources",
            r"sources\.toml, slt_table3: stale_after_days = 85 says nothing for rhythm 'monthly'",
        ),
        (
            "sources.toml",
            "\n[bases]",
            "\n[adresses]",
            "sources",
            r"unknown section 'adresses'; did you mean 'sources'|unknown section 'adresses'",
        ),
        ("tables.toml", '["month", "old_series"', '["month", "old_serie"', "tables", r"series_breaks.*old_serie"),
        (
            "tables.toml",
            'line = { type = "integer", ',
            "line = { ",
            "tables",
            r"tables\.toml, line 36, .*columns.line\]: expected the key type",
        ),
        (
            "tables.toml",
            'line = { type = "integer"',
            'line = { type = "int"',
            "tables",
            r"columns.line\] type: .*integer.*'int'",
        ),
        ("tables.toml", "[tables.fed_custody]", "[tables.custody]", "tables", r"tables\.fed_custody\] for the figures"),
        (
            "holder_labels.csv",
            ",austria,",
            ",austra,",
            "holder_labels",
            r"holder_labels\.csv, line 2, column 4 \(holder_id\): .*'austria'.* found 'austra'",
        ),
    ],
)
def test_a_wrong_declaration_names_file_and_entry(folder, file, old, new, read, message):
    change(folder / file, old, new)
    with pytest.raises(ConfigurationError, match=message):
        getattr(Declarations(folder), read)


def test_the_fingerprint_follows_declarations_but_not_settings(folder):
    before = Declarations(folder).fingerprint()
    change(folder / "settings.toml", "port = 587", "port = 465")
    assert Declarations(folder).fingerprint() == before
    change(folder / "alert_rules.toml", "minimum_usd_mn = 10000", "minimum_usd_mn = 9000")
    assert Declarations(folder).fingerprint() != before


def test_every_custodial_or_fund_centre_says_what_the_statistics_do_not_see_there_and_by_whom(declarations):
    centres = [row for row in declarations.holders if row["custodial_centre"] == "true"]
    unsaid = [row["holder_id"] for row in centres if "Table 5" not in row["note"] and "FEDS Notes" not in row["note"]]
    assert unsaid == []


def test_a_long_yield_or_reserves_are_of_a_holder_or_a_currency_that_is_declared(declarations):
    holders = {row["holder_id"] for row in declarations.holders}
    currencies = {row["currency"] for row in declarations.rows("currencies.csv")}
    yields = {source.id: source.long_yield_of for source in declarations.sources.values() if source.long_yield_of}
    assert set(yields.values()) <= holders | currencies
    assert len(set(yields.values())) == len(yields)  # none has two
    assert yields["fred:IRLTLT01JPM156N"] == "japan"
    assert all(("IRLTLT01" in name) == (name in yields) for name in declarations.sources)
    reserves = {source.reserves_of for source in declarations.sources.values() if source.reserves_of}
    assert reserves == {"japan", "china_mainland"} & holders
