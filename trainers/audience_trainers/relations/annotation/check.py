"""Check the cells of an annotation file; every problem names its file, row and column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audience_graph.errors import InputError, Problem

SCORES = (0.0, 0.5, 1.0)
_SHOWN = 20
_ALLOWED = "0, 0.5 or 1"


@dataclass(frozen=True, slots=True)
class Annotation:
    """One score that one annotator gave to one pair. `pair` is empty in a file of one's own; `row` counts from 1."""

    row: int
    pair: str
    source_id: str
    target_id: str
    names: tuple[str, str]
    score: float
    annotator: str
    stratum: str
    weight: float
    week: str


def check_rows(name: str, rows: Sequence[dict[str, str]], known: frozenset[str] | None) -> list[Annotation]:
    """Return the rows with a score. Raises InputError for the first 20 problems, or when no row has a score."""
    problems: list[Problem] = []
    found: list[Annotation] = []
    first: dict[tuple[str, str, str], int] = {}
    for place, cells in enumerate(rows, 1):
        own = list(_problems(name, place, cells, known))
        problems += own
        if own or not cells["score"].strip():
            continue
        given = _annotation(place, cells)
        before = first.setdefault((given.source_id, given.target_id, given.annotator), place)
        if before != place:
            wanted = f"a pair once per annotator; row {before} holds it already"
            shown = f"{given.source_id} -> {given.target_id} by {given.annotator} again"
            problems.append(Problem(name, place, "annotator", wanted, shown))
            continue
        found.append(given)
    if problems:
        raise InputError(
            f"{name}: {len(problems):,} problem{'s' if len(problems) != 1 else ''}",
            problems=problems[:_SHOWN],
            count=len(problems),
            hint="correct the file; nothing was measured",
        )
    if not found:
        raise broken(name, f"scores ({_ALLOWED}) in the column score", f"{len(rows):,} rows without one")
    return found


def parse_score(text: str) -> float | None:
    """Return 0.0, 0.5 or 1.0, or None for any other text. A comma may stand for the point."""
    value = _number(text)
    return value if value in SCORES else None


def broken(name: str, expected: str, found: str, *, row: int | None = None) -> InputError:
    """Return the error of a file that is not an annotation file at all."""
    return InputError(
        f"{name} cannot be read as annotations", problems=[Problem(name, row, None, expected, found)], count=1
    )


def _problems(name: str, row: int, cells: dict[str, str], known: frozenset[str] | None) -> list[Problem]:
    found = []
    for column in ("source_id", "target_id"):
        entity = cells[column]
        if not entity:
            found.append(Problem(name, row, column, "the id of an entity", "an empty cell"))
        elif known is not None and entity not in known:
            found.append(Problem(name, row, column, "the id of an entity of the dictionary", repr(entity)))
    if cells["source_id"] and cells["source_id"] == cells["target_id"]:
        found.append(Problem(name, row, "target_id", "another entity than source_id", repr(cells["target_id"])))
    score = cells["score"].strip()
    if not score:
        return found
    if parse_score(score) is None:
        found.append(Problem(name, row, "score", f"{_ALLOWED}, or empty", repr(score)))
    if not cells["annotator"].strip():
        found.append(Problem(name, row, "annotator", "who gave the score", "an empty cell"))
    weight = cells.get("weight", "").strip()
    value = _number(weight)
    if weight and (value is None or not (value > 0 and math.isfinite(value))):
        found.append(Problem(name, row, "weight", "a number above 0, or empty", repr(weight)))
    return found


def _annotation(row: int, cells: dict[str, str]) -> Annotation:
    weight = _number(cells.get("weight", "").strip())
    score = parse_score(cells["score"].strip())
    return Annotation(
        row=row,
        pair=cells.get("pair", "").strip(),
        source_id=cells["source_id"],
        target_id=cells["target_id"],
        names=(cells.get("source_name", ""), cells.get("target_name", "")),
        score=0.0 if score is None else score,
        annotator=cells["annotator"].strip(),
        stratum=cells.get("stratum", "").strip(),
        weight=1.0 if weight is None else weight,
        week=cells.get("week", "").strip(),
    )


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
