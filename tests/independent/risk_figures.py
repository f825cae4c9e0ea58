"""The risk tables worked out a second time, from the official files alone: nothing of the product is imported here.

    python -m tests.independent.risk_figures OFFICIAL_FOLDER DATABASE

compares every column of risk_months and concentration_months for HOLDERS and MONTHS with a database that was built from
Table 3, Table 1, Form S, the series of FRED and the ECB's rates, and from nothing else. Ends with 1 where one differs.
"""

from __future__ import annotations

import csv
import io
import math
import sys
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

HOLDERS = {  # holder_id: label in the tables, currency, long yield, reserves
    "japan": ("Japan", "JPY", "IRLTLT01JPM156N", "TRESEGJPM052N"),
    "china_mainland": ("China, Mainland", "CNY", None, "TRESEGCNM052N"),
    "united_kingdom": ("United Kingdom", "GBP", "IRLTLT01GBM156N", None),
    "belgium": ("Belgium", "EUR", "IRLTLT01EZM156N", None),
    "germany": ("Germany", "EUR", "IRLTLT01DEM156N", None),
    "canada": ("Canada", "CAD", "IRLTLT01CAM156N", None),
}
MONTHS = ("2022-12", "2023-11", "2024-11")
# Rows of Table 3 that are no country.
NO_COUNTRY = {
    "All Countries", "Grand Total", "Total Europe", "Memo: Euro Area", "Memo: European Union", "Total Latin America",
    "Total Caribbean", "Total Asia", "Total Africa", "Total Other", "International", "Total IROs", "Total Regional Orgs.",
    "Of Which: Foreign Official", "Of Which: Foreign Non-Official",
}  # fmt: skip
CENTRES = {
    "Bahamas", "Belgium", "Bermuda", "British Virgin Islands", "Cayman Islands", "Guernsey", "Hong Kong", "Ireland",
    "Jersey", "Luxembourg", "Singapore", "Switzerland", "United Kingdom",
}  # fmt: skip
H10 = {"JPY": "DEXJPUS", "CNY": "DEXCHUS", "GBP": "DEXUSUK", "CAD": "DEXCAUS"}
Z_80 = 1.2815515655446004  # of a normal distribution, 90th percentile

Row = dict[str, Any]


def number(text: str) -> float | None:
    text = text.strip().strip('"').replace(",", "")
    return None if text in ("", ".", "n.a.", "n.a") else float(text)


def earlier(month: str, by: int) -> str:
    at = int(month[:4]) * 12 + int(month[5:7]) - 1 - by
    return f"{at // 12}-{at % 12 + 1:02}"


class Files:
    """The official files, read with the csv module."""

    def __init__(self, official: Path, made: Path | None = None):
        self.official, self.made = official, made
        self.table3 = self._table("slt_table3.txt")
        self.table1 = self._table("slt_table1.txt")
        self.form_s = self._form_s()
        self.ecb = self._ecb()
        self.yields = {name: self.fred(name) for name in ("DGS2", "DGS10")}
        self.last = {name: {day[:7]: day for day in sorted(days)} for name, days in self.yields.items()}
        self.prices = {day[:7]: value for day, value in self.fred("CPIAUCSL").items()}

    def _table(self, name: str) -> dict[tuple[str, str], dict[str, float | None]]:
        rows = list(csv.reader((self.official / "tic" / name).open(encoding="latin-1", newline=""), delimiter="\t"))
        head = next(row for row in rows if row and row[0] == "country")
        found = {}
        for row in rows[rows.index(head) + 1 :]:
            if len(row) > 3 and len(row[2]) == 7:
                found[row[0].strip(), row[2]] = dict(zip(head[3:], map(number, row[3:]), strict=False))
        return found

    def _form_s(self) -> dict[tuple[str, str], tuple[float, float]]:
        text = (self.official / "tic" / "s1_globl.txt").open(encoding="latin-1", newline="")
        found = {}
        for row in csv.reader(text, delimiter="\t"):
            if len(row) > 9 and len(row[2].strip()) == 7 and row[2].strip()[4] == "-":
                bought, sold = number(row[3]), number(row[9])
                if bought is not None and sold is not None:
                    found[row[0].strip(), row[2].strip()] = bought, sold
        return found

    def _ecb(self) -> dict[str, dict[str, float]]:
        with zipfile.ZipFile(self.official / "ecb" / "eurofxref-hist.zip") as archive:
            rows = list(csv.reader(io.StringIO(archive.read("eurofxref-hist.csv").decode())))
        found = {}
        for row in rows[1:]:
            found[row[0]] = {
                name: float(cell)
                for name, cell in zip(rows[0][1:], row[1:], strict=False)
                if cell not in ("", "N/A") and name
            }
        return found

    def fred(self, series: str) -> dict[str, float]:
        """A series by day; of two that were kept as tables, by their figures."""
        path = self.official / "fred" / f"{series}.csv"
        other = self.official / "tables" / f"fred_{series}.csv"
        if not path.exists() and other.exists():
            path = other
        elif not path.exists() and series == "TRESEGJPM052N":
            return self._japan_reserves()
        elif not path.exists():
            return {}
        found = {}
        for row in csv.reader(path.open(encoding="utf-8-sig", newline="")):
            day, value = row[-2], row[-1]
            if day[:2] in ("18", "19", "20") and number(value) is not None:
                found[day] = float(value)
        return found

    def _japan_reserves(self) -> dict[str, float]:
        """Reserve assets less gold, of the ministry's figures: what the series TRESEGJPM052N states."""
        text = [
            line
            for line in (self.official / "tables" / "japan_reserves_monthly_2019_2026.tsv").open()
            if line[0] != "#"
        ]
        rows = csv.DictReader(text, delimiter="\t")
        return {f"{row['month']}-01": float(row["official_reserve_assets"]) - float(row["gold_value"]) for row in rows}

    def month_end_rate(self, currency: str, month: str) -> float:
        """Units per dollar on the month's last day with a rate: H.10, on days without one the ECB's crossed."""
        rates = {}
        for day, euro in self.ecb.items():
            if day.startswith(month) and "USD" in euro and (currency == "EUR" or currency in euro):
                rates[day] = (1 if currency == "EUR" else euro[currency]) / euro["USD"]
        if currency in H10:
            for day, value in self.fred(H10[currency]).items():
                if day.startswith(month):
                    rates[day] = 1 / value if currency == "GBP" else value
        return rates[max(rates)]

    def month_end_yield(self, series: str, month: str) -> float:
        return self.yields[series][self.last[series][month]]

    def average(self, series: str, month: str) -> float | None:
        values = [value for day, value in self.fred(series).items() if day.startswith(month)]
        return sum(values) / len(values) if values else None


class Risks:
    """Every column by its formula."""

    def __init__(self, files: Files):
        self.files = files
        self._durations: dict[str, dict[str, tuple[float, float, float]]] = {}

    def held(self, label: str, month: str) -> Row:
        return self.files.table3[label, month]

    def published(self, label: str, month: str) -> float | None:
        """Published valuation change as a fraction of the bonds and notes held a month before."""
        now, before = self.files.table3.get((label, month)), self.files.table3.get((label, earlier(month, 1)))
        if not now or not before or now["for_lt_treas_valchg"] is None or not before["for_lt_treas_pos"]:
            return None
        return now["for_lt_treas_valchg"] / before["for_lt_treas_pos"]

    def estimated_return(self, month: str) -> float:
        """Return of two par bonds by the yields of the month's end and of the one before, in the declared shares."""
        total = 0.0
        for series, years, share in (("DGS2", 2, 0.25), ("DGS10", 10, 0.46)):
            y = self.files.month_end_yield(series, earlier(month, 1)) / 100
            step = self.files.month_end_yield(series, month) / 100 - y
            paid = [(t, y / 2 + (1 if t == 2 * years else 0)) for t in range(1, 2 * years + 1)]
            macaulay = sum(t / 2 * c / (1 + y / 2) ** t for t, c in paid)
            convexity = sum(t * (t + 1) / 4 * c / (1 + y / 2) ** (t + 2) for t, c in paid)
            total += share * (-macaulay / (1 + y / 2) * step + convexity * step**2 / 2)
        return total

    def valuation(self, label: str, month: str) -> tuple[float, str] | None:
        stated = self.files.table3[label, month]["for_lt_treas_valchg"]
        if stated is not None:
            return stated, "slt"
        before = self.files.table3.get((label, earlier(month, 1)))
        if before and before["for_lt_treas_pos"] is not None and (label, month) in self.files.form_s:
            return self.estimated_return(month) * before["for_lt_treas_pos"], "estimated"
        return None

    def slope(self, label: str, until: str) -> tuple[float, float] | None:
        """Duration and 1.5 times its standard error by least squares, with the normal equations solved here."""
        points = []
        month = "2023-02"
        while month <= until:
            value = self.published(label, month)
            before = self.files.table3.get((label, earlier(month, 1)), {}).get("for_lt_treas_pos")
            if value is not None and before >= 1000 and abs(100 * value) <= 8:
                ten, two = (
                    self.files.month_end_yield(name, month) - self.files.month_end_yield(name, earlier(month, 1))
                    for name in ("DGS10", "DGS2")
                )
                points.append((100 * value, ten, two))
                last = month
            month = earlier(month, -1)
        if len(points) < 12 or last != until:
            return None
        # return = a - d10 * ten - d2 * two: the duration is d10 + d2
        rows = [[1.0, -ten, -two] for _, ten, two in points]
        inverse = inverted([[sum(r[i] * r[j] for r in rows) for j in range(3)] for i in range(3)])
        right = [sum(r[i] * p[0] for r, p in zip(rows, points, strict=True)) for i in range(3)]
        a, ten, two = (sum(inverse[i][j] * right[j] for j in range(3)) for i in range(3))
        left = sum((p[0] - a * r[0] - ten * r[1] - two * r[2]) ** 2 for r, p in zip(rows, points, strict=True))
        spread = inverse[1][1] + inverse[2][2] + 2 * inverse[1][2]  # of the sum of the two
        return ten + two, 1.5 * math.sqrt(left / (len(points) - 3) * spread)

    def durations(self, until: str) -> dict[str, tuple[float, float, float]]:
        """Shrunk duration and its 80% interval, by label."""
        countries = sorted({label for label, _ in self.files.table3} - NO_COUNTRY)
        found: dict[str, tuple[float, float, float]] = {}
        for centre in (True, False):
            own = {c: s for c in countries if (c in CENTRES) == centre and (s := self.slope(c, until)) is not None}
            if not own:
                continue
            w = {c: 1 / e**2 for c, (_, e) in own.items()}
            fixed = sum(w[c] * d for c, (d, _) in own.items()) / sum(w.values())
            q = sum(w[c] * (d - fixed) ** 2 for c, (d, _) in own.items())
            scale = sum(w.values()) - sum(x * x for x in w.values()) / sum(w.values())
            tau2 = max(0.0, (q - len(own) + 1) / scale)
            v = {c: 1 / (e**2 + tau2) for c, (_, e) in own.items()}
            mu = sum(v[c] * d for c, (d, _) in own.items()) / sum(v.values())
            for c, (d, e) in own.items():
                b = tau2 / (tau2 + e**2)
                middle = b * d + (1 - b) * mu
                reach = Z_80 * math.sqrt(b * e**2 + (1 - b) ** 2 / sum(v.values()))
                found[c] = tuple(max(0.0, x) for x in (middle, middle - reach, middle + reach))  # type: ignore[assignment]
        return found

    def risk_month(self, holder: str, month: str) -> Row:
        label, currency, long_yield, reserves = HOLDERS[holder]
        now, before, files = self.held(label, month), self.held(label, earlier(month, 1)), self.files
        year = [earlier(month, back) for back in range(12)]
        total, bonds = now["for_treas_pos"], now["for_lt_treas_pos"]
        price = self.published(label, month)
        prices = [self.published(label, m) for m in year]
        price_year = math.prod(1 + p for p in prices) - 1 if None not in prices else None  # type: ignore[operator]
        valuations = [self.valuation(label, m) for m in year]
        bases = {v[1] for v in valuations if v}
        if month not in self._durations:
            self._durations[month] = self.durations(month)
        duration = self._durations[month].get(label)
        rate = files.month_end_rate(currency, month)
        fx = rate / files.month_end_rate(currency, earlier(month, 1)) - 1
        fx_year = rate / files.month_end_rate(currency, earlier(month, 12)) - 1
        own_yield = files.fred(long_yield).get(f"{month}-01") if long_yield else None
        cpi = files.prices
        gross = files.form_s.get((label, month))
        net_long = now["for_lt_treas_net"]
        if net_long is None and gross:
            net_long = gross[0] - gross[1]
        net = now["for_treas_net"]
        if net is None and gross:  # of Form S's months the bills bought are the change in the bills held
            net = net_long + now["for_st_treas_pos"] - before["for_st_treas_pos"]
        debt = files.fred("MVMTD027MNFRBDAL").get(f"{month}-01")
        kept = files.fred(reserves).get(f"{month}-01") if reserves else None
        low, high = duration[1:] if duration else (None, None)

        def times(years: float | None) -> float | None:
            return None if years is None else years / 100 * bonds

        return {
            "position_usd_mn": total,
            "long_term_usd_mn": bonds,
            "share_of_foreign_pct": 100 * total / self.held("Grand Total", month)["for_treas_pos"],
            "valuation_return_pct": None if price is None else 100 * price,
            "valuation_return_12m_pct": None if price_year is None else 100 * price_year,
            "valuation_12m_usd_mn": None if None in valuations else sum(v[0] for v in valuations if v),
            "valuation_12m_basis": None if None in valuations else bases.pop() if len(bases) == 1 else "mixed",
            "implied_duration_years": duration[0] if duration else None,
            "duration_low_years": low,
            "duration_high_years": high,
            "loss_100bp_usd_mn": times(duration[0]) if duration else None,
            "loss_100bp_low_usd_mn": times(low),
            "loss_100bp_high_usd_mn": times(high),
            "loss_100bp_pct": 100 * times(duration[0]) / total if duration else None,  # type: ignore[operator]
            "currency": currency,
            "currency_return_pct": 100 * fx,
            "currency_return_12m_pct": 100 * fx_year,
            "own_currency_return_pct": None if price is None else 100 * ((1 + price) * (1 + fx) - 1),
            "own_currency_return_12m_pct": None if price_year is None else 100 * ((1 + price_year) * (1 + fx_year) - 1),
            "position_local_mn": total * rate,
            "own_long_yield_pct": own_yield,
            "yield_pickup_pct": None if own_yield is None else files.average("DGS10", month) - own_yield,  # type: ignore[operator]
            "real_return_pct": None if price is None else 100 * ((1 + price) * cpi[earlier(month, 1)] / cpi[month] - 1),
            "real_return_12m_pct": None
            if price_year is None
            else 100 * ((1 + price_year) * cpi[earlier(month, 12)] / cpi[month] - 1),
            "sales_to_issuance_pct": None,  # no file here states the debt at par
            "sales_to_debt_pct": -100 * net / (1000 * debt) if debt else None,
            "debt_basis": "market value" if debt else None,
            "gross_transactions_usd_mn": sum(gross) if gross else None,
            "sales_to_turnover_pct": -100 * net_long / sum(gross) if gross else None,
            "reserves_usd_mn": kept,
            "treasuries_to_reserves_pct": 100 * total / kept if kept else None,
        }

    def concentration_month(self, month: str) -> Row:
        grand = self.held("Grand Total", month)
        total = grand["for_treas_pos"]
        shares = {
            label: 100 * row["for_treas_pos"] / total
            for (label, m), row in self.files.table3.items()
            if m == month and label not in NO_COUNTRY and row["for_treas_pos"] is not None
        }
        centres = sum(share for label, share in shares.items() if label in CENTRES)
        official = self.held("Of Which: Foreign Official", month)["for_treas_pos"]
        debt = self.files.fred("MVMTD027MNFRBDAL").get(f"{month}-01")
        book = self.files.table1["Grand Total", month]
        parts = {name: book[f"for_lt_{name}_pos"] for name in ("treas", "agcy", "corp", "eqty")}
        return {
            "grand_total_usd_mn": total,
            "countries": len(shares),
            "named_share_pct": sum(shares.values()),
            "herfindahl": sum(share**2 for share in shares.values()),
            "herfindahl_without_centres": sum(
                (100 * share / (100 - centres)) ** 2 for label, share in shares.items() if label not in CENTRES
            ),
            "top5_share_pct": sum(sorted(shares.values(), reverse=True)[:5]),
            "custodial_share_pct": centres,
            "official_usd_mn": official,
            "official_share_pct": 100 * official / total,
            "share_of_bills_pct": 100 * grand["for_st_treas_pos"] / total,
            "marketable_debt_usd_mn": 1000 * debt if debt else None,
            "debt_basis": "market value" if debt else None,
            "foreign_share_of_debt_pct": 100 * total / (1000 * debt) if debt else None,
            "treasury_share_of_securities_pct": 100 * parts["treas"] / sum(parts.values()),  # type: ignore[operator, arg-type]
            "treasury_share_of_bonds_pct": 100
            * parts["treas"]  # type: ignore[operator]
            / sum(value for name, value in parts.items() if name != "eqty"),  # type: ignore[misc]
        }


def inverted(matrix: list[list[float]]) -> list[list[float]]:
    """The inverse of a small matrix, by Gauss and Jordan."""
    size = len(matrix)
    wide = [[*row, *(float(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for at in range(size):
        best = max(range(at, size), key=lambda row: abs(wide[row][at]))
        wide[at], wide[best] = wide[best], wide[at]
        wide[at] = [value / wide[at][at] for value in wide[at]]
        for row in range(size):
            if row != at:
                wide[row] = [a - wide[row][at] * b for a, b in zip(wide[row], wide[at], strict=True)]
    return [row[size:] for row in wide]


def differences(official: Path, ask: Any) -> tuple[int, list[str]]:
    """Cells compared, and those that differ. `ask(query)` answers with rows as dictionaries."""
    risks = Risks(Files(official))
    compared, wrong = 0, []
    stated: dict[tuple[str, str], Row] = defaultdict(dict)
    for row in ask("FROM risk_months"):
        stated[row["holder_id"], f"{row['month']:%Y-%m}"] = row
    for row in ask("FROM concentration_months"):
        stated["all", f"{row['month']:%Y-%m}"] = row
    for month in MONTHS:
        expected = {holder: risks.risk_month(holder, month) for holder in HOLDERS}
        expected["all"] = risks.concentration_month(month)
        for holder, columns in expected.items():
            found = stated[holder, month]
            unseen = set(found) - set(columns) - {"holder_id", "holder", "month"}
            wrong += [f"{holder} {month} {name}: not recomputed" for name in sorted(unseen)]
            for name, value in columns.items():
                compared += 1
                got = found.get(name, "no such column")
                got = None if isinstance(got, float) and math.isnan(got) else got
                alike = got == value
                if isinstance(value, int | float) and isinstance(got, int | float):
                    alike = math.isclose(value, got, rel_tol=1e-9, abs_tol=1e-9)
                if not alike:
                    wrong.append(f"{holder} {month} {name}: {got} in the database, {value} from the files")
    return compared, wrong


def main() -> int:
    import duckdb

    with duckdb.connect(sys.argv[2], read_only=True) as connection:
        compared, wrong = differences(Path(sys.argv[1]), lambda query: connection.sql(query).df().to_dict("records"))
    print(f"{compared} cells compared, {len(wrong)} differ", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
