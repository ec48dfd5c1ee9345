"""What an explanation does not tell without a reason: the sensitive entities among a user's own events."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from audience_graph.audience.explain import Explanation, Reason, left_over

WITHHELD = "withheld: sensitive"
Event = tuple[datetime, str, str | None]


def withhold(found: Explanation, sensitive: Collection[str]) -> Explanation:
    """Return an explanation in which what is sensitive is one row without names and events; parts add up as before.

    An event that names something sensitive loses its text in the other rows too.
    """
    hidden = [r for r in found.reasons if r.id in sensitive]
    if not hidden:
        return found
    events = {event for reason in hidden for event in reason.events}
    shown = [replace(r, events=tuple(_bare(e) if e in events else e for e in r.events)) for r in found.reasons]
    reasons = [*(r for r in shown if r.id not in sensitive), _one(hidden)]
    reasons.sort(key=lambda r: (-r.part, r.id))
    told = found.score is not None and found.adds_up
    rounding = left_over(found.score or 0.0, reasons) if told else found.rounding
    return replace(found, reasons=tuple(reasons), rounding=rounding)


def _bare(event: Event) -> Event:
    return (event[0], event[1], None)


def _one(hidden: Collection[Reason]) -> Reason:
    shares = [r.share for r in hidden if r.share is not None]
    return Reason(
        id="",
        name=WITHHELD,
        part=float(sum(r.part for r in hidden)),
        share=sum(shares) if shares else None,
        mentions=sum(r.mentions for r in hidden),
        phrase="",
        picked="",
        picked_name="",
        path=(),
        path_names=(),
        events=(),
    )
