"""What steps of a publication take of tables that frequent files change: mostly what is over, which a day's figure leaves alone.

Queries by the step that makes what they ask, as `Step.parts` has them.
"""

from __future__ import annotations

from treasury_watch.warehouse.tables.findings_as_known import MONTHLY_RATES, RATES


def whole(*names: str) -> tuple[str, ...]:
    """These tables: a step stands where they come out as they were."""
    return tuple(f"SELECT * FROM {name}" for name in names)


OF_MONTHS = {"price returns": whole("price_returns")}  # which a month has once it is over
OF_FINDINGS = {
    "rates": RATES,
    "events": whole("events"),
    "interventions": whole("interventions"),
    "intervention periods": whole("intervention_periods"),
}
# As views/risk_months.sql joins them to holders' months.
OF_RISK = {
    "rates": (MONTHLY_RATES,),
    "durations": whole("implied_durations"),
    "marketable debt": whole("marketable_debt"),
    "real_yields": ("SELECT * FROM real_yields WHERE month <= (SELECT max(month) FROM holder_months)",),
    "market_series": (
        "SELECT * FROM market_series WHERE series_id = 'CPIAUCSL' "
        "OR source IN (SELECT source FROM sources WHERE long_yield_of <> '' OR reserves_of <> '')",
    ),
}
REAL_YIELDS_OF = ("DGS10", "DFII10", "T10YIE", "CPIAUCSL")  # as views/real_yields.sql names them
