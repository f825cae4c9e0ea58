import pandas as pd

from treasury_watch.flows.site import charts


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


def test_the_description_gives_the_holdings_and_the_sums_in_words() -> None:
    words = charts.description(JAPAN, "Japan")
    assert words.startswith(
        "Japan: Holdings went from 1,167.0 billion dollars in March 2024 to 1,106.0 billion in May 2024."
    )
    assert words.endswith(
        "In the 2 months from April 2024 to May 2024 that have a decomposition net purchases sum to −35.7 billion, "
        "valuation changes sum to −22.6 billion and other changes sum to −2.8 billion."
    )  # of the months after the first holdings: with rounding what these went down by


def test_the_description_is_of_the_months_that_the_chart_shows() -> None:
    words = charts.description(JAPAN, "Japan", months_shown=2)
    assert words.startswith("Japan: Holdings went from 1,126.1 billion dollars in April 2024 to 1,106.0 billion")


def test_a_month_without_a_decomposition_is_said_to_have_none() -> None:
    unknown = float("nan")
    frame = months([("2022-12-01", 1000, -50, unknown, unknown, unknown, unknown)])
    assert "No decomposition is published" in charts.description(frame, "Japan")


def test_a_holder_without_months_is_said_to_have_none() -> None:
    assert "No holdings are known" in charts.description(JAPAN.head(0), "Japan")


def test_every_colour_stands_out_from_a_white_and_from_a_dark_ground() -> None:
    for colour in [charts.HOLDINGS, *[colour for _, colour in charts.PARTS.values()]]:
        assert contrast(colour, "#ffffff") >= 3, colour
        assert contrast(colour, "#14181d") >= 3, colour


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours, 1 to 21."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
