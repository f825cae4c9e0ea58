"""The program `treasury-watch`: main.main, with a short way in and out for the commands that only ask."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading

ASKING = frozenset({"check", "impact", "nowcast", "query", "sell-offs", "status", "tables", "trace"})


def start() -> None:
    """Run the command that was asked for.

    One that only asks leaves nothing to be cleared away: no garbage is looked for in what it imports, and the process ends
    without taking all modules apart, a fifth of its time.
    """
    asking = bool(ASKING.intersection(sys.argv[1:2]))
    if asking:
        gc.disable()
    from treasury_watch.flows.commands.main import main

    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
        if asking and isinstance(code, int) and threading.active_count() == 1 and _said():
            os._exit(code)
        raise


def _said() -> bool:
    """Whether all that was printed is out; where it is not, Python's own end says so."""
    logging.shutdown()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the reader went away, the disk is full; closed already
        return False
    return True
