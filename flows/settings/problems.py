"""What is wrong with a setting, in one line: where it was found, what was expected, what was found, the closest right name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from treasury_watch.flows.settings.sections import PASSWORD_VARIABLE
from treasury_watch.transforms.errors import shorten

# Settings that earlier versions had.
RETIRED = {
    ("storage", "home"): "name the data folder in the variable TREASURY_WATCH_HOME",
    ("validation",): "the checks of every run stand in the table validation_results",
}

Place = Callable[[tuple[str, ...]], tuple[str, Any]]


def lines(error: ValidationError, document: type[BaseModel], place: Place) -> Iterator[str]:
    """Each problem as its line. `place` gives, of a location, the file or variable, and the value of its section and key."""
    for one in error.errors(include_url=False, include_input=False):
        location = tuple(str(part) for part in one["loc"])
        yield _line(one["type"], one["msg"], one.get("ctx", {}), location, document, place)


def _line(
    kind: str, words: str, context: dict[str, Any], location: tuple[str, ...], document: type[BaseModel], place: Place
) -> str:
    if kind == "extra_forbidden":
        return _unknown(location, document, place(location)[0])
    location, field = _declared(document, location)
    found, value = place(location if len(location) > 1 or "key" not in context else (*location, context["key"]))
    if kind == "rule":
        return f"{found}, {_named(location)}: {words}"
    for part in location[2:]:
        value = value.get(part) if isinstance(value, dict) else None
    step = "correct the variable" if found.startswith("TREASURY_WATCH_") else "correct the value"
    return f"{found}, {_named(location)}: expected {_expected(field)}, found {shown(value, location)}; {step}"


def _unknown(location: tuple[str, ...], document: type[BaseModel], found: str) -> str:
    *above, key = location
    if location in RETIRED:
        return f"{found}, {_named(location)} is no longer a setting: {RETIRED[location]}; take it out"
    owner = _model(_declared(document, tuple(above))[1].annotation) if above else document
    known = [name for name in owner.model_fields if name != "password"] if owner else []
    near = get_close_matches(key, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    where, what = (f", {_named(tuple(above))}", "key") if above else ("", "section")
    return f"{found}{where}: unknown {what} {shorten(repr(key))}; {hint}"


def unknown_variable(name: str, known: Iterable[str], prefix: str) -> str:
    """A variable of the environment that is no setting."""
    for location, words in RETIRED.items():
        retired = prefix + "_".join(location).upper()
        if name == retired or (len(location) == 1 and name.startswith(retired + "_")):
            return f"{name} is no longer a setting: {words}; unset it"
    near = get_close_matches(name.removeprefix(prefix), [one.removeprefix(prefix) for one in known], n=1, cutoff=0.4)
    step = f"did you mean {prefix + near[0]}?" if near else "unset it, or see config/settings.toml for the names"
    return f"environment variable {shorten(name)} is not a setting; {step}"


def shown(value: Any, location: tuple[str, ...] = ()) -> str:
    """A value as a message may repeat it: nothing that may be a secret."""
    text, password = repr(value), os.environ.get(PASSWORD_VARIABLE)
    if "://" in text or "password" in location or (password and password in text):
        return "something that may be a secret and is not repeated here"
    return shorten(text)


def _named(location: tuple[str, ...]) -> str:
    """`[http] retries`, `[routes.desk] to`, `[mail]`."""
    sections = location[:2] if location[0] == "routes" else location[:1]
    return " ".join([f"[{'.'.join(sections)}]", *location[len(sections) :]])


def _declared(document: type[BaseModel], location: tuple[str, ...]) -> tuple[tuple[str, ...], FieldInfo]:
    """The location down to a declared key, without places in a list, and that key's field."""
    field = FieldInfo(annotation=document)
    for passed, part in enumerate(location):
        owner = _model(field.annotation)
        if get_origin(field.annotation) is dict:
            field = FieldInfo(annotation=get_args(field.annotation)[1])
        elif owner:
            field = owner.model_fields[part]
        else:
            return location[:passed], field
    return location, field


def _model(annotation: Any) -> type[BaseModel] | None:
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _expected(field: FieldInfo) -> str:
    """What a field takes, in words."""
    for kind in (field.annotation, *get_args(field.annotation)):  # X | None, too
        if get_origin(kind) is Literal:
            return f"one of {', '.join(get_args(kind))}"
    return field.description or "a table of keys"
