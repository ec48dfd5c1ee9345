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

    def load(self) -> Fit:
        """Import and return the fit function."""
        module, _, name = self.fit.partition(":")
        found: Fit = getattr(import_module(module), name)
        return found


MOST_SETTINGS = 4
_HERE = "audience_trainers.relations"

MODELS: dict[str, Model] = {
    "walk": Model(f"{_HERE}.baselines.heuristics:fit_walk", "heuristic"),
    "gae": Model(f"{_HERE}.baselines.gae:fit_gae", "peer", ({}, {"rate": 0.01}, {"dropout": 0.2}, {"learned": True})),
    "vgae": Model(
        f"{_HERE}.baselines.gae:fit_vgae", "paper", ({}, {"rate": 0.01}, {"dropout": 0.2}, {"learned": True})
    ),
    "compgcn": Model(
        f"{_HERE}.baselines.compgcn:fit_compgcn",
        "paper",
        ({}, {"composition": "sub"}, {"composition": "corr"}, {"dropout": 0.2}),
    ),
    "geniepath": Model(
        f"{_HERE}.baselines.geniepath_link:fit_geniepath",
        "paper",
        ({}, {"lazy": True}, {"rate": 0.005}, {"learned": True}),
    ),
    "seal": Model(f"{_HERE}.baselines.seal:fit_seal", "paper", ({}, {"hops": 2}, {"rate": 0.001}, {"learned": True})),
    "pagnn": Model(
        f"{_HERE}.baselines.pagnn:fit_pagnn", "paper", ({}, {"per_hop": 40}, {"rate": 0.002}, {"learned": True})
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
