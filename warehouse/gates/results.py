"""What a gate found, and the error that stops a run there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from treasury_watch.transforms.errors import TreasuryWatchError, shorten


@dataclass(frozen=True)
class Result:
    """What one expectation found. `observed` is short text with up to five examples, never the frame."""

    gate: str
    subject: str
    expectation: str
    success: bool
    blocking: bool
    observed: str
    why: str

    @property
    def blocks(self) -> bool:
        """True if this result forbids going on."""
        return self.blocking and not self.success


STAYS = {"parsed": "Nothing of the file is loaded.", "publish": "The last good publication stays."}


class ValidationBlocked(TreasuryWatchError):
    """A blocking expectation failed. `results` holds everything that was checked, `failed` what blocked, `reason` the
    words on that without what becomes of it.
    """

    def __init__(self, results: Iterable[Result]):
        self.results = list(results)
        self.failed = blocking_failures(self.results)
        if not self.failed:
            raise ValueError("ValidationBlocked needs at least one failed blocking result")
        named = "; ".join(f"{r.subject}, {r.expectation!r}: {shorten(r.observed, 200)}" for r in self.failed[:3])
        more = f"; and {len(self.failed) - 3} more" if len(self.failed) > 3 else ""
        count = f"{len(self.failed)} blocking check{'s' if len(self.failed) > 1 else ''}"
        gate = self.failed[0].gate
        self.reason = f"{count} failed at the gate {gate}: {named}{more}. {self.failed[0].why}"
        super().__init__(f"{self.reason} {STAYS.get(gate, '')}".rstrip())


def blocking_failures(results: Iterable[Result]) -> list[Result]:
    """The results that forbid going on."""
    return [result for result in results if result.blocks]
