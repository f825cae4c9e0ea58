"""What is fuzzed: every layout, with valid documents of a few dozen lines, and the recogniser with all of them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable
from functools import partial

import hypothesis
from hypothesis import HealthCheck, Phase
from hypothesis.strategies import SearchStrategy

from tests.fuzz.harness import Seed, Target
from tests.fuzz.mutations import zipped
from tests.fuzz.schema import Violation, check, check_identified
from tests.transforms import tic
from tests.transforms.layouts import (
    japan_files,
    test_cslt,
    test_cslt_properties,
    test_ecb,
    test_fiscal_data,
    test_intervention_periods,
    test_interventions,
    test_japan_files,
    test_shlhistdat,
    test_slt_table1,
)
from tests.transforms.layouts import test_layout_properties as written
from treasury_watch.transforms import layouts
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.holders import identified
from treasury_watch.transforms.kinds import KINDS
from treasury_watch.transforms.layouts.rates import ecb
from treasury_watch.transforms.layouts.tic import cslt
from treasury_watch.transforms.model import Parsed, Source

SAMPLE = tic.PROJECT / "config" / "sample"
LABELS = tic.DECLARATIONS.holder_labels
MEASURES = frozenset(tic.DECLARATIONS.toml("measures.toml"))
RECOGNISER = "recogniser"
GENERATED = 8  # documents of a layout that Hypothesis makes
STRATEGIES: dict[str, SearchStrategy] = {
    "slt_table3": written.table3_files(),
    "slt_table5": written.table5_files(),
    "mfhhis01": written.history_files(),
    "slt3d_globl": written.table3d_files(),
    "s1_globl": written.form_s_files(),
    "mfh": written.mfh_files(),
    "cslt": test_cslt_properties.documents(),
}
OTHER_FORMS = ("slt_table3", "slt_table5", "mfhhis01")  # in HTML, separated by commas, in UTF-16
HALVES = japan_files.numbers(japan_files.HALF * 2)
SIGNALS = {
    "japan_flows_weekly": [japan_files.week(("2026．7．26～8．1", HALVES), ("2026．8．2～8．8", HALVES))],
    "japan_flows_monthly": [test_japan_files.MONTHS],
    "japan_flows_by_investor": [test_japan_files.INVESTORS],
    "japan_reserves": [test_japan_files.RESERVES],
    "treasury_auctions": [test_fiscal_data.answer(test_fiscal_data.NOTE, test_fiscal_data.ANNOUNCED)],
    "treasury_debt": [test_fiscal_data.answer(test_fiscal_data.BILLS, test_fiscal_data.MARKETABLE)],
}
RATES = ("fred:DEXJPUS", "fred:DEXUSUK", "fred:DGS10")


def read(body: bytes, source: Source) -> Parsed:
    """Parse the document and identify its holders, as a load does, with everything checked that must hold then."""
    parsed = layouts.parse(body, source)
    check(parsed, source, body, MEASURES)
    if KINDS[parsed.holds].of_holders and source.layout != "press":
        found = Parsed(parsed.layout, parsed.holds, identified(parsed.table, source.layout, LABELS), parsed.dated)
        check_identified(found, MEASURES)
    return parsed


def recognise(body: bytes, _: object) -> str:
    """The source id of the document; Violation where it is of no layout."""
    found = layouts.recognised(body)
    if found.split(":")[0] not in layouts.LAYOUTS:
        raise Violation(f"recognised as {found}")
    return found


def targets(seed: int, names: Iterable[str] = ()) -> list[Target]:
    """The layouts' targets and the recogniser's, or those of `names`. `seed` is for the documents that Hypothesis makes."""
    literal = {name: tuple(_seeds(name)) for name in layouts.LAYOUTS}
    found = []
    for name, own in literal.items():
        if not names or name in names:
            others = tuple(documents[0].body for other, documents in literal.items() if other != name)
            found.append(Target(name, read, (*own, *_generated(name, seed)), others))
    every = tuple(Seed(one.body, None, one.member) for own in literal.values() for one in own)
    if not names or RECOGNISER in names:
        found.append(Target(RECOGNISER, recognise, every, tuple(own[0].body for own in literal.values())))
    return found


def _seeds(name: str) -> Iterable[Seed]:
    """Valid documents of a layout: those of its tests, and the embedded sample cut short."""
    sample = partial(_sample, tic.DECLARATIONS.sources)
    if name == "fred":
        yield from (sample(series, f"fred/{series[5:]}.csv", 30) for series in RATES)
        return
    source = tic.DECLARATIONS.source(name)
    if name in tic.BODIES:
        yield Seed(tic.BODIES[name], source)
    if name in OTHER_FORMS:
        yield Seed(tic.as_html(tic.BODIES[name]), source)
        yield Seed(tic.as_csv(tic.BODIES[name]), source)
        yield Seed(("\ufeff" + tic.BODIES[name].decode()).encode("utf-16-le"), source)
    if name == "shlhistdat":
        yield Seed(test_shlhistdat.survey(), source)
    if name == "slt_table3":
        yield Seed(_table3(), source)
    elif name == "slt_table1":
        yield from (Seed(form(test_slt_table1.table1()), source) for form in (bytes, tic.as_html, tic.as_csv))
    elif name in ("slt_table5", "mfhhis01"):
        yield sample(name, f"tic/{name}.txt", None)
    elif name == "press":
        yield Seed((tic.PROJECT / "config" / "press_figures.csv").read_bytes(), source)
    elif name == "tic_press_releases":
        lines = (tic.PROJECT / "config" / "tic_press_releases.csv").read_bytes().splitlines(keepends=True)
        yield Seed(b"".join([lines[0], *lines[70:95]]), source)
    elif name == "mof":
        yield sample(name, "mof/foreign_exchange_intervention_operations.csv", None)
        yield Seed(test_interventions.file(*test_interventions.ROWS_1991), source)
    elif name == "mof_monthly":
        english, japanese = test_intervention_periods.ENGLISH, test_intervention_periods.JAPANESE
        period = test_intervention_periods.PERIOD
        yield Seed(english.format(period=period, amount="&yen;　15,399.3 billion").encode(), source)
        yield Seed(japanese.format(period="令和6年4月26日～令和6年5月29日", amount="9兆7,885億円").encode(), source)
    elif name in SIGNALS:
        yield from (Seed(body, source) for body in SIGNALS[name])
    elif name == "ecb":
        with zipfile.ZipFile(SAMPLE / "ecb" / "eurofxref-hist.zip") as archive:
            rates = b"\n".join(archive.read(ecb.MEMBER).split(b"\n")[:20])
        yield Seed(rates, source, ecb.MEMBER)
        yield Seed(rates, source)
        yield Seed(test_ecb.PLAIN, source, ecb.MEMBER)
    elif name == "cslt":
        whole = test_cslt.document(test_cslt.FILLER, test_cslt.JAPAN, test_cslt.FILLER, test_cslt.BOUGHT)
        yield Seed(json.dumps(whole).encode(), source, cslt.MEMBER)
        yield Seed(json.dumps(whole, indent=1).encode(), source, cslt.MEMBER)


def _sample(sources: dict[str, Source], name: str, path: str, lines: int | None) -> Seed:
    """A file of the embedded sample, or its first lines."""
    body = (SAMPLE / path).read_bytes()
    return Seed(body if lines is None else b"".join(body.splitlines(keepends=True)[:lines]), sources[name])


def _table3() -> bytes:
    """The sample's Table 3 cut to three holders."""
    kept = []
    for line in (SAMPLE / "tic" / "slt_table3.txt").read_bytes().splitlines(keepends=True):
        cells = line.split(b"\t")
        row = len(cells) > 5 and cells[2][:2] == b"20"
        if not row or (
            cells[0] in (b"Japan", b"Grand Total", b"Of Which: Foreign Non-Official") and cells[2] >= b"2025-06"
        ):
            kept.append(line)
    return b"".join(kept)


def _generated(name: str, seed: int) -> list[Seed]:
    """Documents that Hypothesis writes from the layout's strategy and that the parser accepts; none without a strategy."""
    found: list[Seed] = []
    if name not in STRATEGIES:
        return found
    source, member = tic.DECLARATIONS.source(name), cslt.MEMBER if name == "cslt" else ""

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=GENERATED,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(STRATEGIES[name])
    def collect(made: tuple) -> None:
        body = made[0] if isinstance(made[0], bytes) else json.dumps(made[0]).encode()
        try:
            read(zipped(member, body) if member else body, source)
        except LayoutError:
            return
        found.append(Seed(body, source, member))

    collect()
    return found
