"""Targets fuzzed one after the other, each in a process of its own, and what is printed of it."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.harness import BEAT, Failure, Fuzzer, Limits, Report, Target, stored

SILENCE_S = 120.0  # a process that says nothing for so long is stuck in code that no signal reaches
HEAD = (
    f"{'layout':12} {'inputs':>8} {'accepted':>8} {'refused':>8} {'kinds':>5} {'slowest ms':>10} {'peak MB':>8} "
    f"{'growth':>7} {'lines':>6} {'s':>6}\n"
)


def campaign(
    targets: Sequence[Target], inputs: int, seed: int, limits: Limits, *, folder: Path, seconds: float | None = None
) -> int:
    """Fuzz the targets one after the other, each in a process of its own; print what came out. 1 where one failed."""
    each = -(-inputs // len(targets))
    reports = []
    sys.stdout.write(HEAD)
    for target in targets:
        report = isolated(target, each, seed, limits, folder, None if seconds is None else seconds / len(targets))
        sys.stdout.write(row(report))
        sys.stdout.flush()
        reports.append(report)
    sys.stdout.write(summary(reports))
    failures = [failure for report in reports for failure in report.failures.values()]
    for failure in failures:
        sys.stdout.write(told(failure, stored(failure, folder), seed))
    return 1 if failures else 0


def isolated(
    target: Target, inputs: int, seed: int, limits: Limits, folder: Path, seconds: float | None = None
) -> Report:
    """The target's report, made in a new process: a crash or a hang in compiled code is a failure like another."""
    folder.mkdir(parents=True, exist_ok=True)
    current = folder / f"{target.name}.current"
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, target, inputs, seed, limits, current, seconds))
    process.start()
    sender.close()
    index = 0
    try:
        while True:
            if not receiver.poll(max(SILENCE_S, 20 * limits.seconds)):
                kind = "hang in compiled code"
                break
            message = receiver.recv()
            if isinstance(message, Report):
                process.join()
                return message
            index = message
    except EOFError:
        process.join()
        kind = f"process ended with {process.exitcode}"
    finally:
        process.kill()
        process.join()
        body = current.read_bytes() if current.exists() else b""
        current.unlink(missing_ok=True)
    failure = Failure(target.name, kind, f"after document {index:,}", body, index + BEAT - 1)
    return Report(target.name, inputs=index, failures={kind: failure})


def _work(
    sender: Connection, target: Target, inputs: int, seed: int, limits: Limits, current: Path, seconds: float | None
) -> None:
    fuzzer = Fuzzer(target, seed, limits, current)
    sender.send(fuzzer.run(inputs, until=None if seconds is None else time.monotonic() + seconds, beat=sender.send))
    sender.close()


def row(report: Report) -> str:
    """One line of the table."""
    refused = sum(report.refusals.values())
    return (
        f"{report.target:12} {report.inputs:8,} {report.accepted:8,} {refused:8,} {len(report.refusals):5} "
        f"{report.slowest_ms:10,.1f} {report.peak_mb:8,.0f} {report.growth_mb:7,.0f} {report.lines:6,} {report.seconds:6,.0f}\n"
    )


def summary(reports: Sequence[Report], most: int = 6) -> str:
    """The sums, and per layout the places that refused most."""
    inputs, accepted = sum(report.inputs for report in reports), sum(report.accepted for report in reports)
    text = f"{'all':12} {inputs:8,} {accepted:8,} {sum(sum(report.refusals.values()) for report in reports):8,}\n\n"
    text += "refused by (count, place, what was expected, for instance):\n"
    for report in reports:
        for place, count in report.refusals.most_common(most):
            text += f"  {report.target:12} {count:8,}  {place:36} {' '.join(report.examples[place].split())[:70]}\n"
        if len(report.refusals) > most:
            rest = sum(count for _, count in report.refusals.most_common()[most:])
            text += f"  {report.target:12} {rest:8,}  in {len(report.refusals) - most} other places\n"
    return text


def told(failure: Failure, path: Path, seed: int) -> str:
    """A failure, and how to see it again."""
    return (
        f"\nFAILED {failure.target}: {failure.kind} ({failure.times} times)\n"
        f"  {' '.join(failure.message.split())}\n"
        f"  document: {path} ({len(failure.body):,} bytes)\n"
        f"  again:    python -m tests.fuzz --layout {failure.target} --file {path}\n"
        f"  or:       python -m tests.fuzz --layout {failure.target} --seed {seed} --inputs {failure.index + 1}\n"
    )


def again(target: Target, body: bytes, limits: Limits) -> int:
    """Read one document with every context that the target's seeds have. 1 where one fails."""
    status = 0
    for context in dict.fromkeys(seed.context.id if seed.context else None for seed in target.seeds):
        seed = next(one for one in target.seeds if (one.context.id if one.context else None) == context)
        fuzzer = Fuzzer(target, 0, limits)
        begun = time.process_time()
        problem = fuzzer._problem(body, seed.context, count=True)
        took = f"{(time.process_time() - begun) * 1000:,.1f} ms"
        refusal = next(iter(fuzzer.report.refusals), None)
        found = ": ".join(problem) if problem else f"refused at {refusal}" if refusal else "accepted"
        sys.stdout.write(f"{target.name} {context or ''}: {found} ({took})\n")
        status |= problem is not None
    return status
