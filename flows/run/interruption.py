"""Ctrl-C that is not lost. A library may swallow the KeyboardInterrupt that the signal raises in its midst: numpy does where
it compares types. It is noted as well, and raised again before the next file or step. Python's own words on what was
swallowed, a traceback, are left out.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_interrupted = threading.Event()


@contextmanager
def noticed() -> Iterator[None]:
    """For the block, Ctrl-C is noted besides being raised. In another thread, or where Ctrl-C is ignored, nothing changes."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        _interrupted.set()
        raise KeyboardInterrupt

    said_before = sys.unraisablehook

    def say(swallowed: sys.UnraisableHookArgs) -> None:
        if swallowed.exc_type is not KeyboardInterrupt or not _interrupted.is_set():
            said_before(swallowed)

    _interrupted.clear()
    signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = say
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        sys.unraisablehook = said_before
        _interrupted.clear()


def check() -> None:
    """Raises KeyboardInterrupt where Ctrl-C came and was swallowed."""
    if _interrupted.is_set():
        raise KeyboardInterrupt
