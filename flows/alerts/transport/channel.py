"""One message to a channel (Slack, Teams, a webhook), handed over by Apprise in a process of its own that can be ended.

Apprise's services make their connections themselves: they follow redirects, and read an answer however long it is and however
slowly it comes. So they are told not to follow any, have a limit of time and of memory that the system keeps, and reach public
addresses alone, unless the settings name a host inside.
"""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

NO_ADDRESS, NO_END, INSIDE = "no address", "no end", "inside: "
MEMORY_BYTES = 1 << 30  # of addresses: the interpreter and Apprise take a third


def notify(url: str, title: str, text: str, seconds: float, allowed: Sequence[str] = ()) -> str:
    """Hand the text over; empty where it was taken, else what was found: NO_ADDRESS, NO_END, INSIDE with the kind of address, or
    in words. `allowed` are the hosts that may be inside a network.

    The address is a secret: it goes through a pipe, never into an argument, and is not in the words.
    """
    command = [sys.executable, "-m", __name__]
    order = json.dumps({"url": url, "title": title, "text": text, "allowed": list(allowed)})
    try:
        ended = subprocess.run(command, input=order, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return NO_END
    last = ended.stdout.strip().splitlines()[-1:]
    if ended.returncode != 0 or not last:
        return "not taken: the answer was too large, or the sending process ended"
    said: str = json.loads(last[0])["said"]
    return said


def hand_over(url: str, title: str, text: str, allowed: Sequence[str]) -> str:
    """In this process, which cannot connect elsewhere afterwards: empty where the service took it, else why not."""
    import apprise  # a quarter of a second that only channels need

    from treasury_watch.flows.alerts.transport.internal_addresses import OnlyPublic

    reached = OnlyPublic(allowed)
    logging.getLogger("apprise").propagate = False  # what it logs is about addresses
    service = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False))
    if not service.add(url):
        return NO_ADDRESS
    for one in service:
        one.redirects = False  # whatever the address itself asks for
    with apprise.LogCapture(level=logging.INFO, delete=False) as log:
        taken = service.notify(title=title, body=text, body_format=apprise.NotifyFormat.TEXT)
        code = re.search(r"error=(\d{3})\b", log.getvalue())
    if taken:
        return ""
    if reached.refused:
        return INSIDE + reached.refused[-1]
    if code and code[1].startswith("3"):
        return f"not taken (answer {code[1]}: a redirect, and none is followed)"
    return f"not taken (answer {code[1]})" if code else "not taken, or no answer"


def main() -> None:
    """Take the order from standard input, say what became of it on standard output."""
    with suppress(ImportError):  # where the system has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    order = json.loads(sys.stdin.read())
    print(json.dumps({"said": hand_over(**order)}))


if __name__ == "__main__":
    main()
