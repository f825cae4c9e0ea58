"""In whatever order files are loaded, however often and on whatever days: an as-of answer never leaks, and the end is one.

What should be known is worked out here in a few lines of Python from the same files; the ledger has to agree on every day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count, groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import majors, table5
from treasury_watch.transforms.months import shifted
from treasury_watch.warehouse.archive.archived_files import Archive
from treasury_watch.warehouse.declarations import Declarations
from treasury_watch.warehouse.gates.expectations import Gates
from treasury_watch.warehouse.ledger.incoming.incoming_files import IncomingFile
from treasury_watch.warehouse.ledger.loading import Loader
from treasury_watch.warehouse.ledger.vintages import Ledger

# Two months of one day, one some weeks after, and two that no calendar lists: newest month and day of release.
RELEASES = {
    "2025-08": date(2025, 11, 18),
    "2025-09": date(2025, 11, 18),
    "2025-10": date(2025, 12, 18),
    "2026-11": None,
    "2027-01": None,
}
FIRST_SEEN = {"2026-11": date(2027, 1, 20), "2027-01": date(2027, 3, 20)}
WINDOW = 3
EXAMPLES = settings(
    max_examples=7,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # to shrink a failure takes minutes
)


class Unchecked(Gates):
    """No expectations: what is under test is the order, and checking takes most of the time."""

    def prepare(self) -> None:
        pass

    def check(self, *_: object, **__: object) -> list:
        return []


@dataclass(frozen=True)
class File:
    """A release's table as somebody kept it: Japan's figures, newest first, when it was retrieved, what it lay in."""

    newest: str
    japan: tuple[int, ...]
    retrieved: datetime
    folder: date | None
    body: bytes

    @property
    def incoming(self) -> IncomingFile:
        container = f"tic {self.folder}" if self.folder else None
        return IncomingFile(self.body, "file:any.txt", self.retrieved, container=container)

    @property
    def released(self) -> date:
        """The day of its release, as far as facts say it."""
        return RELEASES[self.newest] or (self.folder if self.folder_counts else self.retrieved.date())

    @property
    def seen(self) -> date:
        return self.folder if self.folder and self.folder_counts else self.retrieved.date()

    @property
    def folder_counts(self) -> bool:
        earliest = RELEASES[self.newest] or shifted(date.fromisoformat(f"{self.newest}-01"), 1)
        return self.folder is not None and earliest <= self.folder <= self.retrieved.date()


def months(newest: str) -> list[str]:
    return [f"{shifted(date.fromisoformat(f'{newest}-01'), -back):%Y-%m}" for back in range(WINDOW)]


@st.composite
def files(draw) -> list[File]:
    """Up to five files, each with bytes of its own; the same figures may come twice in other bytes."""
    numbers, made = count(), []
    for newest in draw(st.lists(st.sampled_from(list(RELEASES)), min_size=3, max_size=5)):
        japan = tuple(draw(st.lists(st.sampled_from([1100, 1101]), min_size=WINDOW, max_size=WINDOW)))
        first = RELEASES[newest] or FIRST_SEEN[newest]
        retrieved = first + timedelta(days=draw(st.sampled_from([0, 1, 4, 29, 35, 90, 900])))
        folder = draw(st.none() | st.sampled_from([-20, 0, 2, 28, 40]))
        body = table5(months(newest), majors(japan), note=f"Copy {next(numbers)}")
        moment = datetime.combine(retrieved, datetime.min.time(), UTC).replace(hour=21)
        made.append(File(newest, japan, moment, None if folder is None else first + timedelta(days=folder), body))
    return made


def told(given_files: list[File]) -> Iterator[tuple[date, dict[str, int]]]:
    """What was said when, in the order of the releases: the expectation, in other words than the program's."""
    import hashlib

    def place(file: File) -> tuple:
        return file.newest, file.released, file.seen, file.retrieved, hashlib.sha256(file.body).hexdigest()

    ordered = sorted(given_files, key=place)
    releases = [list(group) for _, group in groupby(ordered, key=lambda file: (file.newest, file.released))]
    for number, states in enumerate(releases):
        released = states[0].released
        after = min((state.released for later in releases[number + 1 :] for state in later), default=date.max)
        day = min(released, after)
        said: dict[date, tuple[int, ...]] = {}
        for state in states:
            if state.japan in said.values():
                continue  # a copy: of the newest state it says nothing new, of one that stood before it is no news
            if said:
                day = max(day, min(state.seen, max(released, after - timedelta(days=1))))
            said[day] = state.japan  # of two states of one day the later one stands
            yield day, dict(zip(months(state.newest), state.japan, strict=True))


class Home:
    def __init__(self, folder: Path, declarations: Declarations):
        self.archive, self.ledger = Archive(folder), Ledger(":memory:")
        self.loader = Loader(declarations, self.archive, self.ledger, Unchecked(declarations), lambda _: None)

    def known(self, day: date) -> dict[str, int]:
        rows = self.ledger.connection.execute(
            "SELECT strftime(month, '%Y-%m'), value_usd_mn FROM observations WHERE holder_id = 'japan' "
            "AND released <= ? AND (superseded IS NULL OR superseded > ?)",
            [day, day],
        ).fetchall()
        assert len(dict(rows)) == len(rows)
        return {month: int(value / 1000) for month, value in rows}

    def content(self) -> list[list[tuple]]:
        run = self.ledger.connection.execute
        return [run(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in ("vintages", "observations")]


@EXAMPLES
@given(given_files=files(), data=st.data())
def test_as_of_answers_never_leak_and_the_end_does_not_depend_on_the_order(declarations, given_files, data):
    with TemporaryDirectory() as folder:
        expected = list(told(given_files))
        days = {day + timedelta(days=by) for day, _ in expected for by in (-1, 0, 1)} | {date(2030, 1, 1)}
        contents = []
        for number in range(1):
            home = Home(Path(folder) / str(number), declarations)
            again = data.draw(st.lists(st.sampled_from(given_files), max_size=2))
            for file in data.draw(st.permutations([*given_files, *again])):
                home.loader.load(file.incoming)
            for day in sorted(days):
                known: dict[str, int] = {}
                for when, figures in expected:
                    known |= figures if when <= day else {}
                assert home.known(day) == known, day
            contents.append(home.content())
            with Ledger(":memory:") as rebuilt:
                home.loader.ledger, kept = rebuilt, home.loader.ledger
                home.loader.replay_all()
                home.ledger = rebuilt
                contents.append(home.content())
                kept.connection.close()
        assert all(content == contents[0] for content in contents)
