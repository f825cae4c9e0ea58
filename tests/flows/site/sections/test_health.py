"""Data health as a reader sees it: sources by their titles, nothing to run."""

import duckdb

from tests.flows.site.page_data import DECLARED, FULL, GENERATED, fill
from treasury_watch.flows.site.sections.health import content, in_words, without_commands
from treasury_watch.flows.site.sections.methodology import methodology


def test_sentences_on_commands_and_settings_are_left_out() -> None:
    told = (
        "A file can stop being updated. See treasury-watch status. Compare the two; remove it from config/sources.toml."
    )
    assert without_commands(told) == "A file can stop being updated. Compare the two;"
    assert without_commands(None) == ""


def test_a_source_is_named_by_its_title_and_only_as_a_whole_word() -> None:
    titles = {"ecb": "Euro rates", "fred:DGS10": "10-year yield", "fred:DGS1": "1-year yield"}
    assert in_words("ecb late; fred:DGS10 late; ecbx", titles) == "Euro rates late; 10-year yield late; ecbx"


def test_the_state_of_the_data_is_one_line() -> None:
    with duckdb.connect() as connection:
        fill(connection, FULL)
        line = content(connection, DECLARED, GENERATED.date())["health_line"]
    assert line == "2 sources loaded; 1 late or standing still; 1 of 2 checks passed."


def test_the_methodology_names_no_command() -> None:
    assert "treasury-watch" not in (methodology() or "treasury-watch")
