"""The log: one line per step, as text or as JSON, where section [logging] asks for it.

Steps say what they did with `say`; the lines of one command carry its name and, once there is one, the run's id. All of
it goes to the logger `treasury_watch`, which hands nothing on to the root logger. Secrets are taken out of every line.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from treasury_watch.flows.log.redaction import Redaction
from treasury_watch.flows.settings.settings import Settings
from treasury_watch.transforms.errors import ConfigurationError, TreasuryWatchError

if TYPE_CHECKING:
    from treasury_watch.flows.settings.sections import LogSettings

OTHERS = ("treasury_watch.flows", "treasury_watch.warehouse")  # whose modules warn of what is no step
HTTP = "urllib3.connectionpool"

LOGGER = logging.getLogger("treasury_watch")
LOGGER.propagate = False
LOGGER.addHandler(logging.NullHandler())  # without a handler Python prints warnings to standard error


@dataclass
class Run:
    """The command at work, and what its last line will say."""

    command: str
    run_id: str | None = None
    message: str = ""
    fields: dict[str, Any] = field(default_factory=dict)


_RUN: ContextVar[Run | None] = ContextVar("run", default=None)
_written: int | None = None  # the id of the failure that was last written to standard error


def say(event: str, message: str, *, level: int = logging.INFO, **fields: Any) -> None:
    """One line on one step: `event` is its short name for machines, `message` says it to a person in one line."""
    LOGGER.log(level, message, extra={"event": event, "fields": fields})


def with_run_id(*, run_id: str) -> None:
    """From here on the lines of the command at work carry the run's id."""
    run = _RUN.get()
    if run:
        run.run_id = run_id


def ending(message: str = "", **fields: Any) -> None:
    """What the last line of the command at work will say, if it ends well."""
    run = _RUN.get()
    if run:
        run.message = message or run.message
        run.fields |= fields


@contextmanager
def running(command: str) -> Iterator[None]:
    """The block is one command: its end is one line, or its failure is. Inside another such block it is part of that."""
    if _RUN.get():
        yield
        return
    run, began = Run(command), perf_counter()
    token = _RUN.set(run)
    try:
        yield
        fields = {"outcome": "done", **run.fields, "seconds": _rounded(perf_counter() - began)}
        say("run ended", run.message or f"{command}: done", **fields)
    except BaseException as problem:
        _fail(problem, perf_counter() - began)
        raise
    finally:
        _RUN.reset(token)


@contextmanager
def command(settings: Settings, name: str) -> Iterator[None]:
    """The block is one command of the command line, with the log as the settings want it. Raises ConfigurationError."""
    configure(settings)
    with running(name):
        yield


def _fail(problem: BaseException, seconds: float) -> None:
    from treasury_watch.warehouse.gates.results import ValidationBlocked
    from treasury_watch.warehouse.home.storage_failures import explained

    global _written
    if isinstance(problem, KeyboardInterrupt):
        words = "interrupted"
    elif isinstance(problem, TreasuryWatchError):
        words = str(problem)
    else:
        words = str(explained(problem) or f"{type(problem).__name__}: {problem}")
    outcome = "blocked" if isinstance(problem, ValidationBlocked) else "failed"
    say("run failed", words, level=logging.ERROR, outcome=outcome, error=type(problem).__name__,
        seconds=_rounded(seconds))  # fmt: skip
    if on_standard_error():
        _written = id(problem)


def on_standard_error_already(problem: BaseException) -> bool:
    """Whether this failure stands on standard error already, as a line of the log."""
    global _written
    said, _written = _written == id(problem), None
    return said


def on_standard_error() -> bool:
    """Whether the log goes to standard error."""
    return any(isinstance(handler, Lines) and not handler.path for handler in LOGGER.handlers)


def forwarded() -> bool:
    """Whether another handler gets the lines too, such as Prefect's by PREFECT_LOGGING_EXTRA_LOGGERS."""
    return any(not isinstance(handler, (Lines, logging.NullHandler)) for handler in LOGGER.handlers)


def configure(settings: Settings) -> None:
    """Log as section [logging] says, whatever was configured before. Raises ConfigurationError.

    Other handlers of the logger, such as Prefect's, stay and get the same lines, also where the format is `off`.
    """
    section = settings.logging
    completed = Completed(Redaction(_channels(settings)))
    shown = _handler(section, completed) if section.format != "off" else None
    for name in (LOGGER.name, *OTHERS, HTTP):
        logger = logging.getLogger(name)
        for earlier in [one for one in logger.handlers if isinstance(one, (Lines, ToRoot))]:
            logger.removeHandler(earlier)
        if shown:
            logger.addHandler(shown)
        elif name in OTHERS:
            logger.addHandler(ToRoot())
    for name in (LOGGER.name, HTTP):
        logger = logging.getLogger(name)
        for former in [one for one in logger.filters if isinstance(one, Completed)]:
            logger.removeFilter(former)
        logger.addFilter(completed)
    LOGGER.setLevel(section.level.upper())


def _channels(settings: Settings) -> Iterator[str]:
    """The variables that hold addresses of channels."""
    routing = settings.routing
    yield from (entry.channel for entry in (routing.operator, *routing.routes.values()) if entry.channel)


def _handler(section: LogSettings, completed: Completed) -> Lines:
    path = Path(section.file).expanduser() if section.file else None
    handler = Lines(path)
    handler.setLevel(section.level.upper())
    handler.addFilter(completed)
    handler.setFormatter(_json() if section.format == "json" else Text())
    return handler


class ToRoot(logging.Handler):
    """Hands warnings that are no step to the root logger, where no log is asked for: Python then prints them."""

    def emit(self, record: logging.LogRecord) -> None:
        """Hand the record on."""
        logging.getLogger().callHandlers(record)


for _name in OTHERS:  # they would go on to LOGGER, which hands nothing on
    logging.getLogger(_name).propagate = False
    logging.getLogger(_name).addHandler(ToRoot())


def _own(path: str, flags: int) -> int:
    """Open a file that, where it is new, is its owner's alone: a log names addresses and what failed."""
    return os.open(path, flags, 0o600)


class Lines(logging.Handler):
    """Writes each line to the end of a file, or to what standard error is at that moment.

    The file is opened for every line, so that it may be moved away at any time and several processes may write to it. A
    log that cannot be written ends no run: it is said once on standard error.
    """

    def __init__(self, path: Path | None):
        """Raises ConfigurationError where the file cannot be written."""
        super().__init__()
        self.path, self._silent = path, False
        if path:
            try:
                open(path, "a", opener=_own).close()
            except OSError as problem:
                raise ConfigurationError(
                    f"[logging] file: expected a file in a folder that exists and can be written, found {path} "
                    f"({problem.strerror}); correct it in settings.toml or TREASURY_WATCH_LOGGING_FILE"
                ) from problem

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        try:
            line = self.format(record) + "\n"
            if self.path:
                with open(self.path, "a", encoding="utf-8", opener=_own) as file:
                    file.write(line)
            else:
                sys.stderr.write(line)
                sys.stderr.flush()
        except Exception as problem:
            self._unwritten(problem)

    def _unwritten(self, problem: Exception) -> None:
        if not self._silent:
            self._silent = True
            with suppress(OSError, ValueError):
                sys.stderr.write(f"treasury-watch: the log cannot be written: {type(problem).__name__}\n")


class Completed(logging.Filter):
    """Adds to a record what the command at work is, and takes the secrets out of message, fields and exception."""

    def __init__(self, redaction: Redaction):
        super().__init__()
        self.redaction = redaction

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; it is always kept."""
        clean, run = self.redaction, _RUN.get()
        record.run_id, record.command = (run.run_id, clean.text(run.command)) if run else (None, None)
        record.msg, record.args = clean.text(record.getMessage()), None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        record.exc_text = clean.text(record.exc_text) if record.exc_text else None
        record.stack_info = clean.text(record.stack_info) if record.stack_info else None
        record.fields = clean.value(getattr(record, "fields", {"logger": record.name}))
        return True


class Text(logging.Formatter):
    """`2026-11-26T16:05:01Z INFO message`, always one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as its line."""
        content = line(record)
        parts = [_moment(record).strftime("%Y-%m-%dT%H:%M:%SZ"), record.levelname, content["message"]]
        if "exception" in content:
            parts.append(f"({content['exception'].strip().splitlines()[-1]})")
        return "".join(char if char.isprintable() else " " for char in " ".join(parts))


def line(record: logging.LogRecord) -> dict[str, Any]:
    """A completed record as the fields of its line, in their order; those without a value are left out."""
    content = {
        "time": _moment(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": getattr(record, "event", "note"),
        "message": " ".join(record.getMessage().split()),
        "run_id": getattr(record, "run_id", None),
        "command": getattr(record, "command", None),
        **getattr(record, "fields", {}),
        "exception": record.exc_text,
    }
    return {name: value for name, value in content.items() if value is not None}


def _json() -> logging.Formatter:
    from pythonjsonlogger.json import JsonFormatter  # only where it is asked for

    class Json(JsonFormatter):
        def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
            log_data.update(line(record))

    return Json()


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
