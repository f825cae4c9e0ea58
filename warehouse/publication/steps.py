"""Steps that declare what they need, carried out on the connections to a database.

Each connection has a thread of its own, which does one step at a time. The order in which steps are declared means nothing
but which of two goes first where a connection could do either.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

import duckdb

EVERYTHING = ("everything",)  # what a step reads that is carried out again whatever changed


@dataclass(frozen=True)
class Step:
    """One step: its name, the name of the connection it runs on, its function, and what it needs.

    The function is called with the connection and the results of the steps in `takes`. Those in `needs` must have ended
    too; what they made lies in the database. `reads` are the kinds of figure, or the sources, that it takes from the ledger
    itself, `makes` the tables that it makes: both tell what has to be done again when something changed (`affected`). Those in
    `after` must have ended as well, but what it takes of their tables is told in `reads`: part of a kind.
    """

    name: str
    on: str
    function: Callable[..., Any]
    takes: Sequence[str] = ()
    needs: Sequence[str] = ()
    reads: Sequence[str] = ()
    makes: Sequence[str] = ()
    after: Sequence[str] = ()


def carry_out(steps: Sequence[Step], connections: Mapping[str, duckdb.DuckDBPyConnection]) -> dict[str, Any]:
    """Carry out every step once all that it needs has ended. Returns the results by the steps' names.

    Raises ValueError, before anything begins, where the steps cannot be put in order; else what the first step to fail
    raised. Then, and where the caller is interrupted, queries at work are given up and what has not begun is left out. In
    any case no thread uses a connection any more when this ends.
    """
    order = _in_order(steps, connections)
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    threads = {name: ThreadPoolExecutor(1, thread_name_prefix=name) for name in connections}
    wait([thread.submit(int) for thread in threads.values()])  # a pool forgets a thread whose start is interrupted
    results: dict[str, Any] = {}
    started: dict[Future[Any], str] = {}
    try:
        while order.is_active():
            ready = order.get_ready()
            for step in steps:
                if step.name in ready:
                    arguments = [results[name] for name in step.takes]
                    future = threads[step.on].submit(step.function, connections[step.on], *arguments)
                    started[future] = step.name
            ended = wait(started, return_when=FIRST_COMPLETED).done
            for future in [future for future in started if future in ended]:
                name = started.pop(future)
                results[name] = future.result()
                order.done(name)
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
    concerns nobody else. Each waits only for those that are carried out too.
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
    return [
        replace(
            step,
            needs=[need for need in step.needs if need in wanted],
            after=[before for before in step.after if before in wanted],
        )
        for step in steps
        if step.name in wanted
    ]


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
