"""Attacks on a home and what came of them, in figures: kills over every command that writes, readers beside them.

A lane kills one command at spread moments of the time that it takes undisturbed; after every few kills one is left to end. At
last the home is compared with one that was never disturbed. Whatever is found is counted, nothing is asserted here: a score
must be able to be bad, and `breakages` has programs with which it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from tests.conftest import PROJECT
from tests.faults.endurance import Serving, below, parents
from tests.faults.processes import Ended, Warm, environment
from tests.faults.small_installation import check_whole, copied, figures, files
from tests.flows.loopback import Loopback
from tests.flows.smtp_loopback import MailServer, free_port
from tests.prefect_database import prepare
from treasury_watch.warehouse.home.state import State

LONGEST_SECONDS = float(os.environ.get("FAULT_LONGEST", "120"))  # a command that was not killed and takes longer hangs
TRIES = 6  # so often at most for each kill: a command may end before its moment
MOST_RELEASES = 34  # the next would be of months to come; what is tried beyond them finds nothing new
LEFT_TO_END = 6  # after so many kills one command may end
QUEUED_EVERY = 2  # of `alerts send`: so often a release is loaded whose messages wait
READ_SECONDS = 0.4


@dataclass
class Score:
    """What came of an attack; all but `faults`, `survived`, `reads` and `uncertain` should be 0."""

    lane: str
    faults: int = 0
    survived: int = 0
    figures_lost: int = 0
    figures_wrong: int = 0
    archive_lost: int = 0
    reads: int = 0
    torn_reads: int = 0
    mails: int = 0
    mails_doubled: int = 0
    mails_lost: int = 0
    uncertain: int = 0  # perhaps sent: listed, and not sent again
    hangs: int = 0
    left_behind: int = 0  # processes
    said: list[str] = field(default_factory=list)

    def good(self) -> bool:
        """Whether nothing was lost, wrong, torn, doubled or hung."""
        bad = (
            self.figures_lost, self.figures_wrong, self.archive_lost, self.torn_reads, self.mails_doubled, self.mails_lost,
            self.hangs, self.left_behind, self.faults - self.survived,
        )  # fmt: skip
        return not any(bad)


@contextmanager
def reader(home: Path, score: Score) -> Iterator[None]:
    """A process that looks at the publication all the time; its looks are counted."""
    command = [sys.executable, "-m", "tests.faults.reader", str(home), "again", str(READ_SECONDS)]
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield
        finally:
            out, _ = process.communicate(timeout=60)
    looks = [json.loads(line) for line in out.splitlines()]
    torn = [look for look in looks if not look["whole"]]
    score.reads, score.torn_reads = len(looks), len(torn)
    score.said += [f"torn: {look}" for look in torn[:3]]


def ledger(home: Path) -> dict[str, Counter]:
    """What the ledger holds, without times and addresses of this home."""
    with duckdb.connect(str(home / "ledger.duckdb"), read_only=True) as connection:
        kept = {
            "observations": "* EXCLUDE (sha256)",
            "vintages": "source, layout, released, released_basis, sha256, figures, changed_figures, bytes",
        }
        return {
            name: counted(connection.execute(f"SELECT {columns} FROM {name}").fetchall())
            for name, columns in kept.items()
        }


def compare(home: Path, undisturbed: Path, score: Score) -> None:
    """Count what archive, ledger and publication lack of the undisturbed home, and what they have that it has not."""

    def archived(of: Path) -> set[str]:
        bodies = [path for path in (of / "raw").rglob("*") if path.is_file() and path.suffix != ".json"]
        return {hashlib.sha256(path.read_bytes()).hexdigest() for path in bodies}

    score.archive_lost += len(archived(undisturbed) - archived(home))
    try:
        check_whole(home)
        here = {**{name: counted(rows) for name, rows in figures(home).items()}, **prefixed(ledger(home))}
    except Exception as problem:  # whatever a damaged home makes of it
        score.said.append(f"not whole: {traceback.format_exc(limit=-2)}: {problem}")
        score.figures_wrong += 1
        return
    wanted = {**{name: counted(rows) for name, rows in figures(undisturbed).items()}, **prefixed(ledger(undisturbed))}
    for name, rows in wanted.items():
        lacking, more = rows - here[name], here[name] - rows
        score.figures_lost += lacking.total()
        score.figures_wrong += more.total()
        if lacking or more:
            score.said.append(f"{name}: lacks {list(lacking)[:2]}, has {list(more)[:2]}")


def counted(rows: Sequence[tuple]) -> Counter:
    """How often each row is there; some hold lists."""
    return Counter(map(repr, rows))


def prefixed(tables: dict[str, Counter]) -> dict[str, Counter]:
    return {f"ledger {name}": rows for name, rows in tables.items()}


@dataclass
class Attack:
    """One lane: `prepare_step` readies the how-many-th attempt and gives its command; `catch_up` is what must end well."""

    warm: Warm
    home: Path
    values: dict[str, str]
    score: Score
    chance: random.Random
    longest: float = LONGEST_SECONDS
    breakage: str = ""

    def end(self, command: Sequence[str | Path]) -> Ended | None:
        """Let it end; None where it hung."""
        ended = self.warm.start(command, self.values, breakage=self.breakage).wait(self.longest)
        if ended.code == -signal.SIGKILL:
            self.score.hangs += 1
            self.score.said.append(f"hung: {command[0]}")
            return None
        if ended.code != 0:
            self.score.said.append(f"{command[0]}: exit {ended.code}: {ended.err[-300:]}")
        return ended

    def kill_at(self, command: Sequence[str | Path], moment: float) -> bool:
        """Kill it after so many seconds; whether it was still at work."""
        killed = self.warm.start(command, self.values, breakage=self.breakage).wait(moment).code == -signal.SIGKILL
        self.score.faults += killed
        return killed

    def readable(self) -> bool:
        """Whether the publication can be opened and read."""
        try:
            with duckdb.connect(str(self.home / "treasury.duckdb"), read_only=True) as connection:
                return connection.execute("SELECT count(*) FROM positions").fetchall()[0][0] > 0
        except duckdb.Error as problem:
            self.score.said.append(f"not readable: {problem}")
            return False


def strike(attack: Attack, kills: int, command: Callable[[int], Sequence[str | Path]], from_share: float = 0.0) -> None:
    """Kill `command(number)` so many times, at moments spread over the time that it takes."""
    number = 0
    began = time.monotonic()
    attack.end(command(number))
    longest = time.monotonic() - began
    while attack.score.faults < kills and number < TRIES * kills:
        number += 1
        place = (attack.score.faults % kills + attack.chance.random()) / kills  # one kill in each equal part
        if attack.kill_at(command(number), longest * (from_share + (1 - from_share) * place)):
            attack.score.survived += attack.readable()
        if number % LEFT_TO_END == 0:
            began = time.monotonic()
            attack.end(command(number))
            longest = 0.5 * longest + 0.5 * (time.monotonic() - began)


def mailed(attack: Attack, mail: MailServer) -> None:
    """Count messages that came twice, and those that count as sent and never came."""
    copies = Counter((to, message["Message-ID"]) for to, message in mail.taken)
    state = State(attack.home / "state.sqlite")
    sent = {(row["recipient"], row["message_id"]) for row in state.rows("SELECT * FROM alerts WHERE state = 'sent'")}
    waiting = state.rows("SELECT count(*) AS n FROM alerts WHERE state IN ('queued', 'failed')")[0]["n"]
    uncertain = state.rows("SELECT count(*) AS n FROM alerts WHERE state = 'uncertain'")[0]["n"]
    score = attack.score
    score.mails, score.uncertain = copies.total(), uncertain
    score.mails_doubled += sum(times - 1 for times in copies.values())
    score.mails_lost += len(sent - set(copies)) + waiting


def lane(
    name: str, warm: Warm, base: Path, folder: Path, kills: int, seed: int, *, breakage: str = "",
    longest: float = LONGEST_SECONDS, prefect_database: Path | None = None,
) -> Score:  # fmt: skip
    """Attack one command, by its name, and score it. `base` is a home with the releases 0 and 1."""
    score = Score(name)
    if name == "serve":
        return _serve(warm, folder, kills, seed, score)
    home = copied(base, folder / "home")
    if prefect_database and name == "backfill":
        prepare(home, prefect_database)
    most = min(MOST_RELEASES, 3 + 3 * kills)
    paths = files(folder / "files", range(2, 2 + most))
    loaded = 0
    with Loopback() as server, MailServer() as mail:
        open_door = {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": mail.port, "MAIL_SECURITY": "none"}
        values = environment(home, server, **open_door, ALERTS_SECOND_COPY="false")
        if prefect_database:
            values |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        attack = Attack(warm, home, values, score, random.Random(seed), longest, breakage)

        def command(number: int) -> Sequence[str | Path]:
            nonlocal loaded
            if name != "alerts send":
                loaded = max(loaded, min(number + 1, most))
            path = paths[min(number, most - 1)]
            if name == "run":
                server.serve("/tic/slt_table5.txt", path)
                return ["plain-run"]
            if name == "ingest":
                return ["ingest", path]
            if name == "backfill":
                part = folder / f"part{number}"
                part.mkdir(exist_ok=True)
                shutil.copy(path, part)
                return ["backfill", part]
            if name == "alerts send":
                path = paths[min(number // QUEUED_EVERY, most - 1)]
                loaded = max(1, min(number // QUEUED_EVERY, most - 1) + 1)
                shut = {**values, "TREASURY_WATCH_MAIL_PORT": str(free_port())}
                if number % QUEUED_EVERY == 0:
                    warm.run(["ingest", path], shut, breakage=breakage)
                return ["alerts", "send"]
            loaded = 0
            return ["rebuild"]

        with reader(home, score):
            strike(attack, kills, command, 0.3 if name == "backfill" else 0.0)
            if loaded:
                attack.end(["ingest", *paths[:loaded]])
            else:
                attack.end(["rebuild"])
            attack.end(["alerts", "send"])
        mailed(attack, mail)
    whole = copied(base, folder / "undisturbed")
    quiet = environment(whole, ALERTS_MINIMUM_SEVERITY="critical")
    if loaded:
        warm.run(["ingest", *paths[:loaded]], quiet).well()
    compare(home, whole, score)
    return score


def _serve(warm: Warm, folder: Path, kills: int, seed: int, score: Score) -> Score:
    """`serve` killed with SIGKILL amid its runs: what it started ends with it, and a new one goes on."""
    chance = random.Random(seed)
    serving = Serving(folder)
    try:
        for number in range(kills + 1):
            known = serving.loaded()
            deadline = time.monotonic() + 3 * LONGEST_SECONDS
            while number and serving.loaded() == known and time.monotonic() < deadline - chance.uniform(0, 5):
                time.sleep(0.2)  # until the new release is in the archive: its run is amid its work
            if number == 0:
                while serving.loaded() < serving.releases and time.monotonic() < deadline:
                    time.sleep(0.2)
            if serving.loaded() < serving.releases:
                score.hangs += 1
            if number == kills:  # the last run comes to its end: what is compared is what it published
                while serving.published() < serving.releases and time.monotonic() < deadline:
                    time.sleep(0.5)
                score.hangs += serving.published() < serving.releases
                break
            time.sleep(chance.uniform(0, 6))
            mine = set(below(serving.process.pid, parents()))
            serving.process.send_signal(signal.SIGKILL)
            serving.process.wait()
            score.faults += 1
            deadline = time.monotonic() + 45
            while (left := mine & set(parents())) and time.monotonic() < deadline:
                time.sleep(0.5)
            score.left_behind += len(left)
            score.survived += not left
            serving.put_up()
            serving.start()
        serving.process.terminate()
        serving.process.wait(60)
    finally:
        serving.process.kill()
    whole = folder / "undisturbed"
    paths = files(folder / "files", range(serving.releases))
    warm.run(["ingest", *paths], environment(whole, ALERTS_MINIMUM_SEVERITY="critical")).well()
    compare(serving.home, whole, score)
    return score


def table(scores: Sequence[Score]) -> list[str]:
    """The scores as the rows of docs/operations.md, with their sums."""
    columns: dict[str, Callable[[dict[str, Any]], int]] = {
        "faults": lambda s: s["faults"], "survived": lambda s: s["survived"],
        "figures lost": lambda s: s["figures_lost"] + s["figures_wrong"] + s["archive_lost"],
        "reads": lambda s: s["reads"], "torn": lambda s: s["torn_reads"], "mails": lambda s: s["mails"],
        "doubled": lambda s: s["mails_doubled"], "lost mails": lambda s: s["mails_lost"],
        "perhaps sent": lambda s: s["uncertain"], "hangs": lambda s: s["hangs"],
    }  # fmt: skip
    rows = [(score.lane, [count(asdict(score)) for count in columns.values()]) for score in scores]
    rows.append(("all", [sum(values) for values in zip(*(values for _, values in rows), strict=True)]))
    head = f"| killed | {' | '.join(columns)} |"
    return [head, "|---|" + "--:|" * len(columns), *(f"| {name} | {' | '.join(map(str, row))} |" for name, row in rows)]
