"""How good mined relations and targeting are, against the planted truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
SHARE = 0.05
# Give (phrase, how many users) and get the best of them with their scores.
Targeter = Callable[[str, int], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class RelationQuality:
    """Precision and recall of directed relations against the true ones; `mean_grade` is EGL's CorS (eq. 8)."""

    precision: float
    recall: float
    mean_grade: float
    found: int
    true: int


@dataclass(frozen=True, slots=True)
class PhraseLift:
    """Lift at 5 % of one phrase: share of positives among the best 5 % of eligible users over their base rate.

    `lift` is the targeter's, the others are what it stands beside: a random order, users by number of events, users by
    number of distinct entities met, and the hidden interests.
    """

    phrase: str
    entity_id: str
    eligible: int
    positives: int
    lift: float
    random: float
    events: float
    breadth: float
    oracle: float


def relation_quality(found: pd.DataFrame, truth: pd.DataFrame) -> RelationQuality:
    """Compare relations (columns source_id, target_id) with the true ones (and grade). Pairs are directed.

    Precision and mean grade are 0.0 when nothing was found. Duplicate pairs count once.
    """
    pairs = found[["source_id", "target_id"]].drop_duplicates()
    graded = (
        pairs.merge(truth, on=["source_id", "target_id"], how="left")["grade"].fillna(0.0).to_numpy(dtype=np.float64)
    )
    hits = int((graded > 0).sum())
    return RelationQuality(
        precision=hits / len(pairs) if len(pairs) else 0.0,
        recall=hits / len(truth) if len(truth) else 0.0,
        mean_grade=float(graded.mean()) if len(pairs) else 0.0,
        found=len(pairs),
        true=len(truth),
    )


def lift_at(scores: FloatArray, positive: BoolArray, eligible: BoolArray, share: float = SHARE) -> float:
    """Return the positive rate of the best `share` of eligible users (rounded up to a user) over their base rate.

    Users tied at the cut count in equal parts: the expected value over random orders of the tie. NaN when no
    eligible user is positive. Scores of users who are not eligible are not looked at.
    """
    own, hit = scores[eligible], positive[eligible]
    if not hit.any():
        return float("nan")
    size = max(1, int(np.ceil(share * len(own) - 1e-9)))
    cut = np.partition(own, len(own) - size)[len(own) - size]
    above, tied = own > cut, own == cut
    inside = hit[above].sum() + (size - above.sum()) * hit[tied].mean()
    return float(inside / size / hit.mean())


@dataclass(frozen=True, slots=True)
class Truth:
    """What the evaluation needs of a world: its users, how active each was, its phrases and who acted on them."""

    users: npt.NDArray[np.object_]
    events: FloatArray  # events in the history, per user
    breadth: FloatArray  # distinct entities in the history, per user
    phrases: tuple[tuple[str, str], ...]  # (phrase, entity id)
    known: Mapping[str, BoolArray]  # entity id -> users with an event of it in their history
    acted: Mapping[str, BoolArray]  # entity id -> users with an event of it in the future window
    oracle: Mapping[str, FloatArray]  # phrase -> hidden interest in what leads to its entity


def read_truth(folder: Path) -> Truth:
    """Read what targeting is judged by from a folder that `write_world` wrote."""
    users = np.unique(pq.read_table(folder / "users.parquet", columns=["user_id"])["user_id"].to_numpy())
    row = pd.Series(np.arange(len(users)), index=users)
    events = pq.read_table(folder / "events.parquet", columns=["user_id"])["user_id"].to_numpy()
    phrases = pd.read_parquet(folder / "truth" / "phrases.parquet")
    wanted = set(phrases["entity_id"])
    met = pq.read_table(folder / "truth" / "known.parquet")
    known = met.filter(pc.is_in(met["entity_id"], pa.array(sorted(wanted)))).to_pandas()
    acted = _acted(folder / "truth" / "future_events.parquet", wanted)
    return Truth(
        users=users,
        events=_count(row, events),
        breadth=_count(row, met["user_id"].to_numpy()),
        phrases=tuple(zip(phrases["phrase"], phrases["entity_id"], strict=True)),
        known={e: _flags(row, known.loc[known["entity_id"] == e, "user_id"]) for e in wanted},
        acted={e: _flags(row, acted.loc[acted["entity_id"] == e, "user_id"]) for e in wanted},
        oracle=_oracle(folder / "truth", row),
    )


def targeting_quality(truth: Truth, target: Targeter, *, seed: int = 0) -> tuple[PhraseLift, ...]:
    """Return the lift of every phrase for a targeter, a random order, the most active users (by events, and by distinct
    entities), and the hidden interests.

    Positive = acted on the phrase's entity in the future window; eligible = no event of it in the history. The
    targeter is asked for as many users as can hold the best 5 % of the eligible; whoever it leaves out ranks last.
    """
    rng = np.random.default_rng(seed)
    row = pd.Series(np.arange(len(truth.users)), index=truth.users)
    lifts = []
    for phrase, entity in truth.phrases:
        eligible = ~truth.known[entity]
        positive = truth.acted[entity] & eligible
        size = int(np.ceil(SHARE * eligible.sum())) + int((~eligible).sum())
        answer = target(phrase, size)
        scores = np.full(len(truth.users), -np.inf)
        scores[row.loc[list(answer)].to_numpy()] = list(answer.values())
        rankings = (scores, rng.random(len(scores)), truth.events, truth.breadth, truth.oracle[phrase])
        lifts.append(
            PhraseLift(
                phrase,
                entity,
                int(eligible.sum()),
                int(positive.sum()),
                *(lift_at(own, positive, eligible) for own in rankings),
            )
        )
    return tuple(lifts)


def summary(lifts: Sequence[PhraseLift]) -> dict[str, float]:
    """Return the medians over phrases that the demo reports.

    `lift_popularity` is the stronger of the two rankings by activity, whose own medians stand beside it.
    """
    events, breadth = (_median([getattr(x, name) for x in lifts]) for name in ("events", "breadth"))
    return {
        "lift_median": _median([x.lift for x in lifts]),
        "lift_random": _median([x.random for x in lifts]),
        "lift_popularity": max(events, breadth),
        "lift_oracle": _median([x.oracle for x in lifts]),
        "lift_most_events": events,
        "lift_most_entities": breadth,
    }


def _median(values: Sequence[float]) -> float:
    return round(float(np.nanmedian(values)), 4)


def _count(row: pd.Series, users: npt.NDArray[np.object_]) -> FloatArray:
    return np.bincount(row.loc[pd.Index(users)].to_numpy(), minlength=len(row)).astype(np.float64)


def _flags(row: pd.Series, users: pd.Series) -> BoolArray:
    flags = np.zeros(len(row), dtype=bool)
    flags[row.loc[users].to_numpy()] = True
    return flags


def _acted(path: Path, wanted: set[str]) -> pd.DataFrame:
    table = pq.read_table(path, columns=["user_id", "true_entity_ids"])
    flat = pa.table(
        {
            "user_id": table["user_id"].take(pc.list_parent_indices(table["true_entity_ids"])),
            "entity_id": pc.list_flatten(table["true_entity_ids"]),
        }
    )
    frame: pd.DataFrame = flat.filter(pc.is_in(flat["entity_id"], pa.array(sorted(wanted)))).to_pandas()
    return frame.drop_duplicates()


def _oracle(folder: Path, row: pd.Series) -> dict[str, FloatArray]:
    interests = pd.read_parquet(folder / "interests.parquet")
    ways = pd.read_parquet(folder / "phrase_services.parquet")
    oracle: dict[str, FloatArray] = {}
    for phrase, own in ways.groupby("phrase", sort=False):
        pull = interests["service"].map(own.set_index("service")["weight"]).fillna(0.0) * interests["weight"]
        at = row.loc[interests["user_id"]].to_numpy()
        scores = np.bincount(at, weights=pull.to_numpy(dtype=np.float64), minlength=len(row))
        oracle[str(phrase)] = scores.astype(np.float64)
    return oracle
