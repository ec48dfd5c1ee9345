"""Filters as people type them: `age >= 30`, `city = Lyon|Nice`, `email is known`, `skin care:7d:buy,click`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from audience_graph.audience.audience import Audience, column, event
from audience_graph.errors import ConfigError

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "is known")
WHERE_HELP = 'Only users with such a column: "age >= 30", "city = Lyon|Nice", "email is known"; may be repeated.'
EVENT_HELP = 'Only users with events: "skin care:7d:buy,click" (days and channels may be left out); may be repeated.'
_WHERE = re.compile(r"\s*(?P<column>[^<>=!\s].*?)\s*(?P<operator><=|>=|!=|=|<|>)\s*(?P<value>.*)", re.DOTALL)
_KNOWN = re.compile(r"\s*(?P<column>.+?)\s+is\s+known\s*", re.IGNORECASE)
_EVENT = re.compile(r"(?P<phrase>.+?)(?::(?P<days>\d+)d)?(?::(?P<channels>[^:]+))?", re.DOTALL)
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d+)?([eE][+-]?\d{1,2})?")


def where_of(text: str) -> Audience:
    """Return the audience of a filter over a column such as `age >= 30`. Raises ConfigError for text that is none."""
    known = _KNOWN.fullmatch(text)
    if known is not None:
        return column(known["column"]).known()
    match = _WHERE.fullmatch(text)
    if match is None or not match["value"]:
        raise ConfigError(f"{text!r} is no filter", hint=WHERE_HELP)
    return compared(match["column"], match["operator"], match["value"])


def compared(name: str, operator: str, value: str) -> Audience:
    """Return the users whose column compares so with a typed value; `|` separates several.

    Raises ConfigError for an unknown operator, or several values that one of them has to be larger or smaller than.
    """
    if operator not in OPERATORS:
        raise ConfigError(f"an operator is one of {', '.join(OPERATORS)}, not {operator!r}")
    named = column(name)
    if operator == "is known":
        return named.known()
    values = [value_of(v.strip()) for v in value.split("|")]
    if operator in ("=", "!="):
        found = named == values[0] if len(values) == 1 else named.one_of(*values)
        return found if operator == "=" else named.known() - found
    if len(values) > 1:
        raise ConfigError(f"{f'{name} {operator} {value}'!r} is no filter: several values go with = and !=")
    compare = {"<": named.__lt__, "<=": named.__le__, ">": named.__gt__, ">=": named.__ge__}
    return compare[operator](values[0])


def event_of(text: str) -> Audience:
    """Return the audience of a filter over events such as `skin care:7d:buy`. Raises ConfigError for text that is
    none."""
    match = _EVENT.fullmatch(text)
    if match is None or not match["phrase"].strip(": \t"):
        raise ConfigError(f"{text!r} is no filter over events", hint=EVENT_HELP)
    days = int(match["days"]) if match["days"] else None
    return event(match["phrase"].strip(), days=days, channels=channels_of(match["channels"] or ""))


def channels_of(text: str) -> Sequence[str]:
    """Return the channels of a list that commas separate."""
    return [c.strip() for c in text.split(",") if c.strip()]


def value_of(text: str) -> str | int | float | bool:
    """Return a typed value: true and false, a number, else text; quotes make text of a number."""
    if text in ("true", "false"):
        return text == "true"
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    return float(text) if number[2] or number[3] else int(text)
