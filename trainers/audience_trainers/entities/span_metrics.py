"""Exact-span precision, recall and F1 of tagged sentences, micro over all types and for each type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from audience_trainers.entities.tags import breaks, spans_of

Tags = Sequence[str]


@dataclass(frozen=True, slots=True)
class SpanScore:
    """A span counts as found when type, begin and end are all right. Shares lie in 0..1."""

    precision: float
    recall: float
    f1: float
    truth: int
    found: int


@dataclass(frozen=True, slots=True)
class Report:
    """Micro score over all spans, a score per type, and how many sequences are not valid BIO."""

    micro: SpanScore
    types: dict[str, SpanScore]
    sentences: int
    invalid: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def score_spans(truth: Sequence[Tags], found: Sequence[Tags]) -> Report:
    """Compare tagged sentences with their truth, sentence by sentence; both have the same lengths."""
    wanted: Counter[str] = Counter()
    said: Counter[str] = Counter()
    right: Counter[str] = Counter()
    invalid = 0
    for true, guess in zip(truth, found, strict=True):
        if len(true) != len(guess):
            raise ValueError(f"{len(guess)} tags for {len(true)} words")
        a, b = set(spans_of(true)), set(spans_of(guess))
        wanted.update(name for name, _, _ in a)
        said.update(name for name, _, _ in b)
        right.update(name for name, _, _ in a & b)
        invalid += bool(breaks(guess))
    types = {name: _score(right[name], wanted[name], said[name]) for name in sorted(wanted | said)}
    return Report(_score(right.total(), wanted.total(), said.total()), types, len(truth), invalid)


def _score(right: int, truth: int, found: int) -> SpanScore:
    precision = right / found if found else 0.0
    recall = right / truth if truth else 0.0
    f1 = 2 * right / (truth + found) if truth + found else 0.0
    return SpanScore(precision, recall, f1, truth, found)
