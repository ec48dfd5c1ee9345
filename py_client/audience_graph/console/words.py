"""Words and numbers as a marketer reads them."""

from __future__ import annotations

from typing import Any

from audience_graph.answer import cell_text
from audience_graph.audience.disclosure import MINIMUM_SIZE

_LABELS = {
    "id": "ID",
    "limit": "rows at most",
    "user_id": "user",
    "lift_low": "lift, low",
    "lift_high": "lift, high",
    "led_from": "leads here",
    "made_by": "by",
    "made_at": "when",
    "q": "q value",
}


def cell(value: Any) -> str:
    """Return one cell of a table."""
    return ("yes" if value else "no") if isinstance(value, bool) else cell_text(value)


def label(name: str) -> str:
    """Return the heading of a column."""
    return _LABELS.get(name, name.replace("_", " "))


def number(value: Any) -> str:
    """Return a count of users; None is one that is too small to be shown."""
    return f"under {MINIMUM_SIZE}" if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """Return a share, in whole per cent."""
    return "" if share is None else f"{share:.0%}"


def met(users: int | None) -> str:
    """Return how many users met an entity; nothing is known of one that nobody met."""
    return "–" if users is None else f"{users:,}"
