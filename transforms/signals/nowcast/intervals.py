"""How far an estimate may be off, by how far those before it were."""

from __future__ import annotations

import math
from collections.abc import Sequence


def half_width(past_errors: Sequence[float], share_pct: float, minimum: int) -> float | None:
    """Half the width of the interval, in the unit of the errors; None where fewer than `minimum` are known.

    The smallest of the n absolute errors that at least share * (n + 1) of them do not exceed (split conformal prediction:
    Lei and others, "Distribution-Free Predictive Inference for Regression", JASA 113, 2018).
    """
    if len(past_errors) < minimum:
        return None
    ordered = sorted(abs(error) for error in past_errors)
    rank = math.ceil(share_pct / 100 * (len(ordered) + 1))
    return ordered[min(rank, len(ordered)) - 1]
