"""From annotations to judged pairs: annotators of a pair merged, strata and weights put back from the sample's key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.errors import InputError, Problem
from audience_trainers.relations.annotation.accuracy import Judged, accurate_by_majority
from audience_trainers.relations.annotation.check import Annotation
from audience_trainers.relations.annotation.file import read_annotations
from audience_trainers.relations.annotation.key import Key, find_key
from audience_trainers.relations.annotation.population import Values

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """One pair with all its annotations. `part`, `provenance` and `score` (NaN = unknown) come from the key.

    A pair that was drawn for two parts of a sample is there twice, with the same annotations.
    """

    source_id: str
    target_id: str
    names: tuple[str, str]
    scores: tuple[tuple[str, float], ...]  # (annotator, score)
    stratum: str
    size: int  # pairs of the stratum in the population, 0 where unknown
    weight: float
    part: str = ""
    provenance: str = ""
    score: float = float("nan")

    @property
    def ids(self) -> tuple[str, str]:
        return self.source_id, self.target_id


@dataclass(frozen=True, slots=True)
class Week:
    """All judged pairs of one week. `key` is None when they come from a file of one's own."""

    week: str
    key: Key | None
    pairs: tuple[JudgedPair, ...]
    annotations: int


def read_weeks(paths: Sequence[Path], *, known: frozenset[str] | None = None) -> list[Week]:
    """Read annotation files and merge those of one week. `known`: ids that entities may have.

    Raises InputError, naming file, row and column: see `read_annotations`; also for a pair that one annotator scored
    in two files, a pair that differs from its sample, and two versions of one week.
    """
    keys: dict[str, Key] = {}
    grouped: dict[str, list[tuple[Path, Annotation]]] = {}
    for path in paths:
        for given in read_annotations(path, known=known):
            key = _key_of(path, given, keys)
            week = given.week or path.stem if key is None else key.week
            grouped.setdefault(week, []).append((path, given))
    return [_week(week, rows, keys) for week, rows in sorted(grouped.items())]


def judged(pairs: Sequence[JudgedPair]) -> Judged:
    """Return pairs in columns. In a stratum whose size is known, the annotated pairs share its size as weight."""
    number = {name: i for i, name in enumerate(dict.fromkeys((p.part, p.stratum) for p in pairs))}
    stratum = np.array([number[p.part, p.stratum] for p in pairs], np.int64)
    seen = np.bincount(stratum, minlength=len(number))
    weight = [p.size / seen[s] if p.size else p.weight for p, s in zip(pairs, stratum.tolist(), strict=True)]
    return Judged(
        accurate=np.array([accurate_by_majority([s for _, s in p.scores]) for p in pairs], np.float64),
        correlation=np.array([np.mean([s for _, s in p.scores]) for p in pairs], np.float64),
        weight=np.array(weight, np.float64),
        stratum=stratum,
    )


def distinct(weeks: Sequence[Week]) -> list[JudgedPair]:
    """Return every pair of every week once."""
    return [pair for week in weeks for pair in {p.ids: p for p in week.pairs}.values()]


def rating_matrix(pairs: Sequence[JudgedPair]) -> tuple[Values, tuple[str, ...]]:
    """Return the scores (pairs, annotators), NaN where not seen, and the annotators in order of their names."""
    names = tuple(sorted({name for p in pairs for name, _ in p.scores}))
    place = {name: i for i, name in enumerate(names)}
    ratings: npt.NDArray[np.float64] = np.full((len(pairs), len(names)), np.nan)
    for row, pair in enumerate(pairs):
        for name, score in pair.scores:
            ratings[row, place[name]] = score
    return ratings, names


def _key_of(path: Path, given: Annotation, keys: dict[str, Key]) -> Key | None:
    """Return the key of an annotation's sample, None without one. The pair must be the one that was sampled."""
    if not given.pair:
        return None
    sample = given.pair.rpartition("-")[0]
    if sample not in keys:
        keys[sample] = find_key(path, sample)
    row = keys[sample].draws.get(given.pair, [None])[0]
    if row is None or (row["source_id"], row["target_id"]) != (given.source_id, given.target_id):
        expected = "a pair of the sample" if row is None else f"{row['source_id']} -> {row['target_id']}, as sampled"
        found = repr(given.pair) if row is None else f"{given.source_id} -> {given.target_id}"
        raise _refused(path, given, "pair", expected, found)
    return keys[sample]


def _week(week: str, rows: Sequence[tuple[Path, Annotation]], keys: dict[str, Key]) -> Week:
    own = {sample for _, given in rows if (sample := given.pair.rpartition("-")[0])}
    origins = {keys[sample].origin for sample in own}
    if len(origins) > 1 or (own and any(not given.pair for _, given in rows)):
        path, given = rows[-1]
        named = ", ".join(sorted(origins))
        raise _refused(path, given, "week", f"one version of week {week}", f"annotations of more than one ({named})")
    pairs: dict[tuple[str, str], list[Annotation]] = {}
    seen: dict[tuple[str, str, str], tuple[Path, int]] = {}
    for path, given in rows:
        before, row = seen.setdefault((given.source_id, given.target_id, given.annotator), (path, given.row))
        if (before, row) != (path, given.row):
            wanted = f"a pair once per annotator; {before.name}, row {row} holds it already"
            raise _refused(path, given, "annotator", wanted, f"{given.annotator} again")
        pairs.setdefault((given.source_id, given.target_id), []).append(given)
    merged = tuple(pair for annotations in pairs.values() for pair in _merge(annotations, keys))
    return Week(week, keys[min(own)] if own else None, merged, len(rows))


def _merge(annotations: Sequence[Annotation], keys: dict[str, Key]) -> Iterator[JudgedPair]:
    first = annotations[0]
    key = keys.get(first.pair.rpartition("-")[0])
    for said in [{}] if key is None else key.draws[first.pair]:
        score = said.get("score")
        yield JudgedPair(
            source_id=first.source_id,
            target_id=first.target_id,
            names=first.names,
            scores=tuple((a.annotator, a.score) for a in annotations),
            stratum=said.get("stratum", first.stratum),
            size=said.get("size", 0),
            weight=said.get("weight", first.weight),
            part=said.get("part", ""),
            provenance=said.get("provenance", ""),
            score=float("nan") if score is None else score,
        )


def _refused(path: Path, given: Annotation, column: str, expected: str, found: str) -> InputError:
    problem = Problem(path.name, given.row, column, expected, found)
    return InputError(f"{path.name}: 1 problem", problems=[problem], hint="correct the file; nothing was measured")
