"""Every model of `audience-graph evaluate relations`, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from audience_graph.errors import ConfigError
from audience_trainers.relations.linkpred.task import FitOptions, Scorer, Training

Setting = Mapping[str, Any]
Fit = Callable[[Training, Setting, FitOptions], Scorer]


@dataclass(frozen=True, slots=True)
class Model:
    """One row of the table: where its `fit(training, setting, options)` lives, and what validation chooses from.

    `grid` holds at most MOST_SETTINGS settings, the same budget for everyone; the first is the default. `kind` is
    `heuristic`, `paper` (a baseline of EGL, Table II), `ours` or `peer`.
    """

    fit: str  # "module:function", imported when it runs
    kind: str
    grid: tuple[Setting, ...] = ({},)
    servers: bool = False  # whether it asks Neo4j

    def load(self) -> Fit:
        """Import and return the fit function."""
        module, _, name = self.fit.partition(":")
        found: Fit = getattr(import_module(module), name)
        return found

    @property
    def deterministic(self) -> bool:
        """Whether chance plays no part: one fit stands for every seed, and its interval is a point."""
        return self.kind == "heuristic"


MOST_SETTINGS = 4
_HERE = "audience_trainers.relations"

MODELS: dict[str, Model] = {
    "common_neighbours": Model(f"{_HERE}.baselines.heuristics:fit_common_neighbours", "heuristic"),
    "jaccard": Model(f"{_HERE}.baselines.heuristics:fit_jaccard", "heuristic"),
    "preferential_attachment": Model(f"{_HERE}.baselines.heuristics:fit_preferential_attachment", "heuristic"),
    "adamic_adar": Model(f"{_HERE}.baselines.heuristics:fit_adamic_adar", "heuristic"),
    "resource_allocation": Model(f"{_HERE}.baselines.heuristics:fit_resource_allocation", "heuristic"),
    "walk": Model(f"{_HERE}.baselines.heuristics:fit_walk", "heuristic"),
    "deepwalk": Model(
        f"{_HERE}.baselines.deepwalk:fit_deepwalk", "paper", ({"window": 2}, {"window": 5}, {"window": 10})
    ),
    "node2vec": Model(
        f"{_HERE}.baselines.node2vec:fit_node2vec",
        "paper",
        (
            {"p": 1.0, "q": 0.5, "window": 2},
            {"p": 1.0, "q": 2.0, "window": 2},
            {"p": 0.25, "q": 1.0, "window": 2},
            {"p": 1.0, "q": 0.5, "window": 5},
        ),
    ),
    "boosting": Model(
        f"{_HERE}.baselines.boosting:fit_boosting",
        "peer",
        (
            {"leaves": 15, "iterations": 200, "ratio": 3},
            {"leaves": 31, "iterations": 400, "ratio": 3},
            {"leaves": 15, "iterations": 200, "ratio": 1},
            {"leaves": 31, "iterations": 400, "ratio": 1},
        ),
    ),
    "fastrp": Model(
        f"{_HERE}.baselines.fastrp:fit_fastrp",
        "peer",
        (
            {"weights": [0.0, 1.0, 1.0]},
            {"weights": [0.0, 1.0, 1.0, 1.0]},
            {"weights": [0.0, 0.0, 1.0, 1.0], "normalization": -0.5},
            {"weights": [1.0, 1.0, 1.0], "normalization": -0.5},
        ),
        servers=True,
    ),
    "alpc": Model(f"{_HERE}.alpc.fit:fit_alpc", "ours"),
    "alpc_without_threshold": Model(f"{_HERE}.alpc.fit:fit_alpc_without_threshold", "ours"),
    "alpc_without_contrast": Model(f"{_HERE}.alpc.fit:fit_alpc_without_contrast", "ours"),
    "alpc+structure": Model(f"{_HERE}.alpc.fit:fit_alpc_structure", "ours"),
    "structure_alone": Model(f"{_HERE}.alpc.fit:fit_structure_alone", "ours"),
    "gae": Model(f"{_HERE}.baselines.gae:fit_gae", "peer", ({}, {"rate": 0.01}, {"dropout": 0.2}, {"learned": True})),
    "vgae": Model(
        f"{_HERE}.baselines.gae:fit_vgae", "paper", ({}, {"rate": 0.01}, {"dropout": 0.2}, {"learned": True})
    ),
    "compgcn": Model(
        f"{_HERE}.baselines.compgcn:fit_compgcn",
        "paper",
        ({}, {"rate": 0.01}, {"composition": "sub"}, {"composition": "corr"}),
    ),
    "geniepath": Model(
        f"{_HERE}.baselines.geniepath_link:fit_geniepath",
        "paper",
        ({}, {"lazy": False}, {"rate": 0.02}, {"learned": True}),
    ),
    "seal": Model(
        f"{_HERE}.baselines.seal:fit_seal",
        "paper",
        ({}, {"hops": 2, "per_hop": 20}, {"rate": 0.001}, {"learned": True}),
    ),
    "pagnn": Model(
        f"{_HERE}.baselines.pagnn:fit_pagnn", "paper", ({}, {"per_hop": 30}, {"rate": 0.002}, {"learned": True})
    ),
}


def choose_models(names: str) -> dict[str, Model]:
    """Return the models of a comma-separated list, or every one for `all`. Raises ConfigError for an unknown name."""
    if names == "all":
        return dict(MODELS)
    wanted: Sequence[str] = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in MODELS]
    if unknown or not wanted:
        raise ConfigError(
            f"unknown model {', '.join(map(repr, unknown)) or repr(names)}", hint=f"models: all, {', '.join(MODELS)}"
        )
    return {name: MODELS[name] for name in wanted}
