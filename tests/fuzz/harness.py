"""Runs one target on damaged documents and notes whatever it may not do.

Allowed are a result that holds what `Target.read` checks, and LayoutError with a message of one printable line. Noted are
every other exception, more than `Limits.seconds` of the processor on one document, and growth of the process beyond
`Limits.growth_mb`.
"""

from __future__ import annotations

import hashlib
import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import FrameType, TracebackType
from typing import Any

from tests.fuzz.mutations import Damager, packed, zipped
from treasury_watch import transforms
from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts import cells
from treasury_watch.transforms.layouts.tic import cslt

CODE = str(Path(transforms.__file__).parent)
# Bytes to kilobytes: macOS counts ru_maxrss in bytes, Linux in kilobytes.
RSS_UNITS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024
LONGEST_MESSAGE = 1000
TRACED = 10  # every so many inputs the lines that run are noted
BEAT = 20  # a process says every so many inputs how far it is
MOST_KEPT = 300
MOST_TRIALS = 400  # to make a failing document smaller
CACHES = (cells._remembered, cells._month, cslt._remembered)


@dataclass(frozen=True)
class Seed:
    """A valid document. `context` is handed to the target; `member` names it within the zip it is packed into."""

    body: bytes
    context: Any = None
    member: str = ""


@dataclass(frozen=True)
class Target:
    """What is fuzzed: `read(document, context)` returns, raises LayoutError, or fails. Of module-level parts only."""

    name: str
    read: Callable[[bytes, Any], object]
    seeds: tuple[Seed, ...]
    others: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Limits:
    """What one document may take: seconds of the processor, and memory beyond what the valid documents took."""

    seconds: float = 4.0
    growth_mb: float = 300.0


@dataclass
class Failure:
    """Something a target may not do, with the (smallest found) document that makes it do so."""

    target: str
    kind: str
    message: str
    body: bytes
    index: int
    times: int = 1


@dataclass
class Report:
    """What a target did. `refusals` counts by the place in the code that refused; `examples` are their messages."""

    target: str
    inputs: int = 0
    accepted: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    slowest_ms: float = 0.0
    peak_mb: float = 0.0
    growth_mb: float = 0.0
    lines: int = 0
    kept: int = 0
    seconds: float = 0.0
    failures: dict[str, Failure] = field(default_factory=dict)


class Overtime(BaseException):
    """The alarm. No `except Exception` in the code under test can swallow it."""


class BadRefusal(Exception):
    """A LayoutError whose message is not one printable line of bearable length."""


def peak_mb() -> float:
    """The most memory this process has held so far, in MB."""
    try:  # Linux lets a process's ru_maxrss begin with that of the one that started it
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / RSS_UNITS_PER_MB
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises Overtime in the block after so many seconds of the processor: a busy machine makes no parser slow."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise Overtime

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def place_of(trace: TracebackType | None) -> str:
    """The innermost place of a traceback: within transforms/ where it goes there (errors.py apart), else anywhere."""
    inner, any_place = "", "nowhere"
    while trace is not None:
        code, line = trace.tb_frame.f_code, trace.tb_lineno
        trace = trace.tb_next
        if code.co_name == "_hold":
            continue  # what called it says more
        any_place = f"{Path(code.co_filename).name}:{line} {code.co_name}"
        if code.co_filename.startswith(CODE) and not code.co_filename.endswith("errors.py"):
            inner = any_place
    return inner or any_place


class Fuzzer:
    """One target, one sequence of documents: the same for the same seed, however many are run."""

    def __init__(self, target: Target, seed: int, limits: Limits = Limits(), current: Path | None = None):
        self.target, self.limits, self.current = target, limits, current
        self.random = Random(f"{seed}:{target.name}")
        words = {cell.strip() for one in target.seeds for line in one.body.splitlines() for cell in _cells(line)}
        self.damager = Damager(self.random, sorted(words - {b""}), target.others)
        self.kept = list(target.seeds)
        self.seen: set[tuple[str, int]] = set()
        self.report = Report(target.name)

    def run(self, inputs: int, *, until: float | None = None, beat: Callable[[int], None] | None = None) -> Report:
        """Run so many documents, or until the clock (`time.monotonic`) says `until`. The valid ones come first.

        Raises ValueError where a seed is refused: a target whose valid documents are refused is not fuzzed at all.
        """
        started = time.perf_counter()
        _forget()
        for seed in self.target.seeds:
            body = zipped(seed.member, seed.body) if seed.member else seed.body
            if self._refused(body, seed.context):
                raise ValueError(f"{self.target.name}: a valid document is refused: {body[:80]!r}")
            self._new_lines(body, seed.context)
        baseline = peak_mb()
        report = self.report
        for index in range(inputs):
            if until is not None and time.monotonic() > until:
                break
            if beat is not None and index % BEAT == 0:
                beat(index)
            seed, body = self._document()
            if self.current is not None:
                self.current.write_bytes(body)
            self._one(index, body, seed, baseline)
        report.peak_mb, report.growth_mb = peak_mb(), peak_mb() - baseline
        report.lines, report.kept = len(self.seen), len(self.kept)
        report.seconds = time.perf_counter() - started
        return report

    def _document(self) -> tuple[Seed, bytes]:
        """A seed as damaged, before and after it is packed. Older ones are drawn as often as newer ones."""
        origin = self.random.choice(self.kept if self.random.random() < 0.4 else self.target.seeds)
        content = self.damager.damaged(origin.body)
        seed = Seed(content, origin.context, origin.member)
        return seed, packed(self.random, seed.member, content) if seed.member else content

    def _one(self, index: int, body: bytes, seed: Seed, baseline: float) -> None:
        report = self.report
        before = peak_mb()
        begun = time.process_time()
        problem = self._problem(body, seed.context, count=True)
        took = (time.process_time() - begun) * 1000
        report.inputs += 1
        report.slowest_ms = max(report.slowest_ms, took)
        grown = peak_mb()
        if grown - baseline > self.limits.growth_mb and grown > before:
            self._note(
                index, body, "memory", f"grew by {grown - baseline:,.0f} MB, {grown - before:,.0f} MB of it here"
            )
        if problem is not None:
            self._note(index, body, *problem, context=seed.context)
        elif index % TRACED == 0 and self._new_lines(body, seed.context) and len(self.kept) < MOST_KEPT:
            self.kept.append(seed)

    def _problem(self, body: bytes, context: Any, *, count: bool = False) -> tuple[str, str] | None:
        """(kind, message) of what the target did wrong on the document; None where it did well."""
        report = self.report
        try:
            with alarm(self.limits.seconds):
                self.target.read(body, context)
            report.accepted += count
        except LayoutError as error:
            kind, text = place_of(error.__traceback__), str(error)
            if len(text.splitlines()) != 1 or not text.isprintable() or len(text) > LONGEST_MESSAGE:
                return f"BadRefusal at {kind}", f"{len(text)} characters: {text[:300]!r}"
            if count:
                report.refusals[kind] += 1
                report.examples.setdefault(kind, error.expected)
        except Overtime as over:
            return "hang", f"more than {self.limits.seconds} s of the processor, at {place_of(over.__traceback__)}"
        except Exception as error:
            return f"{type(error).__name__} at {place_of(error.__traceback__)}", str(error)[:300]
        return None

    def _refused(self, body: bytes, context: Any) -> bool:
        try:
            self.target.read(body, context)
        except LayoutError:
            return True
        except Exception:
            return False  # noted when it is run as an input, not here
        return False

    def _note(self, index: int, body: bytes, kind: str, message: str, context: Any = None) -> None:
        found = self.report.failures
        if kind in found:
            found[kind].times += 1
            return
        if kind not in ("hang", "memory"):
            body = smaller(body, lambda less: (self._problem(less, context) or ("",))[0] == kind)
        found[kind] = Failure(self.target.name, kind, message, body, index)

    def _new_lines(self, body: bytes, context: Any) -> bool:
        """Whether the document reaches lines of transforms/ that none before it has reached."""
        before = len(self.seen)
        seen = self.seen

        def line(frame: FrameType, event: str, argument: object) -> Any:
            if event == "line":
                seen.add((frame.f_code.co_filename, frame.f_lineno))
            return line

        def call(frame: FrameType, event: str, argument: object) -> Any:
            return line if frame.f_code.co_filename.startswith(CODE) else None

        _forget()
        tracing = sys.gettrace()
        try:
            with alarm(10 * self.limits.seconds):
                sys.settrace(call)
                self.target.read(body, context)
        except (Exception, Overtime):
            return len(seen) > before
        finally:
            sys.settrace(tracing)
        return len(seen) > before


def _cells(line: bytes) -> Iterable[bytes]:
    return line.replace(b",", b"\t").replace(b'"', b"").split(b"\t")


def _forget() -> None:
    """Empty the caches, so that what runs does not depend on what ran before."""
    for cached in CACHES:
        cached.cache_clear()


def smaller(body: bytes, fails: Callable[[bytes], bool]) -> bytes:
    """The body with pieces taken out while it `fails` all the same; lines first, then bytes."""
    trials = 0
    for parts in (body.splitlines(keepends=True), None):
        pieces = list(parts) if parts is not None else [bytes([byte]) for byte in body]
        size = len(pieces) // 2
        while size and trials < MOST_TRIALS:
            at = 0
            while at < len(pieces) and trials < MOST_TRIALS:
                less = pieces[:at] + pieces[at + size :]
                trials += 1
                if fails(b"".join(less)):
                    pieces = less
                else:
                    at += size
            size //= 2
        body = b"".join(pieces)
    return body


def stored(failure: Failure, folder: Path) -> Path:
    """Write the document of a failure into the folder; the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{failure.target}-{hashlib.sha256(failure.body).hexdigest()[:12]}.bin"
    path.write_bytes(failure.body)
    return path
