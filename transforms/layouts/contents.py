"""What there is to load in a file: itself, or what lies in it of the known layouts; the rest is named with what it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from treasury_watch.transforms.errors import LayoutError, listed, shorten
from treasury_watch.transforms.layouts import recognised
from treasury_watch.transforms.layouts.containers import Member, members
from treasury_watch.transforms.layouts.file_kinds import kind_of


@dataclass
class Contents:
    """The files in a file. `read` have the source whose layout fits, which is not looked for in a file that is no
    container; `passed_over` are names with what each is; `refused` are those that cannot be read, by name.
    """

    read: list[tuple[Member, str | None]] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    refused: list[tuple[str, LayoutError]] = field(default_factory=list)


def contents_of(body: bytes, name: str) -> Contents:
    """Look into a file. Raises LayoutError for a container that cannot be opened or in which nothing is of a known layout.

    A member is told by its beginning; only those of known layouts are expanded, when they are asked for.
    """
    found = Contents()
    inside = members(body, name)
    if inside[0].container is None:
        return Contents(read=[(inside[0], None)])
    for member in inside:
        try:
            start = member.start()
        except LayoutError as problem:
            found.refused.append((member.name, problem))
            continue
        try:
            found.read.append((member, recognised(start)))
        except LayoutError as problem:
            kind = kind_of(start)
            found.passed_over.append((member.name, kind.name if kind else f"of no known layout: {problem.found}"))
    if not found.read and not found.refused:
        named = listed([shorten(f"{inner} ({what})", 60) for inner, what in found.passed_over], 90, "; ")
        raise LayoutError(name, "container", "a file of a known layout", named, "name the files to load")
    return found
