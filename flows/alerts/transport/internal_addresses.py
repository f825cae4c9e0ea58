"""Connections of this process to addresses inside a network are refused, unless the settings name their host.

The rule is kept where a connection is made, on the address that it is made to: what a name resolved to a moment before does
not matter, nor which library resolved it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from treasury_watch.transforms.addresses import inside_kind


class RefusedConnection(OSError):
    """A connection to an address inside a network whose host nobody allowed."""


class OnlyPublic:
    """From its making on, to the end of this process: only public addresses are connected to, and those of `allowed`.

    `allowed` are host names, addresses and networks (10.1.0.0/16). The proxies that the environment names are allowed too.
    `refused` are the kinds of address that were refused.
    """

    def __init__(self, allowed: Iterable[str]):
        self.refused: list[str] = []
        self._networks = []
        self._names = set[str]()
        for item in (*allowed, *_proxies()):
            try:
                self._networks.append(ip_network(item.strip("[]"), strict=False))
            except ValueError:
                self._names.add(_plain(item))
        self._of_names = set[str]()  # addresses that an allowed name has
        self._resolve = socket.getaddrinfo
        socket.getaddrinfo = self._resolved
        sys.addaudithook(self._asked)  # cannot be taken away again, nor gone around

    def _resolved(self, host: Any, *arguments: Any, **named: Any) -> Any:
        found = self._resolve(host, *arguments, **named)
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if _plain(name) in self._names:
            self._of_names |= {str(item[4][0]).partition("%")[0] for item in found}
        return found

    def _asked(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        place = arguments[1]
        if event == "socket.sendmsg" and place is None:
            return  # on a connection that was made
        text = str(place[0]).partition("%")[0] if isinstance(place, tuple) else ""
        try:
            kind = inside_kind(text)
        except ValueError:  # a name, to be resolved by the system once more, or a socket of this machine
            kind = "named" if isinstance(place, tuple) else "local"
        if kind is None or text in self._of_names:
            return
        if kind not in ("named", "local") and any(ip_address(text) in network for network in self._networks):
            return
        self.refused.append(kind)
        raise RefusedConnection(f"a {kind} address, and its host is not allowed")


def _plain(name: str) -> str:
    return name.strip().rstrip(".").lower()


def _proxies() -> list[str]:
    """The hosts of the proxies that the environment names."""
    hosts = [
        urlsplit(address if "//" in address else f"//{address}").hostname
        for scheme, address in getproxies().items()
        if scheme != "no"
    ]
    return [host for host in hosts if host]
