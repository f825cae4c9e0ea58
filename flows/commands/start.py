"""The program `treasury-watch`: main.main, with a short way in and out."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import signal
import sys

from treasury_watch.flows.prefect_support import RARELY

LASTING = "serve"  # the one command that runs for weeks
_status: list[int] = []  # that the command ended with


def start() -> None:
    """Run the command that was asked for.

    The process then ends without taking all modules apart: a tenth of a short command's time, and more than a second of a
    run's. What registered something for its end is called before, and threads are waited for.
    """
    atexit.register(_end)  # the first that is registered is the last that is called
    if LASTING not in sys.argv[1:2]:
        gc.set_threshold(*RARELY)
    try:
        from treasury_watch.flows.commands.main import main

        main()
    except SystemExit as ended:
        status = ended.code or 0
        if isinstance(status, int):
            _status.append(status)
        raise
    except KeyboardInterrupt:  # before the command was there to notice it
        sys.stderr.write("Aborted!\n")
        _status.append(1)
        raise SystemExit(1) from None
    finally:
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C, while all is ended, needs no word


def _end() -> None:
    if _status and _said():
        os._exit(_status[0])


def _said() -> bool:
    """Whether all that was printed is out; where it is not, Python's own end says so."""
    logging.shutdown()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # the reader went away, the disk is full; closed already
        return False
    return True
