"""A figure back to the bytes it was read from."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from treasury_watch.flows.commands.main import main


@pytest.fixture
def trace(loaded_sample: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the command on the loaded sample; what it printed."""
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(loaded_sample))

    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, ["trace", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    return run


def line_in(home: Path, part: dict) -> str:
    """An independent reading of the archived file: the line that the trace names."""
    return (home / part["place"]["path"]).read_bytes().splitlines()[part["stands"]["line"] - 1].decode("latin-1")


def test_a_position_is_led_back_to_its_line_and_says_its_other_prints(trace):
    said = trace("jpn", "2024-04")
    assert said.startswith("Japan, April 2024, position: 1,126,094 USD mn\n")
    assert "Japan 42609 2024-04 1126094 -11830 1039812 246 -29824 86282 -12076\n" in said
    assert "released    2026-06-18 (by the release calendar)" in said
    assert "    2024-06-18     1,150,300  press, survey basis XIII, line 3, press\n" in said


@pytest.mark.parametrize(
    ("holder", "month", "measure", "value", "figures"),
    [
        ("Japan", "2024-04", "change", -40_921, [1_126_094, 1_167_015]),
        ("Japan", "2024-05", "net-purchases", -23_870, [-23_870]),
        ("UK", "2026-04", "short_term", None, None),
    ],
)
def test_the_text_is_that_of_the_archived_line(trace, loaded_sample, holder, month, measure, value, figures):
    found = json.loads(trace(holder, month, measure, "--format", "json"))
    assert value is None or found["value_usd_mn"] == value
    stated = [part["stands"]["value_usd_mn"] for part in found["parts"]]
    assert figures is None or stated == figures
    for part in found["parts"]:
        text = line_in(loaded_sample, part)
        assert part["place"]["text"] == text
        assert f"{part['stands']['value_usd_mn']:.0f}" in text.split("\t")


def test_what_was_known_on_a_day_is_traced_to_what_stated_it(trace):
    said = trace("Japan", "2024-04", "--as-of", "2024-07-18")
    assert said.startswith("Japan, April 2024, position: 1,150,300 USD mn, as known on 2024-07-18\n")
    assert "config/press_figures.csv" in said
    assert "japan,2024-04,total_position,1150.3,2024-06-18,Press on the TIC release of 18 June 2024" in said
    assert "2026-06-18" not in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("Jpan", "2024-04"), "no holder 'Jpan' among the 176 of config/holders.csv; did you mean Japan"),
        (("Japan", "2034-04"), "Japan has no position for 2034-04; its total position is there from 20"),
        (("Japan", "2024-04", "sales"), "no measure 'sales'; one of position, long_term, short_term, change"),
    ],
)
def test_what_cannot_be_traced_ends_with_one_line(trace, arguments, words):
    said = trace(*arguments, status=1)
    assert said.startswith(f"treasury-watch: {words}")
    assert said.count("\n") == 1


def test_sell_offs_take_a_holder_by_any_of_its_names(loaded_sample, monkeypatch):
    monkeypatch.setenv("TREASURY_WATCH_HOME", str(loaded_sample))
    told = [CliRunner().invoke(main, ["sell-offs", "--holder", name]).output for name in ("Japan", "JPN", "japan")]
    assert told[0].count("  Japan  ") > 2
    assert told[0] == told[1] == told[2]
    refused = CliRunner().invoke(main, ["sell-offs", "--holder", "Grand Total"])
    assert (refused.exit_code, refused.output.count("\n")) == (1, 1)
    assert "Grand Total is no country (aggregate)" in refused.output


def test_tracing_loads_neither_the_scheduler_nor_the_validation_library_nor_pandas(loaded_sample):
    code = (
        "import sys; from treasury_watch.flows.commands.main import main\n"
        "main(['trace', 'Japan', '2024-04'], standalone_mode=False)\n"
        "print(sorted({'prefect', 'great_expectations', 'pandas'} & set(sys.modules)))"
    )
    environment = {"TREASURY_WATCH_HOME": str(loaded_sample), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
