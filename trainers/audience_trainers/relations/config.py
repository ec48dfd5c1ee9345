"""Settings of a mining run; every one can be given as `--set key=value`."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.vectors.window import WINDOW_DAYS

MODELS = ("walk",)


@dataclass(frozen=True, slots=True)
class MineConfig:
    """Resolved settings, saved in run.json. Defaults are tuned on demo worlds whose figures are not reported."""

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
    # evidence graph of the walk: information between entities within `pair_window` mentions, plus text similarity
    pair_window: int = 4
    shift: float = 1.0
    prior: float = 4.0
    semantic_weight: float = 0.5
    # thresholds
    cut_score: float = 0.4
    cut_floor: float = 0.1
    source_weight: float = 0.5
    # entity vectors of the preference space
    dims: int = 128
    power: float = 1.0
