"""Settings of a mining run; every one can be given as `--set key=value`."""

from __future__ import annotations

from dataclasses import dataclass, field

from audience_graph.vectors.window import WINDOW_DAYS
from audience_trainers.relations.alpc.config import AlpcConfig
from audience_trainers.relations.ensemble.config import EnsembleConfig
from audience_trainers.settings import DEVICES, Range, check_choices, check_ranges

MODELS = ("walk", "alpc")
POPULARITY = ("centre", "none")


_CHANCE = Range(0, 1, open_low=True, open_high=True)  # its logit is finite
RANGES = {
    "days": Range(1, 36_500),
    "dims_co": Range(1, 4_096),
    "window": Range(1, 1_000),
    "epochs": Range(1, 1_000),
    "top_co": Range(0, 100_000),
    "top_se": Range(0, 100_000),
    "min_co": Range(0, 1),
    "min_se": Range(0, 1, open_high=True),  # the weight of a text edge is divided by 1 - min_se
    "text_weight": Range(0, 1),
    "texts_per_entity": Range(0, 100_000),
    "held_out": Range(0, 1, open_high=True),
    "review_minimum": Range(0, 1),
    "pair_window": Range(1, 1_000),
    "shift": Range(0, 100),
    "prior": Range(0, 1_000_000),
    "semantic_weight": Range(0, 1_000),
    "session_weight": Range(0, 1_000),
    "event_weight": Range(0, 1_000),
    "alpc_cut": _CHANCE,
    "cut_score": _CHANCE,
    "cut_floor": _CHANCE,
    "source_weight": Range(0, 10),
    "dims": Range(1, 2_000),  # a row with its vector lies on one page of Postgres
    "power": Range(0, 10),
}


@dataclass(frozen=True, slots=True)
class MineAlpc(AlpcConfig):
    """ALPC as a mining run trains it: with pair features, small batches, hard negatives.

    z speaks through its inner product and few dimensions: labels that count behaviour also reward what is merely busy,
    and a z of more freedom learns that too.
    """

    structure: bool = True
    bins: int = 0  # of 0, 12 and 32 the least sure of what is merely busy
    scoring: str = "inner"
    dims: int = 32
    text_dims: int = 64
    walk_dims: int = 64
    hard_share: float = 0.6
    dropout: float = 0.5
    batch: int = 256
    epochs: int = 10


@dataclass(frozen=True, slots=True)
class MineConfig:
    """Resolved settings, saved in run.json. Defaults are tuned on demo worlds whose figures are not reported.

    Raises ConfigError, naming the setting, its range and what was found, for a value out of range.
    """

    model: str = "walk"
    days: int = WINDOW_DAYS
    device: str = "auto"
    # candidates: skip-gram and text similarity
    dims_co: int = 64
    window: int = 8
    epochs: int = 5
    top_co: int = 60
    top_se: int = 15
    min_co: float = 0.2
    min_se: float = 0.5
    popularity: str = "centre"  # how E^Co is corrected for it
    text_weight: float = 0.5  # of the corpus, against an entity's name and description
    texts_per_entity: int = 8
    held_out: float = 0.1  # share of users that judge the candidates and are not seen by E^Co
    review: str = ""  # file of accuracy by bucket
    review_minimum: float = 0.8
    # evidence graph of the walk: information between entities within `pair_window` mentions, plus text similarity
    pair_window: int = 4
    shift: float = 1.0
    prior: float = 4.0
    semantic_weight: float = 0.5
    # alpc: how much meeting in one session, or in one event, adds to meeting within the window
    session_weight: float = 1.0
    event_weight: float = 5.0
    alpc_cut: float = 0.28  # chance of being borne out, beyond its source's own threshold, that makes a relation
    # thresholds of the walk
    cut_score: float = 0.4
    cut_floor: float = 0.1
    source_weight: float = 0.5
    # entity vectors of the preference space
    dims: int = 128
    power: float = 1.0
    # pictures and report.html in the run folder
    plots: bool = True

    # stages II and III of model=alpc, e.g. `alpc.epochs=20`, `ensemble.weeks=6`
    alpc: MineAlpc = field(default_factory=MineAlpc)
    ensemble: EnsembleConfig = field(default_factory=EnsembleConfig)  # `ensemble.weeks=1` = this week alone

    def __post_init__(self) -> None:
        check_choices(self, {"model": MODELS, "device": DEVICES, "popularity": POPULARITY})
        check_ranges(self, RANGES)
