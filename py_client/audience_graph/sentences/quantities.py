"""Numbers of a demand: how soon, how much, how often."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_WORDS = {word: float(i + 1) for i, word in enumerate(_NUMBERS)} | {"a": 1.0, "an": 1.0, "a couple of": 2.0}
_DAYS = {"day": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 91, "year": 365}
_NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?|a couple of|\b(?:an?|{'|'.join(_NUMBERS)})\b)"
_MONEY = r"(?:usd|eur|gbp|cny|rmb|dollars?|euros?|pounds?|yuan|[$€£¥元])"
_UNIT = rf"(?P<unit>{'|'.join(_DAYS)})s?\b"
_SOON = rf"(?:\b(?:in|within|over|during)\s+)?(?:the\s+)?\b(?:next|coming|following)\s+(?:(?P<n>{_NUMBER})\s+)?{_UNIT}"
_WITHIN = rf"\b(?:within|in)\s+(?P<n>{_NUMBER})\s+{_UNIT}"
_NAMED = r"\b(?:(?P<one>today|tonight)|(?P<two>tomorrow)|(?P<this>this (?P<unit>week|month|quarter|year)))\b"
_MORE = r"(?:over|above|more than|at least|no less than)"
_LESS = r"(?:under|below|less than|at most|up to|no more than)"
# A sum of money: not `a`, and no count of days or times.
_SUM = rf"(?!an?\b){_NUMBER}(?![\d.,]*\d)(?!\s+(?:times\b|{'|'.join(_DAYS)}))"
_AMOUNT = rf"\b(?P<way>{_MORE}|{_LESS})\s+(?P<m1>{_MONEY})?\s*(?P<n>{_SUM})(?:\s*(?P<m2>{_MONEY}))?"
_BARE = rf"(?P<m1>{_MONEY})\s*(?P<n>{_NUMBER})(?:\s*\+| or more)?|(?P<n2>{_NUMBER})\s*(?P<m2>{_MONEY})(?: or more)?"
_TIMES = rf"\b(?:(?P<way>{_MORE})\s+)?(?:(?P<n>{_NUMBER})\s+times|(?P<twice>twice))(?: or more)?\b"


@dataclass(frozen=True, slots=True)
class Quantities:
    """`days` from now, amounts of money, number of times; None where nothing is said. `spans` of the text say it."""

    days: int | None = None
    at_least: float | None = None
    at_most: float | None = None
    times: int | None = None
    spans: tuple[tuple[int, int], ...] = ()


def read_quantities(text: str) -> Quantities:
    """Return the numbers that a case-folded text names.

    `more than n` counts as at least n for money, as at least n + 1 for times.
    """
    spans: list[tuple[int, int]] = []

    def find(pattern: str) -> re.Match[str] | None:
        for found in re.finditer(pattern, text):
            if all(found.end() <= low or high <= found.start() for low, high in spans):
                spans.append(found.span())
                return found
        return None

    days = _days(find(_SOON) or find(_WITHIN) or find(_NAMED))
    often = find(_TIMES)
    times = None
    if often is not None:
        least = 2.0 if often["twice"] else _number(often["n"])
        times = int(least) + (often["way"] in {"over", "above", "more than"})
    money = find(_AMOUNT)
    at_least = at_most = None
    if money is not None:
        if re.fullmatch(_LESS, money["way"]):
            at_most = _number(money["n"])
        else:
            at_least = _number(money["n"])
    elif (bare := find(_BARE)) is not None:
        at_least = _number(bare["n"] or bare["n2"])
    return Quantities(days, at_least, at_most, times, tuple(sorted(spans)))


def _days(found: re.Match[str] | None) -> int | None:
    if found is None:
        return None
    groups = found.groupdict()
    if groups.get("one"):
        return 1
    if groups.get("two"):
        return 2
    return max(1, round(_number(groups.get("n") or "one") * _DAYS[groups["unit"]]))


def _number(text: str) -> float:
    return _WORDS[text] if text in _WORDS else float(text.replace(",", ""))
