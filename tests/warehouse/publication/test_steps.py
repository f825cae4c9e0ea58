"""Steps on two connections: their order, what they see, and what becomes of them when something fails."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from treasury_watch.warehouse.publication.steps import EVERYTHING, Step, affected, carry_out

Connections = dict[str, duckdb.DuckDBPyConnection]


@pytest.fixture
def connections(tmp_path: Path) -> Iterator[Connections]:
    with duckdb.connect() as opened:
        opened.execute(f"ATTACH '{tmp_path / 'made.duckdb'}' AS made")
        opened.execute("USE made")
        with opened.cursor() as second:
            second.execute("USE made")
            yield {"one": opened, "other": second}
        opened.execute("USE memory")
        opened.execute("DETACH made")  # refused while the second connection is at work in it


def make(connection: duckdb.DuckDBPyConnection, name: str, value: int) -> int:
    connection.execute(f"CREATE TABLE {name} AS SELECT {value} AS value")
    return value


def values(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple]:
    return connection.execute(f"FROM {name}").fetchall()


def tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY ALL").fetchall()]


def nothing(_: duckdb.DuckDBPyConnection) -> None:
    pass


class TestTheOrder:
    def test_each_connection_sees_what_the_other_has_made(self, connections):
        steps = [
            Step("first", "one", lambda c: make(c, "first", 1)),
            Step("second", "other", lambda c: values(c, "first"), needs=["first"]),
            Step("third", "one", lambda c: values(c, "first"), needs=["second"]),
        ]
        assert carry_out(steps, connections) == {"first": 1, "second": [(1,)], "third": [(1,)]}

    def test_a_step_begins_after_what_it_needs_wherever_it_is_declared(self, connections):
        done: list[str] = []
        steps = [
            Step("last", "one", lambda _: done.append("last"), needs=["middle"]),
            Step("middle", "other", lambda _: done.append("middle"), needs=["first"]),
            Step("first", "one", lambda _: (time.sleep(0.1), done.append("first"))),
        ]
        carry_out(steps, connections)
        assert done == ["first", "middle", "last"]

    def test_a_step_is_given_the_results_that_it_takes_and_no_others(self, connections):
        steps = [
            Step("two", "one", lambda _: 2),
            Step("three", "other", lambda _: 3),
            Step("difference", "other", lambda _, a, b: a - b, takes=["three", "two"], needs=["nothing"]),
            Step("nothing", "one", nothing),
        ]
        assert carry_out(steps, connections)["difference"] == 1

    def test_the_connections_work_at_the_same_time(self, connections):
        both = threading.Barrier(2, timeout=10)
        carry_out([Step("a", "one", lambda _: both.wait()), Step("b", "other", lambda _: both.wait())], connections)

    def test_of_one_connection_only_one_step_is_at_work(self, connections):
        at_work = threading.Lock()

        def alone(_: object) -> None:
            assert at_work.acquire(blocking=False)
            time.sleep(0.01)
            at_work.release()

        carry_out([Step(str(number), "one", alone) for number in range(5)], connections)


class TestStepsThatCannotBePutInOrder:
    @pytest.mark.parametrize(
        ("steps", "words"),
        [
            ([("a", "one", ["b"])], "step 'a' needs 'b', which is no step; the steps: first, a"),
            ([("a", "one", ["b"]), ("b", "other", ["a"])], "steps that wait for each other: (a -> b -> a|b -> a -> b)"),
            ([("first", "one", [])], "step 'first' is declared twice"),
            ([("a", "third", [])], "step 'a' runs on 'third', expected one of one, other"),
        ],
    )
    def test_they_are_refused_before_anything_begins(self, connections, steps, words):
        declared = [Step("first", "one", lambda c: make(c, "first", 1))]
        declared += [Step(name, on, nothing, needs=needs) for name, on, needs in steps]
        with pytest.raises(ValueError, match=words):
            carry_out(declared, connections)
        assert tables(connections["one"]) == []

    def test_a_result_that_nobody_makes_is_refused_as_well(self, connections):
        with pytest.raises(ValueError, match="step 'a' needs 'b', which is no step"):
            carry_out([Step("a", "one", nothing, takes=["b"])], connections)


class TestAFailure:
    def test_it_is_raised_and_what_has_not_begun_is_left_out(self, connections):
        begun = threading.Event()

        def fail(_: object) -> None:
            begun.wait(10)
            raise ValueError("boom")

        steps = [
            Step("at work", "other", lambda _: (begun.set(), time.sleep(0.2))),
            Step("in the queue", "other", lambda c: make(c, "queued", 1)),
            Step("failing", "one", fail),
            Step("after it", "one", lambda c: make(c, "later", 1), needs=["failing"]),
        ]
        with pytest.raises(ValueError, match="boom"):
            carry_out(steps, connections)
        assert tables(connections["one"]) == []

    def test_the_first_one_is_raised_though_others_fail_for_it(self, connections):
        at_work, given_up = threading.Event(), []

        def beat(number: int) -> int:
            at_work.set()
            return number

        def endless(connection: duckdb.DuckDBPyConnection) -> None:
            connection.create_function("beat", beat, ["BIGINT"], "BIGINT")
            with pytest.raises(duckdb.InterruptException) as problem:
                connection.execute("SELECT sum(beat(range)) FROM range(10000000000)").fetchall()
            given_up.append(True)
            raise problem.value

        def fail(_: object) -> None:
            assert at_work.wait(10)
            raise ValueError("boom")

        with pytest.raises(ValueError, match="boom"):
            carry_out([Step("endless", "other", endless), Step("failing", "one", fail)], connections)
        assert given_up == [True]


class TestAnInterruption:
    @pytest.fixture(autouse=True)
    def noticed(self) -> Iterator[None]:
        """Ctrl-C raises here, also where the tests run in the background of a shell, which ignores it."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, before)

    def test_however_often_it_comes_the_threads_are_waited_for(self, connections):
        make(connections["one"], "first", 1)
        both, done = threading.Barrier(2, timeout=10), []

        def work(connection: duckdb.DuckDBPyConnection) -> None:
            both.wait()
            for _ in range(3):
                signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
                time.sleep(0.1)
            try:  # its connection is open; the query itself may be given up
                done.append(values(connection, "first"))
            except duckdb.InterruptException as problem:
                done.append(str(problem))

        steps = [Step("one", "one", work), Step("other", "other", work)]
        steps += [Step("never", "one", lambda c: make(c, "never", 1), needs=["other"])]
        with pytest.raises(KeyboardInterrupt):
            carry_out(steps, connections)
        assert len(done) == 2
        assert all(each == [(1,)] or "Interrupted" in each for each in done)
        assert tables(connections["one"]) == ["first"]

    def test_one_that_a_step_raises_is_raised_by_all(self, connections):
        def interrupted(_: object) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            carry_out([Step("a", "other", interrupted)], connections)


class TestWhatIsAffected:
    STEPS = (
        Step("figures", "one", nothing, reads=["figures"]),
        Step("rates", "one", nothing, reads=["rates"]),
        Step("list", "one", nothing, reads=EVERYTHING),
        Step("frame", "one", nothing, needs=["figures"]),
        Step("months", "one", nothing, takes=["frame"], needs=["list"]),
        Step("dollars", "one", nothing, needs=["months", "rates"]),
        Step("two rates", "one", nothing, after=["rates"], reads=["yen", "euro"]),
        Step("gate", "one", nothing, takes=["frame"], needs=["rates"], reads=EVERYTHING),
    )

    def names(self, *changed: str) -> list[str]:
        return [step.name for step in affected(self.STEPS, changed)]

    def test_all_that_follows_from_what_changed_is_done_again(self):
        assert self.names("figures") == ["figures", "list", "frame", "months", "dollars", "gate"]

    def test_nothing_else_is_but_what_always_is_and_the_results_that_it_takes(self):
        assert self.names("rates") == ["rates", "list", "frame", "dollars", "gate"]
        assert self.names("another") == ["list", "frame", "gate"]

    def test_of_a_kind_a_step_may_read_some_sources_alone(self):
        assert "two rates" in self.names("rates", "yen")
        assert "two rates" not in self.names("rates", "franc")
        waiting = {step.name: list(step.after) for step in affected(self.STEPS, ["yen"])}
        assert waiting["two rates"] == []

    def test_none_waits_for_a_step_that_is_not_done(self):
        assert [list(step.needs) for step in affected(self.STEPS, ["rates"])] == [[], [], [], ["rates"], ["rates"]]


class TestStepsThatStand:
    """After `affected`, in a database that holds what every step made before."""

    def carried_out(self, connections: Connections, fresh: dict[str, list[int]], *changed: str) -> list[str]:
        """The steps that are carried out where the tables `rates` and `events` come out as in `fresh`."""
        done: list[str] = []

        def step(name: str, **told: object) -> Step:
            def function(connection: duckdb.DuckDBPyConnection, *results: object) -> str:
                if name in fresh:
                    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT unnest({fresh[name]}) AS value")
                done.append(name)
                assert None not in results
                return name

            return Step(name, "one", function, **told)

        parts = {"rates": ["SELECT * FROM rates WHERE value < 10"], "events": ["SELECT * FROM events"]}
        steps = [
            step("rates", reads=["rates"]),
            step("events", reads=["events"]),
            step("months", reads=["months"]),
            step("findings", needs=["rates", "events", "months"], parts=parts),
            step("month before", needs=["months"]),
            step("revised", takes=["findings", "month before"]),
            step("list", needs=["rates"]),
            step("files", needs=["revised", "list"], reads=EVERYTHING),
        ]
        for name in ("rates", "events"):
            connections["one"].execute(f"CREATE TABLE {name} AS SELECT unnest([1, 2, 11]) AS value")
        carry_out(affected(steps, changed), connections)
        return sorted(done)

    def test_a_change_in_what_a_step_does_not_take_lets_it_and_all_that_follows_stand(self, connections):
        assert self.carried_out(connections, {"rates": [1, 2, 12]}, "rates") == ["files", "list", "rates"]

    def test_a_change_in_what_it_takes_does_not(self, connections):
        every = ["files", "findings", "list", "month before", "rates", "revised"]
        assert self.carried_out(connections, {"rates": [1, 3, 11]}, "rates") == every

    def test_nor_does_one_row_more_that_is_like_another(self, connections):
        assert "findings" in self.carried_out(connections, {"rates": [1, 2, 2, 11]}, "rates")

    def test_all_reasons_have_to_have_left_it_alone(self, connections):
        fresh = {"rates": [1, 2, 12], "events": [1, 2, 11]}
        assert self.carried_out(connections, fresh, "rates", "events") == ["events", "files", "list", "rates"]
        connections["one"].execute("DROP TABLE rates; DROP TABLE events")
        assert "findings" in self.carried_out(connections, fresh | {"events": [1]}, "rates", "events")

    def test_steps_that_share_results_are_carried_out_together(self, connections):
        done = self.carried_out(connections, {"rates": [1, 2, 12]}, "rates", "months")
        assert done == ["files", "findings", "list", "month before", "months", "rates", "revised"]
