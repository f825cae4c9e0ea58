"""A process that has everything imported and runs the command in children of its own, each a fork.

A child is a real process with its own environment, user, limits and clock; it can be killed at any moment. Only the
seconds of importing are saved. Orders come as JSON lines on standard input, answers go out the same way; see Warm.
"""

from __future__ import annotations

import datetime as calendar
import gc
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

PACKAGE = "treasury_watch"


def import_all() -> None:
    """What the commands import when they are used, but for Prefect, which reads the environment when imported."""
    import great_expectations  # noqa: F401
    import vl_convert

    from tests.undrawn_charts import undrawn
    from treasury_watch.flows.commands import main  # noqa: F401  before any clock is set: it takes the time of day itself
    from treasury_watch.flows.commands.answers import nowcast, sell_offs, status  # noqa: F401
    from treasury_watch.flows.commands.sql import asking  # noqa: F401
    from treasury_watch.flows.fetch import embedded_sample, http, listed_pages, sources  # noqa: F401  as main above
    from treasury_watch.flows.run import rebuild, steps  # noqa: F401
    from treasury_watch.flows.settings import reading  # noqa: F401
    from treasury_watch.flows.site import page  # noqa: F401
    from treasury_watch.warehouse.config_files.models import rule_sections, score_sections, sections  # noqa: F401
    from treasury_watch.warehouse.gates import expectations

    # As in the tests' own process: these tests are not about what the gates find.
    expectations.Gates.only_doubtful = True

    # Nor are they about what the charts of a page show, and drawing these takes seconds of processor time.
    vl_convert.vegalite_to_svg = undrawn


class _IsADatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, calendar.datetime)


def clock_at(moment: calendar.datetime) -> type:
    """A datetime class by which it is now `moment`, and time goes on from there."""
    ahead = moment - calendar.datetime.now(calendar.UTC)

    class Shifted(calendar.datetime, metaclass=_IsADatetime):
        @classmethod
        def now(cls, tz: Any = None) -> calendar.datetime:  # type: ignore[override]
            return calendar.datetime.now(tz) + ahead

    return Shifted


def modules_with_a_clock() -> list[Any]:
    """The project's modules that take the time of day from `datetime`."""
    ours = [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == PACKAGE]
    return [module for module in ours if getattr(module, "datetime", None) is calendar.datetime]


def plain_run() -> None:
    """`run` without Prefect: the same steps, as the flow calls them."""
    import click

    from treasury_watch.flows.run import steps
    from treasury_watch.flows.settings.settings import Settings
    from treasury_watch.transforms.errors import TreasuryWatchError

    settings = Settings()
    try:
        outcome = steps.run(settings, settings.warehouse(), steps.PLAIN, sample=False, command="run")
        outcome.raise_refusals()
    except TreasuryWatchError as problem:
        click.echo(f"treasury-watch: {problem}", err=True)
        sys.exit(1)
    click.echo("\n".join([outcome.summary(), *(f"not reached: {problem}" for problem in outcome.problems)]))


def child(order: dict[str, Any]) -> int:
    """Run one command as ordered; the exit status."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sources = (os.open(os.devnull, os.O_RDONLY), *(_created(order[name]) for name in ("out", "err")))
    for number, source in enumerate(sources):
        os.dup2(source, number)
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    os.environ.clear()
    os.environ.update(order["environment"])
    if order.get("day"):
        shifted = clock_at(calendar.datetime.fromisoformat(order["day"]))
        for module in modules_with_a_clock():
            module.datetime = shifted
    if order.get("largest_file"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["largest_file"], order["largest_file"]))
    if order.get("user"):
        os.setgroups([])
        os.setgid(order["user"])
        os.setuid(order["user"])
    if order.get("breakage"):
        from tests.faults import breakages

        breakages.ALL[order["breakage"]]()
    from treasury_watch.flows.commands.main import main

    try:
        plain_run() if order["arguments"] == ["plain-run"] else main(order["arguments"])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _created(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)


def _stream(number: int, mode: str) -> TextIO:
    return os.fdopen(number, mode, closefd=False, encoding="utf-8")


def serve() -> None:
    """Take orders until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    gc.disable()
    import_all()
    gc.collect()
    gc.freeze()  # no child looks through what was imported for garbage, which would copy all of it
    gc.enable()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            number, status = os.waitpid(order["wait"], os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if number else "running", file=answers, flush=True)
            continue
        number = os.fork()
        if number == 0:
            code = 70
            try:
                code = child(order)
                for stream in (sys.stdout, sys.stderr):
                    stream.flush()
            finally:
                os._exit(code)
        print(number, file=answers, flush=True)
    gc.unfreeze()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    serve()
