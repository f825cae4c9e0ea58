"""The program broken on purpose, in one child process: what measures its faults must notice each of these."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any


def torn() -> None:
    """A publication is written over the old one in pieces, instead of being moved into its place whole."""
    from treasury_watch.warehouse.publication import publishing

    def copied(staged: Path, path: Path, mode: int | None = None) -> None:
        body = staged.read_bytes()
        with path.open("wb") as file:
            for start in range(0, len(body), len(body) // 8 + 1):
                file.write(body[start : start + len(body) // 8 + 1])
                file.flush()
                time.sleep(0.25)
        staged.unlink()

    publishing.move_into_place = copied  # type: ignore[assignment]


def doubled() -> None:
    """What was sent is not recorded, and is sent again by the next command."""
    from treasury_watch.flows.alerts import outbox

    outbox.Patience.of = classmethod(lambda cls, *_, **__: cls())  # type: ignore[assignment,method-assign]
    outbox._record_handed_over = lambda *_: None  # type: ignore[assignment]


def lost() -> None:
    """The press figures come, and every file of the user is passed over without a word."""
    from treasury_watch.flows.run import steps

    steps.load_one = lambda *_: None  # type: ignore[assignment]


def hanging() -> None:
    """The command never comes to an end."""
    from treasury_watch.flows.run import steps

    def for_ever(*_: Any, **__: Any) -> None:
        time.sleep(100_000)

    steps.publish = for_ever  # type: ignore[assignment]


def archive_spoiled() -> None:
    """An archived body is cut short where it lies."""
    from treasury_watch.flows.run import steps

    kept = steps.load_one

    def spoils(session: Any, file: Any, outcome: Any) -> None:
        kept(session, file, outcome)
        for entry in session.loader.archive.entries()[-1:]:
            path = next(
                path for path in session.publisher.home.raw.rglob(f"{entry.sha256}.*") if path.suffix != ".json"
            )
            shutil.copyfile(path, path.with_suffix(".whole"))
            path.unlink()
            path.write_bytes(b"")
            path.with_suffix(".whole").unlink()

    steps.load_one = spoils  # type: ignore[assignment]


ALL = {made.__name__: made for made in (torn, doubled, lost, hanging, archive_spoiled)}
