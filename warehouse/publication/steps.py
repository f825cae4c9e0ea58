"""Steps that declare what they need, carried out on the connections to a database.

Each connection has a thread of its own, which does one step at a time. The order in which steps are declared means nothing
but which of two goes first where a connection could do either.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

EVERYTHING = ("everything",)  # what a step reads that is carried out again whatever changed
STANDS = object()  # the result of a step that was not carried out


@dataclass(frozen=True)
class Step:
    """One step: its name, the name of the connection it runs on, its function, and what it needs.

    The function is called with the connection and the results of the steps in `takes`. Those in `needs` must have ended
    too; what they made lies in the database. `reads` are the kinds of figure, or the sources, that it takes from the ledger
    itself, `makes` the tables that it makes: both tell what has to be done again when something changed (`affected`). Those in
    `after` must have ended as well, but what it takes of their tables is told in `reads`: part of a kind.

    `parts` are queries by the step that makes what they ask: of its tables this step takes no more than their answers. Where
    these are the same after it as before, what this step made stands. `because` are the steps that alone are the reason why
    this one, with those that it shares results with, is to be carried out again; none where it is in any case (`affected`).
    """

    name: str
    on: str
    function: Callable[..., Any]
    takes: Sequence[str] = ()
    needs: Sequence[str] = ()
    reads: Sequence[str] = ()
    makes: Sequence[str] = ()
    after: Sequence[str] = ()
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    because: Sequence[str] = ()


def carry_out(steps: Sequence[Step], connections: Mapping[str, duckdb.DuckDBPyConnection]) -> dict[str, Any]:
    """Carry out every step once all that it needs has ended. Returns the results by the steps' names.

    A step whose reasons (`because`) all stand, or made nothing new of what it takes of them (`parts`), stands too: it is not
    carried out, and has no result.

    Raises ValueError, before anything begins, where the steps cannot be put in order; else what the first step to fail
    raised. Then, and where the caller is interrupted, queries at work are given up and what has not begun is left out. In
    any case no thread uses a connection any more when this ends.
    """
    order = _in_order(steps, connections)
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    threads = {name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in connections}
    wait([thread.submit(int) for thread in threads.values()])  # a pool forgets a thread whose start is interrupted
    results: dict[str, Any] = {}
    started: dict[Future[Any], Step] = {}
    stand: set[str] = set()
    try:
        before = _answers_before(steps, connections)
        while order.is_active():
            ready = order.get_ready()
            for step in steps:
                if step.name in ready:
                    arguments = [results[name] for name in step.takes if name not in stand]
                    future = threads[step.on].submit(_carried_out, step, connections[step.on], arguments, stand, before)
                    started[future] = step
            ended = wait(started, return_when=FIRST_COMPLETED).done
            for future in [future for future in started if future in ended]:
                step = started.pop(future)
                result = future.result()
                if result is STANDS:
                    stand.add(step.name)
                else:
                    results[step.name] = result
                order.done(step.name)
    except BaseException:
        for connection in connections.values():
            connection.interrupt()  # a query at work is of no more use
        raise
    finally:
        interrupted = False
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # until the threads are through
        except KeyboardInterrupt:  # one that came just before
            interrupted = True
        _end(threads.values(), started)
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)  # what came meanwhile is raised here
        if interrupted:
            raise KeyboardInterrupt
    return results


def _answers_before(steps: Sequence[Step], connections: Mapping[str, duckdb.DuckDBPyConnection]) -> dict[str, pa.Table]:
    """What is asked of the steps that others may stand beside, before any of them is carried out."""
    asked = {
        query: step.on for step in steps for name, part in step.parts.items() if name in step.because for query in part
    }
    return {query: _answer(connections[on], query) for query, on in asked.items()}


def _carried_out(
    step: Step, connection: duckdb.DuckDBPyConnection, arguments: Sequence[Any], stand: Collection[str],
    before: Mapping[str, pa.Table],
) -> Any:  # fmt: skip
    """The step's result, or STANDS."""

    def unchanged(name: str) -> bool:
        part = step.parts.get(name, ())
        return name in stand or (bool(part) and all(_answer(connection, query).equals(before[query]) for query in part))

    if step.because and all(unchanged(name) for name in step.because):
        return STANDS
    return step.function(connection, *arguments)


def _answer(connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    return connection.sql(f"FROM ({query}) ORDER BY ALL").to_arrow_table()


def needed_for(name: str, steps: Sequence[Step]) -> list[Step]:
    """The step of this name and all that it needs, in the order declared."""
    by_name = {step.name: step for step in steps}
    wanted, waiting = set[str](), [name]
    while waiting:
        step = by_name[waiting.pop()]
        if step.name not in wanted:
            wanted.add(step.name)
            waiting += [*step.takes, *step.needs, *step.after]
    return [step for step in steps if step.name in wanted]


def affected(steps: Sequence[Step], changed: Collection[str]) -> list[Step]:
    """The steps to carry out in a database that holds what all of them made before these kinds and sources changed.

    They are those that read one of these, those that take or need one of them, those that read EVERYTHING, and those whose
    results one of these takes. That a step reads everything makes no other one affected: what is of the changed kinds in it
    concerns nobody else. Each waits only for those that are carried out too, and says because of which it is one.
    """
    by_name = {step.name: step for step in steps}
    known: dict[str, bool] = {}

    def concerned(name: str) -> bool:
        if name not in known:
            step = by_name[name]
            known[name] = bool(set(step.reads) & set(changed)) or any(
                [concerned(need) for need in (*step.takes, *step.needs)]
            )
        return known[name]

    wanted = {step.name for step in steps if concerned(step.name) or step.reads == EVERYTHING}
    waiting = list(wanted)
    while waiting:
        for name in by_name[waiting.pop()].takes:  # a result is in no database
            if name not in wanted:
                wanted.add(name)
                waiting.append(name)
    found = {
        name: {need for need in (*by_name[name].takes, *by_name[name].needs) if need in wanted and concerned(need)}
        for name in wanted
    }
    at_once = {name for name in wanted if by_name[name].reads == EVERYTHING or set(by_name[name].reads) & set(changed)}
    told = []
    for step in [step for step in steps if step.name in wanted]:
        together = _taking(step.name, [by_name[name] for name in wanted])
        reasons = set[str]() if together & at_once else set[str]().union(*[found[name] for name in together]) - together
        parts = {
            reason: [by_name[name].parts.get(reason, ()) for name in sorted(together) if reason in found[name]]
            for reason in sorted(reasons)
        }
        told.append(
            replace(
                step,
                needs=[need for need in step.needs if need in wanted],
                after=sorted({*(before for before in step.after if before in wanted), *reasons}),
                because=sorted(reasons),
                parts={reason: [*chain(*queries)] for reason, queries in parts.items() if all(queries)},
            )
        )
    return told


def _taking(name: str, steps: Sequence[Step]) -> set[str]:
    """The step of this name and all that it takes results from or gives them to, near and far: they stand together."""
    together: set[str] = set()
    waiting = {name}
    while waiting:
        together |= waiting
        waiting = {other for step in steps if step.name in together for other in step.takes} | {
            step.name for step in steps if together & set(step.takes)
        }
        waiting -= together
    return together


def _in_order(steps: Sequence[Step], connections: Collection[str]) -> TopologicalSorter[str]:
    """The steps, ready to be asked for in the order of their needs. Raises ValueError."""
    names = [step.name for step in steps]
    order: TopologicalSorter[str] = TopologicalSorter()
    for step in steps:
        if names.count(step.name) > 1:
            raise ValueError(f"step {step.name!r} is declared twice; give each a name of its own")
        if step.on not in connections:
            raise ValueError(f"step {step.name!r} runs on {step.on!r}, expected one of {', '.join(connections)}")
        for need in (*step.takes, *step.needs, *step.after):
            if need not in names:
                raise ValueError(f"step {step.name!r} needs {need!r}, which is no step; the steps: {', '.join(names)}")
        order.add(step.name, *step.takes, *step.needs, *step.after)
    try:
        order.prepare()
    except CycleError as problem:
        raise ValueError(f"steps that wait for each other: {' -> '.join(problem.args[1])}") from problem
    return order


def _end(threads: Collection[ThreadPoolExecutor], started: Collection[Future[Any]]) -> None:
    """Wait for the threads: their connections must not be closed under them.

    What is waited for is a last task of each. To join a thread would not do: Python 3.11 takes a thread for ended when the
    wait for it is interrupted.
    """
    for future in started:
        future.cancel()
    wait([thread.submit(int) for thread in threads])
    for thread in threads:
        thread.shutdown(wait=False)
