"""The program `treasury-watch`: main.main, with a short way in and out."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading

from treasury_watch.flows.prefect_support import RARELY

LASTING = "serve"  # the one command that runs for weeks
# What does something of its own when the process ends: servers and event loops, folders for the time of the process.
WITH_AN_END = ("prefect", "great_expectations")


def start() -> None:
    """Run the command that was asked for.

    Where nothing of it is at work any more, the process ends without taking all modules apart, a tenth of a short
    command's time.
    """
    if LASTING not in sys.argv[1:2]:
        gc.set_threshold(*RARELY)
    from treasury_watch.flows.commands.main import main

    try:
        main()
    except SystemExit as ended:
        code = ended.code or 0
        if isinstance(code, int) and _at_rest() and _said():
            os._exit(code)
        raise


def _at_rest() -> bool:
    """Whether no thread is at work, and nothing waits for the end of the process."""
    views = sys.modules.get("treasury_watch.warehouse.archive.readers_view")
    return (
        threading.active_count() == 1
        and not any(name in sys.modules for name in WITH_AN_END)
        and not (views and views.FOLDERS)
    )


def _said() -> bool:
    """Whether all that was printed is out; where it is not, Python's own end says so."""
    logging.shutdown()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the reader went away, the disk is full; closed already
        return False
    return True
