"""Draw pairs for annotation: stratified, with the weights that make an estimate of the whole unbiased."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError
from audience_trainers.relations.annotation.population import Population, Texts, Values

By = Literal["provenance", "score", "source"]
POOLS = ("relations", "candidates", "popularity")
# The parts that pools are made of: G^C is the relations that passed the threshold and the other candidates.
RELATION, OTHER, POPULARITY = "relation", "other candidate", "popularity"
EXPLORED = "explored"
_BINS = 4
_TRIES = 200


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """How many pairs of which pools, stratified by what, for whom. `overlap`: share of pairs that two people see."""

    pools: tuple[str, ...] = ("relations",)
    count: int = 400
    by: By = "provenance"
    annotators: tuple[str, ...] = ("annotator",)
    overlap: float = 0.2
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Sample:
    """Draws in shuffled order (m,): pair, entity places, part, stratum in words, weight, row in the population's pairs.

    `pair` numbers the distinct pairs by their first draw: popularity may draw a pair that another part drew too, which
    is annotated once and counts for both. `row` is -1 for a pair that is none of the run's. `assigned[i]` are the
    annotators of pair i.
    """

    name: str
    pair: npt.NDArray[np.int64]
    source: npt.NDArray[np.int64]
    target: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    part: Texts
    stratum: Texts
    size: npt.NDArray[np.int64]  # pairs of the stratum in the population
    weight: Values
    assigned: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.assigned)

    def first_draws(self) -> npt.NDArray[np.int64]:
        """Return where each pair was drawn first, in order of the pairs."""
        return np.unique(self.pair, return_index=True)[1]


def draw_sample(population: Population, options: SampleOptions) -> Sample:
    """Draw `count` pairs, shared equally by the parts and, inside a part, over its strata (see `allocate`).

    Inside a stratum pairs are drawn without replacement and each stands for (pairs of the stratum) / (pairs drawn).
    Popularity-sampled pairs are two different entities, each drawn with the chance of its share of all mentions; they
    have weight 1. Raises ConfigError for a pool that is not there, or a count under one pair a stratum.
    """
    rng = np.random.default_rng(options.seed)
    strata = _strata(population, options)
    parts = list(dict.fromkeys(part for part, _, _ in strata))
    shares = _even(options.count, len(parts) + (POPULARITY in _parts(options.pools)))
    drawn = []
    for part, share in zip(parts, shares, strict=False):
        own = [(label, rows) for name, label, rows in strata if name == part]
        if share < len(own):
            raise ConfigError(
                f"{options.count} pairs are too few for {len(strata)} strata", hint="raise --count, or drop a --pool"
            )
        for (label, rows), take in zip(own, allocate([len(rows) for _, rows in own], share), strict=True):
            chosen = rng.choice(rows, take, replace=False)
            drawn += [(int(r), part, label, len(rows), len(rows) / take) for r in chosen]
    pairs = population.pairs
    source, target = (side[[d[0] for d in drawn]] if drawn else side[:0] for side in (pairs.source, pairs.target))
    row = np.array([d[0] for d in drawn], np.int64)
    if POPULARITY in _parts(options.pools):
        left, right = sample_by_popularity(population.popularity, shares[-1], rng)
        source, target = np.concatenate([source, left]), np.concatenate([target, right])
        row = np.concatenate([row, _find(population, left, right)])
        drawn += [(-1, POPULARITY, POPULARITY, 0, 1.0)] * len(left)
    order = rng.permutation(len(drawn))
    numbers: dict[int, int] = {}
    for key in (source * len(population) + target)[order].tolist():
        numbers.setdefault(key, len(numbers))
    return Sample(
        name=_name(population, options),
        pair=np.array([numbers[key] for key in (source * len(population) + target)[order].tolist()], np.int64),
        source=source[order],
        target=target[order],
        row=row[order],
        part=np.array([d[1] for d in drawn], dtype=object)[order],
        stratum=np.array([d[2] for d in drawn], dtype=object)[order],
        size=np.array([d[3] for d in drawn], np.int64)[order],
        weight=np.array([d[4] for d in drawn], np.float64)[order],
        assigned=assign(len(numbers), options.annotators, options.overlap),
    )


def allocate(sizes: Sequence[int], count: int) -> list[int]:
    """Share `count` over strata of these sizes: one each, the rest by the square root of the size (power allocation).

    So a large stratum, which decides the whole, gets more, and a small one still says something. What a stratum cannot
    give goes to the others.
    """
    taken = [min(1, size) for size in sizes]
    left = min(count, sum(sizes)) - sum(taken)
    while left > 0:
        free = [i for i, size in enumerate(sizes) if taken[i] < size]
        whole = sum(math.sqrt(sizes[i]) for i in free)
        wanted = {i: left * math.sqrt(sizes[i]) / whole for i in free}
        for i in sorted(free, key=lambda i: -wanted[i]):
            given = min(math.ceil(wanted[i]), sizes[i] - taken[i], left)
            taken[i] += given
            left -= given
    return taken


def assign(pairs: int, annotators: Sequence[str], overlap: float) -> tuple[tuple[str, ...], ...]:
    """Give each pair, in order, to the next annotator; the first `overlap` of them to a second one too."""
    k = len(annotators)
    twice = round(overlap * pairs) if k > 1 else 0
    return tuple(
        (annotators[i % k], annotators[(i + 1 + i // k % (k - 1)) % k]) if i < twice else (annotators[i % k],)
        for i in range(pairs)
    )


def sample_by_popularity(
    popularity: Values, count: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Draw up to `count` distinct pairs of two different entities, each entity by its share of the popularity.

    Raises ConfigError when fewer than two entities have any.
    """
    known = np.flatnonzero(popularity > 0)
    if len(known) < 2:
        raise ConfigError("fewer than two entities have a popularity", hint="load events, or drop --pool popularity")
    chance = popularity[known] / popularity[known].sum()
    n = len(popularity)
    found: dict[int, None] = {}
    for _ in range(_TRIES):
        left, right = (known[rng.choice(len(known), count, p=chance)] for _ in range(2))
        found |= dict.fromkeys((left * n + right)[left != right].tolist())
        if len(found) >= count:
            break
    keys = np.array(list(found)[:count], np.int64)
    return keys // n, keys % n


def _parts(pools: Sequence[str]) -> tuple[str, ...]:
    wanted = {"relations": (RELATION,), "candidates": (RELATION, OTHER), "popularity": (POPULARITY,)}
    return tuple(dict.fromkeys(part for pool in pools for part in wanted[pool]))


def _strata(population: Population, options: SampleOptions) -> list[tuple[str, str, npt.NDArray[np.int64]]]:
    """Return (part, label, rows) of every stratum that holds a pair, without the popularity-sampled ones."""
    if "candidates" in options.pools and not population.has_candidates:
        raise ConfigError(
            f"candidates of {population.origin} are not in the stores", hint="sample them from its run folder: --run"
        )
    pairs, found = population.pairs, []
    members = {RELATION: pairs.relation, OTHER: ~pairs.relation & (pairs.provenance != EXPLORED)}
    for part in _parts(options.pools):
        if part == POPULARITY:
            continue
        rows = np.flatnonzero(members[part])
        labels = _labels(population, rows, options.by)
        found += [(part, str(label), rows[labels == label]) for label in sorted(set(labels.tolist()))]
    return found


def _labels(population: Population, rows: npt.NDArray[np.int64], by: By) -> Texts:
    pairs = population.pairs
    if by == "provenance":
        return np.array([text or "unknown" for text in pairs.provenance[rows]], dtype=object)
    value = pairs.score[rows] if by == "score" else population.popularity[pairs.source[rows]]
    known = ~np.isnan(value)
    labels = np.full(len(rows), "unscored", dtype=object)
    if known.any():
        cuts = np.unique(np.quantile(value[known], np.linspace(0, 1, _BINS + 1)))
        place = np.clip(np.searchsorted(cuts, value[known], side="right") - 1, 0, max(len(cuts) - 2, 0))
        what = "score" if by == "score" else "mentions of source"
        ends = np.append(cuts, cuts[-1])
        labels[known] = [f"{what} {ends[i]:.4g} to {ends[i + 1]:.4g}" for i in place]
    return labels


def _find(population: Population, left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    n, pairs = len(population), population.pairs
    keys, wanted = pairs.source * n + pairs.target, left * n + right
    at = np.minimum(np.searchsorted(keys, wanted), max(len(keys) - 1, 0))
    return np.where(keys[at] == wanted, at, -1) if len(keys) else np.full(len(left), -1)


def _even(count: int, shares: int) -> list[int]:
    return [count // shares + (i < count % shares) for i in range(shares)]


def _name(population: Population, options: SampleOptions) -> str:
    return hashlib.sha256(repr((population.origin, options)).encode()).hexdigest()[:6]
