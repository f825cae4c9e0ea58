"""A reader of the published database, as a process of its own; prints a JSON line for each look.

Arguments: the home, `again` to open the database for every look or `held` to keep it open, and the seconds between
looks. It ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
import threading
import time

import duckdb

TABLES = (
    "SELECT count(*), sum(total_usd_mn) FROM positions",
    "SELECT count(*), sum(total_usd_mn) FROM positions_as_of(DATE '9999-12-31')",
)
RELEASES = (  # by day: the Treasury released two months on one after a shutdown
    "SELECT count(DISTINCT released), sum(changed_figures), max(released)::TEXT FROM releases "
    "WHERE source NOT IN ('press', 'tic_press_releases')",
    "SELECT count(DISTINCT released), count(*), max(released)::TEXT FROM observations WHERE source <> 'press'",
)


def look(connection: duckdb.DuckDBPyConnection, home: str) -> dict[str, object]:
    """What one connection sees, of two tables at a time, and one Parquet file."""
    ask = [connection.execute(query).fetchall()[0] for query in (*TABLES, *RELEASES)]
    parquet = connection.execute(
        f"SELECT count(*) > 0 FROM read_parquet('{home}/parquet/positions.parquet')"
    ).fetchall()
    return {"whole": ask[0] == ask[1] and ask[2] == ask[3] and parquet == [(True,)], "newest": ask[2][2]}


def opened(home: str) -> duckdb.DuckDBPyConnection:
    """A connection to the published database, with one thread: many readers share the machine."""
    return duckdb.connect(f"{home}/treasury.duckdb", read_only=True, config={"threads": 1})


def main(home: str, manner: str, pause: str) -> None:
    """Look until standard input ends."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    held = opened(home) if manner == "held" else None
    while True:
        last = ended.is_set()
        try:
            if held:
                seen = look(held, home)
            else:
                with opened(home) as connection:
                    seen = look(connection, home)
        except duckdb.Error as problem:
            seen = {"whole": False, "error": str(problem)}
        print(json.dumps(seen), flush=True)
        if last:
            return
        time.sleep(float(pause))


if __name__ == "__main__":
    main(*sys.argv[1:])
