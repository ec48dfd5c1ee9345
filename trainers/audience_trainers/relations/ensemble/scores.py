"""What stage II of each week said of pairs: s_uv and eps_u, brought under this week's entities and slots.

Three answers must not be taken for one another: a score; "not scored", a pair of two known entities that the week did
not even take for a candidate, which speaks against it; and nothing at all, from a week that keeps no scores or did not
know an entity. The first two are `asked`, the first alone is `scored`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import RunError
from audience_trainers.relations.ensemble.weeks import WeekVectors, places

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Scored(NamedTuple):
    """Pairs by a week's entity indices and stage II's logits of them (p,)."""

    source: Ints
    target: Ints
    logit: npt.NDArray[np.floating[Any]]


NOTHING = Scored(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class WeekScores:
    """Stage II of one week: s_uv of the pairs that it scored, eps_u (n,), and log(1 + mentions) of each entity (n,).

    `eps` is on the scale of the logits, before the cut of the run. `held` are the pairs of its examination, which it
    was not trained on, scored by the half of the users that does not tell their labels. What a run does not keep is
    None.
    """

    pairs: Scored
    eps: Floats | None = None
    met: Floats | None = None
    held: Scored | None = None

    def by_entity(self) -> pa.Table | None:
        """Return the run folder's stage_two.parquet: eps and met by entity, in order."""
        return None if self.eps is None else pa.table({"eps": self.eps, "met": self.met})

    def by_held_pair(self) -> pa.Table | None:
        """Return the run folder's held.parquet."""
        if self.held is None:
            return None
        ends = {"source": self.held.source.astype(np.int32), "target": self.held.target.astype(np.int32)}
        return pa.table(ends | {"logit": self.held.logit.astype(np.float32)})


class Told(NamedTuple):
    """Of pairs and weeks (p, T): stage II's logit (0 where not scored), whether it is there, whether it could be."""

    logit: Floats
    scored: Bools
    asked: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Per slot the sorted keys of undirected pairs and their logits, under this week's n entities.

    `known` (n, T) says which entities a week with scores knew.
    """

    n: int
    keys: tuple[Ints, ...]
    logits: tuple[Floats, ...]
    known: Bools

    def of(self, source: Ints, target: Ints) -> Told:
        """Return what each week says of pairs, alike for (u, v) and (v, u)."""
        key = np.minimum(source, target) * self.n + np.maximum(source, target)
        logit = np.zeros((len(key), len(self.keys)), np.float32)
        scored = np.zeros(logit.shape, np.bool_)
        for slot, (keys, logits) in enumerate(zip(self.keys, self.logits, strict=True)):
            if len(keys) == 0:
                continue
            place = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            scored[:, slot] = keys[place] == key
            logit[:, slot] = np.where(scored[:, slot], logits[place], 0.0)
        return Told(logit, scored, scored | (self.known[source] & self.known[target]))


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Stage II of all weeks: scored pairs, held pairs, eps (n, T), NaN = none, and met (n, T), standardised.

    `margins` are s_uv - eps_u of every directed pair that a week scored, sorted; empty without eps.
    """

    pairs: Listed
    held: Listed
    eps: Floats
    met: Floats
    margins: tuple[Floats, ...]

    def usual_number(self, cut: float) -> int | None:
        """Return how many relations stage II publishes in a mean week at a cut; None when no week tells."""
        counts = [len(m) - int(np.searchsorted(m, cut, side="right")) for m in self.margins if len(m)]
        return round(float(np.mean(counts))) if counts else None


def gather_scores(weeks: Sequence[tuple[WeekScores | None, Ints]], n: int) -> Scores:
    """Bring scores of slots, oldest first, under this week's n entities: entity i of slot t is place[i], -1 = gone.

    A week without scores says nothing of anyone.
    """
    eps, met = np.full((n, len(weeks)), np.nan, np.float32), np.zeros((n, len(weeks)), np.float32)
    margins = []
    for slot, (week, place) in enumerate(weeks):
        margins.append(np.zeros(0, np.float32) if week is None else _margins(week))
        for values, found in ((eps, None if week is None else week.eps), (met, None if week is None else week.met)):
            if found is not None:
                values[place[place >= 0], slot] = found[place >= 0]
    size = float(met.std())
    return Scores(
        pairs=_listed([(None if week is None else week.pairs, place) for week, place in weeks], n),
        held=_listed([(None if week is None else week.held, place) for week, place in weeks], n),
        eps=eps,
        met=((met - met.mean()) / size if size > 0 else met).astype(np.float32),
        margins=tuple(margins),
    )


def no_scores(n: int, slots: int) -> Scores:
    """Return scores of weeks that keep none."""
    return gather_scores([(None, np.zeros(0, np.int64))] * slots, n)


def read_scores(week: WeekVectors, ids: Sequence[str]) -> tuple[WeekScores | None, Ints]:
    """Return what a past week's run keeps of stage II, and the place of its entities among `ids`.

    None for a run that keeps no scores of stage II alone. Raises RunError when a file is damaged.
    """
    place = places(week.ids, ids)
    folder = week.folder
    if folder is None or not (folder / "candidates.parquet").is_file():
        return None, place
    try:
        if "single_logit" not in pq.read_schema(folder / "candidates.parquet").names:
            return None, place
        pairs = _scored(pq.read_table(folder / "candidates.parquet", columns=["source", "target", "single_logit"]))
        entities = pq.read_table(folder / "stage_two.parquet") if (folder / "stage_two.parquet").is_file() else None
        held = _scored(pq.read_table(folder / "held.parquet")) if (folder / "held.parquet").is_file() else None
        if entities is None:
            return WeekScores(pairs, held=held), place
        eps, met = (entities[name].to_numpy().astype(np.float32) for name in ("eps", "met"))
        return WeekScores(pairs, eps, met, held), place
    except (OSError, pa.ArrowException, KeyError) as exc:
        raise RunError(f"{folder} is damaged: {exc}", hint="mine that week again") from exc


def _scored(table: pa.Table) -> Scored:
    source, target, logit = (column.to_numpy() for column in table.columns)
    return Scored(source.astype(np.int64), target.astype(np.int64), logit.astype(np.float32))


def _listed(weeks: Sequence[tuple[Scored | None, Ints]], n: int) -> Listed:
    keys, logits, known = [], [], np.zeros((n, len(weeks)), np.bool_)
    for slot, (found, place) in enumerate(weeks):
        pairs = NOTHING if found is None else found
        if found is not None:
            known[place[place >= 0], slot] = True
        source, target = place[pairs.source], place[pairs.target]
        rows = np.flatnonzero((source >= 0) & (target >= 0))
        key = np.minimum(source, target)[rows] * n + np.maximum(source, target)[rows]
        once, first = np.unique(key, return_index=True)
        keys.append(once)
        logits.append(pairs.logit[rows[first]].astype(np.float32))
    return Listed(n, tuple(keys), tuple(logits), known)


def _margins(week: WeekScores) -> Floats:
    if week.eps is None:
        return np.zeros(0, np.float32)
    return np.sort((week.pairs.logit - week.eps[week.pairs.source]).astype(np.float32))
