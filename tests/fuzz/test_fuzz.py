"""A short run of the fuzzer over every parser, and proof that it sees what it is there to see."""

from __future__ import annotations

import os
import pickle
import re
import time
from functools import cache

import numpy as np
import pandas as pd
import pytest

from tests.fuzz import __main__ as command
from tests.fuzz.campaign import again, campaign, isolated
from tests.fuzz.harness import Fuzzer, Limits, Report, Seed, Target, smaller
from tests.fuzz.schema import Violation, check
from tests.fuzz.targets import MEASURES, RECOGNISER, targets
from tests.transforms.tic import BODIES, source
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import LAYOUTS, parse
from treasury_watch.transforms.model import Parsed

DOCUMENT = b"date\tvalue\r\n2024-01\t1.5\r\n2024-02\t2.5\r\n2024-03\t3.5\r\n"
EACH = 80
FAST = Limits(seconds=0.3, growth_mb=100)


@cache
def known() -> dict[str, Target]:
    return {target.name: target for target in targets(1)}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*LAYOUTS, RECOGNISER])
def test_damaged_documents_are_read_right_or_refused_in_time(name):
    report = Fuzzer(known()[name], seed=1).run(EACH)
    assert report.inputs == EACH
    assert report.accepted + sum(report.refusals.values()) == EACH
    assert 0 < report.accepted < EACH
    assert not report.failures, "\n".join(
        f"{failure.kind}: {failure.message}\n{failure.body[:2000]!r}\nmake fuzz, or: python -m tests.fuzz --layout {name} "
        f"--seed 1 --inputs {failure.index + 1}"
        for failure in report.failures.values()
    )


def good(body: bytes, _: object) -> int:
    """A parser of two columns; of a damaged line it says so."""
    lines = body.decode("latin-1").split("\r\n")
    for number, line in enumerate(lines[1:-1], start=2):
        if not re.fullmatch(r"\d{4}-\d\d\t\d+\.\d", line):
            raise LayoutError("small", f"line {number}", "a month and a figure", line)
    return len(lines)


def raises_on_a_short_line(body: bytes, _: object) -> list[str]:
    return [line.split(b"\t")[1].decode("latin-1") for line in body.split(b"\r\n")[:-1]]


def hangs_on_a_double_line(body: bytes, _: object) -> None:
    lines = body.split(b"\r\n")
    while len(set(lines)) < len(lines):
        pass


def swallows_exceptions_in_a_loop(body: bytes, _: object) -> None:
    while body != DOCUMENT:
        try:
            body.count(b"x")
        except Exception:  # the alarm must not end here
            continue


def keeps_memory(body: bytes, _: object) -> None:
    if body != DOCUMENT:
        KEPT.append(b"x" * 20_000_000)


KEPT: list[bytes] = []


def ends_the_process(body: bytes, _: object) -> None:
    if body != DOCUMENT:
        os._exit(9)


def refuses_in_two_lines(body: bytes, _: object) -> None:
    if body != DOCUMENT:
        raise LayoutError("small", "line 1", "x", "y", next_step="one\nor two")


def refuses_everything(body: bytes, _: object) -> None:
    raise LayoutError("small", "line 1", "x", "y")


def reads_an_infinite_figure(body: bytes, context: object) -> None:
    parsed = parse(body, source("slt_table5"))
    parsed.table.loc[0, "value_usd_mn"] = np.inf if body != BODIES["slt_table5"] else 1.0
    check(parsed, source("slt_table5"), body, MEASURES)


def small(read, body: bytes = DOCUMENT) -> Target:
    return Target("small", read, (Seed(body),), (b"another,layout\n1,2\n",))


def test_a_good_parser_passes():
    report = Fuzzer(small(good), seed=1, limits=FAST).run(300)
    assert not report.failures
    assert report.accepted > 10
    assert sum(report.refusals.values()) > 100
    assert [place.split(" ")[1] for place in report.refusals] == ["good"]


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (raises_on_a_short_line, "IndexError at test_fuzz.py"),
        (hangs_on_a_double_line, "hang"),
        (swallows_exceptions_in_a_loop, "hang"),
        (refuses_in_two_lines, "BadRefusal"),
    ],
)
def test_a_bad_parser_is_found_out(read, kind):
    report = Fuzzer(small(read), seed=1, limits=FAST).run(8 if kind == "hang" else 60)
    assert [found for found in report.failures if found.startswith(kind)]


def test_a_wrong_table_is_found_out():
    report = Fuzzer(small(reads_an_infinite_figure, BODIES["slt_table5"]), seed=1).run(60)
    assert "an infinite figure" in [failure.message for failure in report.failures.values()]


def test_a_parser_that_refuses_its_valid_documents_is_not_fuzzed():
    with pytest.raises(ValueError, match="small: a valid document is refused: b'date"):
        Fuzzer(small(refuses_everything), seed=1).run(1)


@pytest.mark.slow
def test_a_parser_that_keeps_memory_is_found_out(tmp_path):
    report = isolated(small(keeps_memory), 20, 1, FAST, tmp_path)
    assert re.fullmatch(r"grew by \d+ MB, .* here", report.failures["memory"].message)
    assert report.growth_mb > FAST.growth_mb


@pytest.mark.slow
def test_a_parser_that_ends_the_process_is_found_out_with_the_document(tmp_path):
    report = isolated(small(ends_the_process), 20, 1, FAST, tmp_path)
    (failure,) = report.failures.values()
    assert failure.kind == "process ended with 9"
    assert failure.body not in (b"", DOCUMENT)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_failure_is_written_to_a_file_with_how_to_see_it_again_and_the_status_is_1(tmp_path, capsys):
    bad = small(raises_on_a_short_line)
    assert campaign([bad], 60, 1, FAST, folder=tmp_path) == 1
    told = capsys.readouterr().out
    assert "FAILED small: IndexError at test_fuzz.py" in told
    (path,) = tmp_path.iterdir()
    assert f"python -m tests.fuzz --layout small --file {path}" in told
    assert again(bad, path.read_bytes(), FAST) == 1
    assert "small : IndexError at test_fuzz.py" in capsys.readouterr().out
    # Run again from the seed, the last document is the one that fails.
    stated = int(re.search(r"--seed 1 --inputs (\d+)", told)[1])
    assert not Fuzzer(bad, 1, FAST).run(stated - 1).failures
    assert len(Fuzzer(bad, 1, FAST).run(stated).failures) == 1


@pytest.mark.slow
def test_the_command_runs_one_layout_prints_its_table_and_ends_with_0(tmp_path, capsys):
    assert command.main(["--layout", "press", "--inputs", "40", "--seed", "3", "--folder", str(tmp_path)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].split()[:4] == ["layout", "inputs", "accepted", "refused"]
    assert told[1].split()[:2] == ["press", "40"]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", [["--inputs", "0"], ["--layout", "none"], ["--file", "x"]])
def test_wrong_usage_ends_with_2(wrong, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main(wrong)
    assert ended.value.code == 2
    assert "usage: python -m tests.fuzz" in capsys.readouterr().err


def test_one_document_can_be_read_alone(tmp_path, capsys):
    path = tmp_path / "document"
    path.write_bytes(BODIES["mfh"])
    assert command.main(["--layout", "mfh", "--file", str(path)]) == 0
    assert capsys.readouterr().out.startswith("mfh mfh: accepted (")
    path.write_bytes(BODIES["mfh"][:600])
    assert command.main(["--layout", "mfh", "--file", str(path)]) == 0
    assert "mfh mfh: refused at" in capsys.readouterr().out


def seen(target: Target, seed: int) -> list[bytes]:
    documents: list[bytes] = []
    watched = Target(
        target.name, lambda body, context: (documents.append(body), target.read(body, context)), target.seeds
    )
    Fuzzer(watched, seed).run(80)
    return documents


def test_the_same_seed_gives_the_same_documents_and_another_seed_others():
    one = seen(known()["mof"], 1)
    assert one == seen(known()["mof"], 1)
    assert one != seen(known()["mof"], 2)


def test_documents_that_reach_new_lines_are_kept_and_damaged_further():
    fuzzer = Fuzzer(known()["press"], seed=1)
    report = fuzzer.run(200)
    assert report.kept > len(known()["press"].seeds)
    assert report.lines > 60


def test_a_run_ends_when_its_time_is_over():
    assert Fuzzer(small(good), seed=1).run(30_000, until=time.monotonic() + 0.2).inputs < 30_000


def test_a_failing_document_is_made_smaller_while_it_fails():
    body = b"".join(b"line %d\n" % number for number in range(200))
    assert smaller(body, lambda less: b"17" in less) == b"17"


def table(**columns: object) -> Parsed:
    stated = {
        "label": ["Japan", "Japan"],
        "code": ["", ""],
        "month": pd.to_datetime(["2024-02-01", "2024-01-01"]).astype("datetime64[us]"),
        "measure": ["total_position"] * 2,
        "series": ["XIII"] * 2,
        "value_usd_mn": [1.0, np.nan],
        "line": [5, 6],
    }
    return Parsed("slt_table5", "observations", pd.DataFrame({**stated, **columns}))


def months(*stated: str) -> pd.DatetimeIndex:
    return pd.to_datetime(list(stated)).astype("datetime64[us]")


def test_a_sound_table_holds_the_schema():
    check(table(), source("slt_table5"), b"\n" * 6, MEASURES)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"value_usd_mn": [np.inf, 1.0]}, "an infinite figure"),
        ({"value_usd_mn": [-0.0, 1.0]}, "a negative zero"),
        ({"value_usd_mn": ["1", "2"]}, "value_usd_mn is"),
        ({"month": months("2024-02-01", "2024-02-01")}, "twice"),
        ({"month": months("2024-02-02", "2024-01-01")}, "no first day"),
        ({"month": months("1024-02-01", "2024-01-01")}, "1024-02-01"),
        ({"line": [0, 6]}, "line 0"),
        ({"line": [5, 8]}, "line 8 of 7"),
        ({"label": [" ", "Japan"]}, "a blank label"),
        ({"measure": ["total", "total"]}, "measures"),
        ({"more": [1, 2]}, "columns"),
    ],
)
def test_a_table_that_breaks_the_schema_is_a_violation(wrong, message):
    with pytest.raises(Violation, match=message):
        check(table(**wrong), source("slt_table5"), b"\n" * 6, MEASURES)


def test_a_report_survives_the_way_between_processes():
    report = Fuzzer(small(raises_on_a_short_line), seed=1, limits=FAST).run(30)
    assert isinstance(pickle.loads(pickle.dumps(report)), Report)
