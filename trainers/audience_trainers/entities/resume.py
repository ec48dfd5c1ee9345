"""The state of a training run after its last whole epoch: one file, replaced in one step."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def read_state(path: Path, key: str) -> dict[str, Any] | None:
    """Return what `write_state` kept under the same key; None for anything else that is there."""
    try:
        kept: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError):
        return None
    return kept if kept.get("key") == key else None


def write_state(path: Path, key: str, state: Mapping[str, Any]) -> None:
    """Replace the state: synced to disk under another name, then renamed. A kill leaves the old one or the new one."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        torch.save({"key": key, **state}, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
