"""Checkpoints: the whole state of training after an epoch, replaced in one step; a killed run goes on from it."""

from __future__ import annotations

import os
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from audience_graph.errors import RunError

FILE = "checkpoint.pt"


@dataclass(slots=True)
class State:
    """Where training is: epochs done, the best validation AUC and its weights, epochs since, curves so far."""

    epoch: int = 0
    best: float = float("-inf")
    best_weights: dict[str, Any] = field(default_factory=dict)
    since: int = 0
    curves: list[tuple[int, str, float]] = field(default_factory=list)


def save_checkpoint(folder: Path, state: State, parts: dict[str, Any], key: str) -> None:
    """Write the state and the `state_dict` of each part under a temporary name, then rename it."""
    temporary = folder / f".{FILE}.part"
    torch.save({"key": key, "state": _as_dict(state), **{name: p.state_dict() for name, p in parts.items()}}, temporary)
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(folder / FILE)


def load_checkpoint(folder: Path, parts: dict[str, Any], key: str, device: str) -> State:
    """Put a checkpoint's weights into the parts and return its state; a new state when there is none.

    Raises RunError when the checkpoint is damaged or of another training (`key` names data, settings and seed).
    """
    path = folder / FILE
    if not path.is_file():
        return State()
    try:
        kept = torch.load(path, map_location=device, weights_only=True)
        if kept["key"] != key:
            raise RunError(f"{path} is of other data or settings", hint="remove it, or train in another folder")
        for name, part in parts.items():
            part.load_state_dict(kept[name])
        return State(**kept["state"])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as exc:
        raise RunError(f"{path} is damaged: {exc}", hint="remove it to train from the start") from exc


def _as_dict(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in State.__slots__}
