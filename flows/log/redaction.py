"""What must never be written down, replaced by ***: secrets of the environment and the secret parts of addresses."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

MASK = "***"
SECRETS = ("TREASURY_WATCH_MAIL_PASSWORD", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PREFECT_API_KEY")
ADDRESSES = "TREASURY_WATCH_BASE_"
CHANNELS = "TREASURY_WATCH_CHANNEL_"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
STORE = "TREASURY_WATCH_STORAGE_STORE"
SHORTEST = 4  # a shorter value stands in half of all words; no secret is one
SHORTEST_PIECE = 6  # of a channel's address, most of which is no secret

TELLING = re.compile(r"key|token|secret|pass|sig|sas|auth|credential", re.IGNORECASE)
USER = re.compile(r"(://)[^\s/?#]*@")
# A value ends before the punctuation of the sentence around it; one that is masked already stays.
QUERY = re.compile(r"([?&][^\s=&?#\"'<>]{1,100}=)(?!\*\*\*)[^\s&#\"'<>]*[^\s&#\"'<>:;,.)\]]")
BARE_QUERY = re.compile(r"(://[^\s?#\"'<>]*\?)(?!\*\*\*)[^\s=&\"'<>]++(?!=)")


class Redaction:
    """Takes the secrets out of text. What is secret is read from the environment once, when this is made.

    `channels` are the names of the variables that hold the addresses of channels, besides TREASURY_WATCH_CHANNEL_*.
    """

    def __init__(self, channels: Iterable[str] = ()):
        found = {form for secret in _known(os.environ, set(channels)) for form in _forms(secret)}
        longest_first = sorted(found, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if found else None

    def text(self, words: str) -> str:
        """The words without secrets."""
        if self._known:
            words = self._known.sub(MASK, words)
        words = USER.sub(rf"\1{MASK}@", words)
        return BARE_QUERY.sub(rf"\1{MASK}", QUERY.sub(rf"\1{MASK}", words))

    def value(self, content: Any) -> Any:
        """Any content as plain values without secrets: what is no number, truth value, list or mapping becomes text."""
        if content is None or isinstance(content, (bool, int, float)):
            return content
        if isinstance(content, Mapping):
            return {str(key): self.value(inner) for key, inner in content.items()}
        if isinstance(content, (list, tuple, set, frozenset)):
            return [self.value(inner) for inner in content]
        return self.text(str(content))


def _known(environment: Mapping[str, str], channels: set[str]) -> Iterator[str]:
    """The secret values, each long enough to be one."""
    for name, value in environment.items():
        if name in SECRETS:
            pieces, shortest = [value, value.strip()], SHORTEST
        elif name in channels or name.startswith(CHANNELS):
            pieces, shortest = list(_of_channel(value.strip())), SHORTEST_PIECE
        elif name.startswith(ADDRESSES):
            pieces, shortest = list(_of_address(value)), SHORTEST
        elif name.upper() in PROXIES or name == STORE:
            pieces, shortest = list(_of_address(value, TELLING)), SHORTEST
        else:
            continue
        yield from (piece for piece in pieces if len(piece) >= shortest)


def _of_address(address: str, telling: re.Pattern[str] | None = None) -> Iterator[str]:
    """The password and the query's values, or only those whose names are `telling`."""
    with suppress(ValueError):
        parts = urlsplit(address)
        yield from (text for text in (parts.password,) if text)
        for name, value in parse_qsl(parts.query):
            if telling is None or telling.search(name):
                yield value


def _of_channel(address: str) -> Iterator[str]:
    """The whole address, and every piece of it that may be a token: services put them in place of host, port or path."""
    yield address
    rest = address.partition("://")[2] or address
    rest = rest.partition("#")[0]
    for piece in re.split(r"[/@:?&=]", rest):
        host = piece == rest.rpartition("@")[2].split("/")[0].split(":")[0]
        if not (host and ("." in piece or piece == "localhost")):
            yield from (piece, piece.lower())


def _forms(secret: str) -> set[str]:
    """The secret as it may be written: plain, in an address, quoted in a message or in JSON."""
    return {secret, unquote(secret), quote(secret), quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1],
            json.dumps(secret)[1:-1]}  # fmt: skip
