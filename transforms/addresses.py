"""An address as it may be kept, what names the place without what opens it; and where a numeric one leads."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit, urlunsplit

MASK = "***"
# Names of a query's values that are secrets, whole words of the name.
TELLING = re.compile(
    r"(?:^|[-_.])(?:api_?key|key|access_?token|token|secret|pass|password|passwd|pwd|sig|signature|sas|auth|authorization|"
    r"credentials?)$",
    re.IGNORECASE,
)
_TRANSLATED = ip_network("64:ff9b::/96")  # IPv4 addresses in IPv6, RFC 6052


def without_credentials(address: str) -> str:
    """The address without user name and password, and with *** for values of its query that are secrets by their name.

    All else stays as it is, also an address without any, so that what was stored before is found again. One that cannot be
    read, and has an @, is not kept at all.
    """
    try:
        parts = urlsplit(address)
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return address if "@" not in address else "an address that cannot be read"
    query = "&".join(_masked(piece) for piece in parts.query.split("&"))
    if place == parts.netloc and query == parts.query:
        return address
    return urlunsplit((parts.scheme, place, parts.path, query, parts.fragment))


def public_url(url: str) -> str:
    """The address as it may stand in a message: no user name or password, and the values of the query masked."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    query = re.sub(r"=[^&]*", "=***", parts.query) if "=" in parts.query else "***" * bool(parts.query)
    return urlunsplit((parts.scheme, (f"[{host}]" if ":" in host else host) + port, parts.path, query, ""))


def _masked(piece: str) -> str:
    name, sign, _ = piece.partition("=")
    return f"{name}={MASK}" if sign and TELLING.search(name) else piece


def inside_kind(address: str) -> str | None:
    """What kind of address inside a network this numeric one is (loopback, link-local, private, ...); None for a public one.

    An IPv4 address that an IPv6 one stands for counts as itself. Raises ValueError for what is no numeric address.
    """
    found = ip_address(address)
    if isinstance(found, IPv6Address):
        within = found.ipv4_mapped or found.sixtofour
        if within is None and found in _TRANSLATED:
            within = IPv4Address(int(found) & 0xFFFFFFFF)
        found = within or found
    if found.is_loopback or found.is_unspecified:  # the unspecified one leads to this machine
        return "loopback"
    if found.is_link_local:
        return "link-local"
    if found.is_multicast:
        return "multicast"
    return None if found.is_global and not getattr(found, "is_site_local", False) else "private"
