"""Every parser on damaged documents: nothing but a right table or a LayoutError, in bounded time and memory.

    make fuzz                                                   200,000 documents, about eight minutes
    python -m tests.fuzz --inputs 5000 --layout mof --seed 7    one layout
    python -m tests.fuzz --layout mof --file DOCUMENT           one document, for instance of a failure

Valid small documents of every layout are damaged in one to five ways; those that reach new lines of transforms/ are kept
and damaged further. Each layout runs in a process of its own. The table says what was accepted, what was refused where,
the slowest document and the most memory. A failure's document is written to a file, and the exit status is 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.campaign import again, campaign
from tests.fuzz.harness import Limits
from tests.fuzz.targets import RECOGNISER, targets
from treasury_watch.transforms.layouts import LAYOUTS

DEFAULT_INPUTS = 200_000


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=DEFAULT_INPUTS, help="documents in all (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same documents (default %(default)s)")
    parser.add_argument(
        "--layout", action="append", choices=[*LAYOUTS, RECOGNISER], default=[], help="only this one; may be repeated"
    )
    parser.add_argument("--seconds", type=float, help="stop after so long, shared among the layouts")
    parser.add_argument(
        "--limit", type=float, default=Limits.seconds, help="processor seconds for one document (default %(default)s)"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path(tempfile.gettempdir()) / "treasury-watch-fuzz",
        help="where failures are written",
    )
    parser.add_argument("--file", type=Path, help="read this one document with the parser of --layout")
    options = parser.parse_args(arguments)
    if options.inputs < 1:
        parser.error("--inputs takes a positive number")
    if options.file and len(options.layout) != 1:
        parser.error("--file needs one --layout")
    limits = Limits(seconds=options.limit)
    chosen = targets(options.seed, options.layout)
    if options.file:
        return again(chosen[0], options.file.read_bytes(), limits)
    return campaign(chosen, options.inputs, options.seed, limits, folder=options.folder, seconds=options.seconds)


if __name__ == "__main__":
    sys.exit(main())
