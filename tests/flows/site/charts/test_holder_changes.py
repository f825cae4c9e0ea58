import json
from typing import Any

import altair as alt
import pandas as pd
import pytest
from jsonschema import ValidationError

from treasury_watch.flows.site import charts

PNG = b"\x89PNG\r\n\x1a\n"


def months(rows: list[tuple[str, float, float, float, float, float, float]]) -> pd.DataFrame:
    names = ["position", "change", "net_long_term", "net_short_term", "valuation", "other"]
    frame = pd.DataFrame(rows, columns=["month", *[f"{name}_usd_mn" for name in names]])
    frame["net_purchases_usd_mn"] = frame["net_long_term_usd_mn"] + frame["net_short_term_usd_mn"]
    return frame.assign(month=pd.to_datetime(frame["month"]))


JAPAN = months(
    [
        ("2024-03-01", 1167015, 20200, 14500, 2000, 3700, 0),
        ("2024-04-01", 1126094, -40921, 246, -12076, -29824, 733),
        ("2024-05-01", 1105953, -20141, 171, -24041, 7252, -3523),
    ]
)


def data_of(chart: Any) -> dict[str, list[dict[str, Any]]]:
    """Rows of the chart's data sets by the columns they have."""
    return {",".join(sorted(rows[0])): rows for rows in charts.spec(chart)["datasets"].values()}


def test_the_chart_is_a_valid_vega_lite_document() -> None:
    document = charts.holder_chart(JAPAN, "Japan")
    alt.VConcatChart.from_dict(document, validate=True).to_dict(validate=True)
    with pytest.raises(ValidationError):
        alt.VConcatChart.from_dict(document | {"spacing": "wide"}, validate=True)


def test_the_line_states_the_holdings_in_billions() -> None:
    rows = charts.spec(charts.holder_chart(JAPAN, "Japan"))["datasets"].values()
    assert [1167.015, 1126.094, 1105.953] in [[row["billions"] for row in data if "billions" in row] for data in rows]


def test_the_bars_of_a_month_are_its_parts_in_billions() -> None:
    bars = data_of(charts.holder_chart(JAPAN, "Japan"))["billions,month,part,place,shown,when"]
    april = {row["part"]: row["billions"] for row in bars if row["month"] == "2024-04-01"}
    assert april == {
        "Net purchases: bonds and notes": 0.246,
        "Net purchases: bills": -12.076,
        "Valuation": -29.824,
        "Other": 0.733,
    }


def test_a_tooltip_shows_the_amount_rounded_as_everywhere_else() -> None:
    tie = JAPAN.assign(valuation_usd_mn=-28650.0)
    bars = data_of(charts.holder_chart(tie, "Japan"))["billions,month,part,place,shown,when"]
    assert {row["shown"] for row in bars if row["part"] == "Valuation"} == {"\N{MINUS SIGN}28.7"}


def test_the_parts_of_a_month_add_up_to_its_mark() -> None:
    datasets = charts.spec(charts.holder_chart(JAPAN, "Japan"))["datasets"].values()
    bars = next(rows for rows in datasets if "part" in rows[0])
    marks = [[row.get("billions") for row in rows] for rows in datasets if "part" not in rows[0]]
    sums = pd.DataFrame(bars).groupby("month")["billions"].sum().round(6).tolist()
    assert sums[1:] == [-40.921, -20.141]
    assert [20.2, -40.921, -20.141] in marks


def test_a_month_without_a_decomposition_has_a_mark_but_no_bars() -> None:
    unknown = float("nan")
    frame = months([("2022-12-01", 1000, -50, unknown, unknown, unknown, unknown)])
    document = charts.spec(charts.holder_chart(frame, "Japan"))
    rows = list(document["datasets"].values())
    assert not any("part" in row for data in rows for row in data)
    assert [-0.05] in [[row.get("billions") for row in data] for data in rows]
    assert "No decomposition is published" in document["description"]


def test_only_the_newest_months_are_shown_whatever_their_order() -> None:
    many = months([(f"{2020 + n // 12}-{n % 12 + 1:02}-01", 1000 + n, 1, 1, 0, 0, 0) for n in range(40)]).sample(
        frac=1, random_state=1
    )
    bars = data_of(charts.holder_chart(many, "", months_shown=24))["billions,month,part,place,shown,when"]
    shown = sorted({row["month"] for row in bars})
    assert (len(shown), shown[0], shown[-1]) == (24, "2021-05-01", "2023-04-01")


def test_a_missing_month_keeps_its_place_on_the_axis() -> None:
    gap = JAPAN.drop(index=1)
    text = json.dumps(charts.spec(charts.holder_chart(gap, "Japan")))
    assert '"domain": ["2024-03-01", "2024-04-01", "2024-05-01"]' in text


def test_the_description_gives_the_holdings_and_the_sums_in_words() -> None:
    words = charts.description(JAPAN, "Japan")
    assert words.startswith(
        "Japan: Holdings went from 1,167.0 billion dollars in March 2024 to 1,106.0 billion in May 2024."
    )
    assert words.endswith(
        "In the 2 months from April 2024 to May 2024 that have a decomposition net purchases sum to −35.7 billion, "
        "valuation changes sum to −22.6 billion and other changes sum to −2.8 billion."
    )  # of the months after the first holdings: with rounding what these went down by
    assert charts.spec(charts.holder_chart(JAPAN, "Japan"))["description"] == words


def test_the_description_is_of_the_months_that_the_chart_shows() -> None:
    words = charts.description(JAPAN, "Japan", months_shown=2)
    assert words.startswith("Japan: Holdings went from 1,126.1 billion dollars in April 2024 to 1,106.0 billion")
    assert charts.holder_chart(JAPAN, "Japan", months_shown=2)["description"] == words


def test_a_holder_without_months_still_has_a_chart() -> None:
    document = charts.spec(charts.holder_chart(JAPAN.head(0), "Japan"))
    assert "No holdings are known" in document["description"]
    assert charts.png(charts.holder_chart(JAPAN.head(0), "Japan")).startswith(PNG)


def test_the_document_names_no_address() -> None:
    assert "://" not in json.dumps(charts.spec(charts.holder_chart(JAPAN, "Japan")))


def test_every_colour_stands_out_from_a_white_and_from_a_dark_ground() -> None:
    for colour in [charts.HOLDINGS, *[colour for _, colour in charts.PARTS.values()]]:
        assert contrast(colour, "#ffffff") >= 3, colour
        assert contrast(colour, "#14181d") >= 3, colour


def test_the_png_is_a_png_of_twice_the_size_and_the_same_every_time() -> None:
    once, again = (charts.png(charts.holder_chart(JAPAN, "Japan")) for _ in range(2))
    single = charts.png(charts.holder_chart(JAPAN, "Japan"), scale=1)
    assert once.startswith(PNG)
    assert once == again
    assert abs(width(once) - 2 * width(single)) <= 2


def test_another_figure_makes_another_png() -> None:
    changed = JAPAN.assign(position_usd_mn=JAPAN["position_usd_mn"] * 1.01)
    assert charts.png(charts.holder_chart(changed, "Japan")) != charts.png(charts.holder_chart(JAPAN, "Japan"))


def width(png: bytes) -> int:
    return int.from_bytes(png[16:20], "big")


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours, 1 to 21."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
