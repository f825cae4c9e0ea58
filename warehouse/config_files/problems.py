"""What a typed model refuses, in one line each: file, line, column, what was expected, what was found, and the cure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from treasury_watch.transforms.errors import ConfigurationError, shorten

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

    from treasury_watch.warehouse.config_files.documents import Sheet
    from treasury_watch.warehouse.config_files.positions import Location, Positions

SHORT = 60
KINDS_OF_VALUE = {
    "string_type": "text", "int_type": "a whole number", "int_from_float": "a whole number", "float_type": "a number",
    "bool_type": "true or false", "date_type": "a day such as 2026-10-19 without quotes", "list_type": "a list",
    "date_from_datetime_inexact": "a day such as 2026-10-19, without a time", "tuple_type": "a list",
    "dict_type": "a table of keys", "model_type": "a table of keys", "model_attributes_type": "a table of keys",
    "finite_number": "a finite number", "string_too_short": "some text",
}  # fmt: skip
LIMITS = {
    "greater_than": ("above", "gt"), "greater_than_equal": ("of at least", "ge"), "less_than": ("below", "lt"),
    "less_than_equal": ("of at most", "le"),
}  # fmt: skip


def nearest(name: object, known: Iterable[str], else_say: str) -> str:
    """The closest right name as a question, or what is said where none is close."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else else_say


def one_line(problems: list[str]) -> ConfigurationError:
    """The first problem, and how many more there are."""
    return ConfigurationError(problems[0] + (f"; and {len(problems) - 1} more" if len(problems) > 1 else ""))


def of_toml(
    path: Path,
    error: ValidationError,
    model: type[BaseModel] | Any,
    document: Mapping[str, Any],
    positions: Callable[[], Positions],
) -> Iterator[str]:
    """Each problem of a TOML file as its line."""
    # Unknown keys first: where one is misspelt, the right one is missing.
    for one in sorted(
        error.errors(include_url=False, include_input=False), key=lambda one: one["type"] != "extra_forbidden"
    ):
        location: Location = tuple(part for part in one["loc"] if part != "[key]")
        kind, context = one["type"], one.get("ctx", {})
        if key := context.get("key"):  # a rule on several keys says which one is meant
            location = (*location, key)
        stands = positions().of(location)
        where = f"{path}, line {stands[0]}, column {stands[1]}" if stands else str(path)
        if kind == "extra_forbidden":
            known = list(owner_fields(model, location[:-1]))
            what = "key" if location[:-1] else "section"
            hint = nearest(location[-1], known, f"known: {shorten(', '.join(known), 300)}")
            yield f"{where}{_section(location[:-1])}: unknown {what} {shorten(repr(location[-1]))}; {hint}"
        elif kind == "missing":
            what = "the key" if location[:-1] else "the section"
            name = location[-1] if location[:-1] else f"[{location[-1]}]"
            yield f"{where}{_section(location[:-1])}: expected {what} {name}, found none; add it, or restore the file"
        else:
            found = shorten(repr(_value(document, location)), SHORT)
            yield f"{where}{_named(document, location)}: expected {expected(one)}, found {found}; correct the value"


def of_sheet(path: Path, error: ValidationError, sheet: Sheet) -> Iterator[str]:
    """Each problem of a CSV file as its line."""
    for one in error.errors(include_url=False, include_input=False):
        number, *rest = one["loc"]
        name = str(rest[0]) if rest else one.get("ctx", {}).get("key", "")
        row = sheet.rows[int(number)]
        column = f", column {list(row).index(name) + 1} ({name})" if name in row else ""
        cell = row.get(name, "")
        found = shorten(repr(cell), SHORT) if cell else "nothing"
        yield f"{path}, line {sheet.lines[int(number)]}{column}: expected {expected(one)}, found {found}; correct the cell"


def expected(one: Mapping[str, Any]) -> str:
    """What a value had to be, in words."""
    kind, context = one["type"], one.get("ctx", {})
    if kind in KINDS_OF_VALUE:
        return KINDS_OF_VALUE[kind]
    if kind in LIMITS:
        word, key = LIMITS[kind]
        return f"a number {word} {context[key]:g}"
    if kind == "literal_error":
        return "one of " + str(context["expected"]).replace("'", "").replace(" or ", ", ")
    if kind == "value_error":
        return str(context["error"])
    if kind in ("too_short", "too_long"):
        few = kind == "too_short"
        return f"at {'least' if few else 'most'} {context['min_length' if few else 'max_length']} in it"
    return str(one["msg"]).removeprefix("Input should be ")


def owner_fields(model: Any, location: Location) -> Mapping[str, Any]:
    """The fields that are declared at a place of a model; none where it is a table of free names."""
    for part in location:
        fields = getattr(model, "model_fields", None)
        if fields is not None:
            model = fields[str(part)].annotation if part in fields else getattr(model, "OTHERS", None)
        elif get_origin(model) in (dict, list, tuple):
            model = get_args(model)[1 if get_origin(model) is dict else 0]
        if not hasattr(model, "model_fields"):
            inner = [one for one in get_args(model) if hasattr(one, "model_fields")]
            if get_origin(model) not in (dict, list, tuple) and inner:
                model = inner[0]  # of `X | None`
    return getattr(model, "model_fields", {})


def _named(document: Any, location: Location) -> str:
    """`, [sources.mof] base`; `, [targets.x] terms, number 2`."""
    if len(location) == 1 or isinstance(_value(document, location), dict):
        return _section(location)
    *above, key = location
    if isinstance(key, int):
        return f"{_named(document, tuple(above))}, number {key + 1}"
    return f"{_section(tuple(above))} {key}"


def _section(location: Location) -> str:
    """`, [sources.mof]`; the entries of a list by their number, from 1."""
    names = ".".join(str(part + 1) if isinstance(part, int) else part for part in location)
    return f", [{names}]" if names else ""


def _value(document: Any, location: Location) -> Any:
    for part in location:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document
