"""Open a tower that was kept, as it was: reader and projection, frozen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audience_graph.errors import RunError
from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.text_tower.tower import TextTower


def open_tower(folder: Path, head: nn.Linear | None = None) -> TextTower:
    """Return the tower that `TextTower.save` wrote, with LoRA in its weights. Raises RunError for another folder.

    `head` is the projection, where it takes more than the words and lies elsewhere.
    """
    from safetensors.torch import load_file

    try:
        modules = {part["type"].rpartition(".")[2]: part["path"] for part in _read(folder / "modules.json")}
        pooling = _read(folder / modules["Pooling"] / "config.json")
        longest = int(_read(folder / "sentence_bert_config.json")["max_seq_length"])
        if head is None:
            dense = _read(folder / modules["Dense"] / "config.json")
            weights = load_file(folder / modules["Dense"] / "model.safetensors")
            head = nn.Linear(dense["in_features"], dense["out_features"])
            with torch.no_grad():
                head.weight.copy_(weights["linear.weight"])
                head.bias.copy_(weights["linear.bias"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RunError(f"{folder} is no text tower: {exc}", hint="train the user model again") from exc
    config = TowerConfig(
        folder=str(folder),
        dims=head.out_features,
        tune="head",
        pooling="last" if pooling["pooling_mode_lasttoken"] else "mean",
        max_tokens=longest,
    )
    return TextTower(config, head=head).eval()


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
