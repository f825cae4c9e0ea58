"""The Monthly Statement of the Public Debt, summary (`mspd_table_1`): Treasury debt outstanding at month ends."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from treasury_watch.transforms.errors import LayoutError
from treasury_watch.transforms.layouts.fiscal_data import envelope
from treasury_watch.transforms.layouts.fiscal_data.auctions import table_of
from treasury_watch.transforms.model import Parsed, Source

PUBLIC, INSIDE, TOTAL = "debt_held_public_mil_amt", "intragov_hold_mil_amt", "total_mil_amt"
TYPE, CLASS = "security_type_desc", "security_class_desc"
FIELDS = ("record_date", TYPE, CLASS, PUBLIC, INSIDE, TOTAL)
ALL_MARKETABLE = "Total Marketable"
MARKETABLE = "Marketable"
ROUNDING_USD_MN = Decimal(1)


def recognise(body: bytes) -> bool:
    """Whether the content is an answer of Fiscal Data with the statement's summary."""
    return envelope.has_fields(body, TYPE, PUBLIC)


def parse(body: bytes, source: Source) -> Parsed:
    """Marketable debt and bills held by the public at month ends: series_id, date (the month's first day), value, line.

    USD millions. Held by the public and within the government must be the total where all three are stated, and classes
    cannot sum to more than all marketable debt. Raises LayoutError.
    """
    found: dict[tuple[str, date], Decimal] = {}
    classes: dict[date, Decimal] = {}
    for position, record in enumerate(envelope.records_of(body, source, FIELDS), start=1):
        place = f"record {position}"
        day = envelope.day(record["record_date"], f"{place}, record_date", source.id)
        month = day.replace(day=1)
        amounts = [envelope.number(record[field], f"{place}, {field}", source.id) for field in (PUBLIC, INSIDE, TOTAL)]
        public, inside, total = amounts
        known = [amount for amount in amounts if amount is not None]
        if len(known) == len(amounts) and abs(known[0] + known[1] - known[2]) > ROUNDING_USD_MN:
            stated = f"{public} + {inside} = {total}"
            raise LayoutError(source.id, place, f"{PUBLIC} + {INSIDE} = {TOTAL}", stated)
        name = _series(record[TYPE], record[CLASS])
        if record[TYPE] == MARKETABLE and public is not None:
            classes[month] = classes.get(month, Decimal(0)) + public
        if name is None or public is None:
            continue
        if (name, month) in found:
            raise LayoutError(source.id, place, f"{record[TYPE]} {record[CLASS]} once a month", f"{month:%Y-%m} again")
        found[name, month] = public
    if not any(name == "marketable_debt_outstanding" for name, _ in found):
        raise LayoutError(source.id, "data", f"{TYPE} {ALL_MARKETABLE!r} with {PUBLIC}", "none")
    for month, parts in classes.items():
        whole = found.get(("marketable_debt_outstanding", month))
        if whole is not None and parts > whole + ROUNDING_USD_MN:
            raise LayoutError(
                source.id, f"{month:%Y-%m}", f"classes of at most {whole}, all marketable debt", str(parts)
            )
    rows = [(name, month, float(value), None) for (name, month), value in sorted(found.items())]
    return Parsed(source.layout, source.holds, table_of(rows))


def _series(kind: str, security: str) -> str | None:
    if kind == ALL_MARKETABLE:
        return "marketable_debt_outstanding"
    return "bills_outstanding" if (kind, security) == (MARKETABLE, "Bills") else None
