"""The campaign report: one row for each audience, export and arm, in the manner of EGL's Table III.

EGL counts users who were exposed, users who converted, and how long targeting took; so does this. The conversion rate
is over all users of an arm, told of or not, as the arms were drawn: exposed ones alone would not be comparable with a
holdout that nobody exposes. Lift and uplift are over the holdout; without one none is claimed, because there is nothing
that says how many had converted anyway.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.audience.disclosure import MINIMUM_SIZE
from audience_graph.audience.learn.exported import Export
from audience_graph.audience.learn.outcomes import Outcome, outcomes_of_arms
from audience_graph.audience.learn.shown import Figures, Versus, figures, versus
from audience_graph.audience.send.arms import HOLDOUT
from audience_graph.vectors.store import Transaction

ALL_SENT = "(all sent)"
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class ArmRow:
    """One arm of one export. Counts are of users, rounded; all figures are None under the minimum size, and `note` says
    so. `seconds` from phrase to snapshot, `days` from export to the last result."""

    audience: str
    export: int
    arm: str
    users: int | None
    exposures: int | None
    conversions: int | None
    rate: float | None
    lift: float | None
    lift_low: float | None
    lift_high: float | None
    uplift: float | None
    uplift_low: float | None
    uplift_high: float | None
    seconds: float
    days: float | None
    note: str


@dataclass(frozen=True, slots=True, repr=False)
class CampaignReport(Answer):
    """What came of exports, newest first: a row for all who were sent where there are several arms, and one an arm."""

    arms: tuple[ArmRow, ...]
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        exports = len({row.export for row in self.arms})
        return f"results of {exports} export{'' if exports == 1 else 's'}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        return {name: [getattr(row, name) for row in self.arms] for name in ArmRow.__slots__}


def campaign_report(tx: Transaction, exports: Sequence[Export]) -> CampaignReport:
    """Report exports, in their order. One without results has a row that says so."""
    rows = [row for export in exports for row in _rows(tx, export)]
    return CampaignReport(tuple(rows), **(exports[0].snapshot.source if exports else {}))


def _rows(tx: Transaction, export: Export) -> list[ArmRow]:
    arms = outcomes_of_arms(tx, export)
    if not arms:
        return [_row(export, "", None, None, "no results yet")]
    sent = [arm for arm in arms if arm.name != HOLDOUT]
    held = next((figures(a.users, a.exposures, a.conversions) for a in arms if a.name == HOLDOUT), None)
    if len(sent) > 1:
        total = (sum(getattr(arm, n) for arm in sent) for n in ("users", "exposures", "conversions"))
        arms = [Outcome(ALL_SENT, *total), *arms]
    missing = _no_lift(arms, held)
    return [_arm(export, arm, held, missing) for arm in arms]


def _arm(export: Export, arm: Outcome, held: Figures | None, missing: str) -> ArmRow:
    own = figures(arm.users, arm.exposures, arm.conversions)
    if own is None:
        return _row(export, arm.name, None, None, f"fewer than {MINIMUM_SIZE} users")
    beside = None if arm.name == HOLDOUT or held is None else versus(own, held)
    return _row(export, arm.name, own, beside, "" if arm.name == HOLDOUT else missing)


def _no_lift(arms: Sequence[Outcome], held: Figures | None) -> str:
    if held is not None:
        return ""
    there = any(arm.name == HOLDOUT for arm in arms)
    return f"the holdout has fewer than {MINIMUM_SIZE} users: no lift" if there else "no holdout: no lift is claimed"


def _row(export: Export, arm: str, own: Figures | None, beside: Versus | None, note: str) -> ArmRow:
    last = export.last_result
    ratio, gap = (None, None) if beside is None else (beside.ratio, beside.difference)
    return ArmRow(
        audience=export.snapshot.name,
        export=export.id,
        arm=arm,
        users=None if own is None else own.users,
        exposures=None if own is None else own.exposures,
        conversions=None if own is None else own.conversions,
        rate=None if own is None else own.rate,
        lift=None if ratio is None else ratio.value,
        lift_low=None if ratio is None else ratio.low,
        lift_high=None if ratio is None or math.isinf(ratio.high) else ratio.high,
        uplift=None if gap is None else gap.value,
        uplift_low=None if gap is None else gap.low,
        uplift_high=None if gap is None else gap.high,
        seconds=export.snapshot.seconds,
        days=None if last is None else round((last - export.made_at).total_seconds() / _DAY, 2),
        note=note,
    )
