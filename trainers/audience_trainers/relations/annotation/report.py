"""What annotations say of relations: ACC, CorS, AECC and AUC by week, pool and stratum; agreement; variance of ACC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.annotation.accuracy import (
    UNKNOWN,
    Estimate,
    Judged,
    accuracy,
    correlation_score,
    expansion_count,
    ranking_quality,
    sampling_variance,
    variance_over_weeks,
)
from audience_trainers.relations.annotation.agreement import Agreement, agreement
from audience_trainers.relations.annotation.judgements import JudgedPair, Week, distinct, judged, rating_matrix
from audience_trainers.relations.annotation.population import Population, Values
from audience_trainers.relations.annotation.sample import EXPLORED, OTHER, POPULARITY, RELATION

Rows = npt.NDArray[np.int64]
# A pool has no AUC when more of it has no score: what the model scored of popular pairs is no sample of them.
_UNSCORED = 0.5


@dataclass(frozen=True, slots=True)
class PoolReport:
    """Figures of one pool of a week. `aecc` is None where the pool has no known size; `strata` maps label -> ACC.

    `covered` (only of the relations of a run or version named beside the files) is the estimated share of them that
    the sample could have drawn: what lies outside was judged by nobody.
    """

    week: str
    pool: str
    pairs: int
    acc: Estimate
    cors: Estimate
    aecc: float | None
    auc: Estimate
    strata: dict[str, tuple[int, Estimate]]
    covered: float | None = None


@dataclass(frozen=True, slots=True)
class Variance:
    """ACC of one pool over weeks; variances in squared percentage points (EGL Table I)."""

    pool: str
    weeks: int
    mean: float
    variance: float
    sampling: float


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that `evaluate accuracy` prints. `disagreements`: pairs with different scores, widest first."""

    pools: tuple[PoolReport, ...]
    variances: tuple[Variance, ...]
    agreement: Agreement
    disagreements: tuple[JudgedPair, ...]
    annotations: int

    def to_dict(self) -> dict[str, Any]:
        """Return the one object of `--json`; figures that are not defined are null."""
        return {
            "annotations": self.annotations,
            "pools": [_pool_dict(pool) for pool in self.pools],
            "over_weeks": [_plain(asdict(v)) for v in self.variances],
            "agreement": _plain(asdict(self.agreement)),
            "disagreements": [
                {"source_id": p.source_id, "target_id": p.target_id, "names": list(p.names), "scores": dict(p.scores)}
                for p in self.disagreements
            ],
        }


def make_report(weeks: Sequence[Week], *, beside: Population | None = None, seed: int = 0) -> Report:
    """Measure judged weeks. With `beside` (a run or version) its scores are ranked and its relations are a pool too."""
    pools: list[PoolReport] = []
    samples: dict[str, list[Judged]] = {}
    for week in weeks:
        own, every_row = _pools(week), judged(week.pairs)
        model = np.array([p.score for p in week.pairs], np.float64)
        if beside is not None:
            at = _rows_in(week, beside)
            model = np.where(at >= 0, beside.pairs.score[at], np.nan)
            kept = (at >= 0) & beside.pairs.relation[at]
            own[f"relations of {beside.origin}"] = [
                i for i, p in enumerate(week.pairs) if kept[i] and p.part != POPULARITY
            ]
        for name, keep in own.items():
            if not keep:
                continue
            pairs = [week.pairs[i] for i in keep]
            rows = every_row.only(np.array(keep))
            samples.setdefault(name, []).append(rows)
            pools.append(_pool(week, name, pairs, rows, model[keep], beside=beside, seed=seed))
    every = distinct(weeks)
    ratings, _ = rating_matrix(every)
    return Report(
        pools=tuple(pools),
        variances=tuple(_variance(name, own) for name, own in samples.items() if len(own) >= 2),
        agreement=agreement(ratings),
        disagreements=_disagreements(every),
        annotations=sum(week.annotations for week in weeks),
    )


def _pools(week: Week) -> dict[str, list[int]]:
    """Return the rows of each pool that the sample was drawn for."""
    places = list(enumerate(week.pairs))
    if week.key is None:
        pools = {"annotated": [i for i, _ in places]}
    else:
        sampled = {draw["part"] for draws in week.key.draws.values() for draw in draws}
        pools = {"relations": [i for i, p in places if p.part == RELATION]}
        if OTHER in sampled:
            pools["candidates"] = [i for i, p in places if p.part in (RELATION, OTHER) and p.provenance != EXPLORED]
        pools["popularity"] = [i for i, p in places if p.part == POPULARITY]
    return pools


def _pool(
    week: Week,
    name: str,
    pairs: Sequence[JudgedPair],
    rows: Judged,
    score: Values,
    *,
    beside: Population | None,
    seed: int,
) -> PoolReport:
    strata = {}
    labels = [p.stratum if p.part == "" or name != "candidates" else f"{p.part}: {p.stratum}" for p in pairs]
    for label in sorted(set(labels) - {"", name}):
        keep = np.array([own == label for own in labels])
        strata[label] = (int(keep.sum()), accuracy(rows.only(keep)))
    counted = None
    covered = None
    if beside is not None and name.endswith(beside.origin):
        total = int(beside.pairs.relation.sum())
        counted = expansion_count(total, len(beside))
        covered = min(1.0, float(rows.weight.sum()) / total) if week.key is not None and total else None
    elif week.key is not None and name in ("relations", "candidates"):
        counted = expansion_count(getattr(week.key, name), week.key.entities)
    return PoolReport(
        week=week.week,
        pool=name,
        pairs=len(pairs),
        acc=accuracy(rows),
        cors=correlation_score(rows, seed=seed),
        aecc=counted,
        auc=ranking_quality(rows, score, seed=seed) if np.isnan(score).mean() <= _UNSCORED else UNKNOWN,
        strata=strata,
        covered=covered,
    )


def _rows_in(week: Week, beside: Population) -> Rows:
    """Return where each pair of a week stands among the pairs of a population, -1 where it does not."""
    n = len(beside)
    place = {entity_id: i for i, entity_id in enumerate(beside.ids)}
    keys = beside.pairs.source * n + beside.pairs.target
    wanted = np.array([place[p.source_id] * n + place[p.target_id] for p in week.pairs], np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    return np.where(keys[at] == wanted, at, -1) if len(keys) else np.full(len(wanted), -1)


def _variance(pool: str, weeks: Sequence[Judged]) -> Variance:
    weekly = [accuracy(week).value for week in weeks]
    return Variance(pool, len(weeks), float(np.mean(weekly)), variance_over_weeks(weekly), sampling_variance(weeks))


def _disagreements(pairs: Sequence[JudgedPair]) -> tuple[JudgedPair, ...]:
    def width(pair: JudgedPair) -> float:
        given = [score for _, score in pair.scores]
        return max(given) - min(given)

    return tuple(sorted((p for p in pairs if width(p) > 0), key=lambda p: (-width(p), p.ids)))


def _pool_dict(pool: PoolReport) -> dict[str, Any]:
    values = _plain(asdict(pool))
    strata = {
        label: {"pairs": pairs, "acc": _plain(asdict(estimate))} for label, (pairs, estimate) in pool.strata.items()
    }
    return {**values, "strata": strata}


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _plain(value)
        if isinstance(value, dict)
        else None
        if isinstance(value, float) and math.isnan(value)
        else value
        for name, value in values.items()
    }
