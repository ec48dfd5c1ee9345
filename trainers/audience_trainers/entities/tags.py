"""BIO tags: which may follow which, and the spans that a sequence of them names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

OUTSIDE = "O"
Bools = npt.NDArray[np.bool_]
Span = tuple[str, int, int]  # type, first word, word after the last


def labels_of(types: Iterable[str]) -> tuple[str, ...]:
    """Return O, then B- and I- of every type in name order: the labels of a tagger."""
    return (OUTSIDE, *(f"{side}-{name}" for name in sorted(set(types)) for side in "BI"))


def split_tag(tag: str) -> tuple[str, str]:
    """Return side (B, I or O) and type of a tag; the type of O is empty. Raises ValueError for anything else."""
    if tag == OUTSIDE:
        return OUTSIDE, ""
    side, dash, name = tag.partition("-")
    if side not in ("B", "I") or not dash or not name:
        raise ValueError(tag)
    return side, name


def may_start(labels: Sequence[str]) -> Bools:
    """Return which labels may begin a sequence (l,): all but I-."""
    return np.array([split_tag(label)[0] != "I" for label in labels])


def may_follow(labels: Sequence[str]) -> Bools:
    """Return which label j may come after which label i (l, l): I-x only after B-x or I-x."""
    parts = [split_tag(label) for label in labels]
    return np.array([[side != "I" or name == before for side, name in parts] for _, before in parts])


def breaks(tags: Sequence[str]) -> list[int]:
    """Return the places where an I-x follows neither B-x nor I-x: none in a valid sequence."""
    found, before = [], ""
    for place, tag in enumerate(tags):
        side, name = split_tag(tag)
        if side == "I" and name != before:
            found.append(place)
        before = name
    return found


def spans_of(tags: Sequence[str]) -> list[Span]:
    """Return the spans of a sequence, from left to right.

    As conlleval reads them: an I-x that follows neither B-x nor I-x begins a span. So a model whose sequences are
    not valid loses nothing for that alone.
    """
    spans: list[Span] = []
    name, begin = "", 0
    for place, tag in enumerate((*tags, OUTSIDE)):
        side, here = split_tag(tag)
        if name and (side != "I" or here != name):
            spans.append((name, begin, place))
            name = ""
        if here and not name:
            name, begin = here, place
    return spans


def repair(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the valid sequence with the same spans: every I-x of `breaks` becomes B-x."""
    found = list(tags)
    for place in breaks(tags):
        found[place] = f"B-{split_tag(tags[place])[1]}"
    return tuple(found)
