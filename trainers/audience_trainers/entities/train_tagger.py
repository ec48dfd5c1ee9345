"""Train a tagger on tagged sentences and write its checkpoint: config, seed, data, model, loop, metrics."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from audience_graph.errors import ConfigError, RunError
from audience_trainers.entities.checkpoint import HEAD_FILE, Checkpoint, read_head, write_checkpoint
from audience_trainers.entities.config import TaggerConfig
from audience_trainers.entities.data import TaggedData, read_tagged
from audience_trainers.entities.encoders import make_encoder, make_pieces
from audience_trainers.entities.fit import FitSetting, fit
from audience_trainers.entities.tagger import Tagger
from audience_trainers.run import Progress, choose_device, code_version, seed_everything, silent


def train_tagger(
    source: Path,
    folder: Path,
    *,
    config: TaggerConfig = TaggerConfig(),
    seed: int = 7,
    ignore: Sequence[str] = (),
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train on `source` and write the tagger of the best epoch on dev into `folder`; return what is worth telling.

    A run that was stopped goes on from its last whole epoch when data, settings and seed are the same; a finished one
    is returned as it is. Raises InputError for bad data, ConfigError when `folder` holds something else.
    """
    data = read_tagged(source, ignore=ignore, held_out=config.held_out, seed=seed)
    key = _key(data, config, seed)
    finished = _finished(folder, key)
    if finished is not None:
        return _told(finished, folder)
    _check_folder(folder)
    seed_everything(seed)
    torch.manual_seed(seed)
    pieces = make_pieces(config, [s.words for s in data.train])
    model = Tagger(
        make_encoder(config, pieces), data.labels, head=config.head, new_words=config.tokenizer == "character"
    )
    (folder / "training").mkdir(parents=True, exist_ok=True)
    setting = FitSetting(
        labels=data.labels,
        pieces=pieces,
        seed=seed,
        device=choose_device(config.device),
        state=folder / "training" / "state.pt",
        key=key,
        progress=progress,
    )
    history = fit(model, data.train, data.dev, config=config, setting=setting)
    parts = {"dev": data.dev, "test": data.test}
    head = {
        "key": key,
        "seed": seed,
        "code_version": code_version(),
        "data": _described(data),
        "history": [asdict(row) for row in history],
        "metrics": {name: setting.evaluate(model, part, config).to_dict() for name, part in parts.items() if part},
    }
    write_checkpoint(folder, Checkpoint(model, pieces, config, head))
    shutil.rmtree(folder / "training")
    return _told(read_head(folder), folder)


def _finished(folder: Path, key: str) -> dict[str, Any] | None:
    try:
        head = read_head(folder)
    except RunError:
        return None  # not there, not finished or damaged: train it
    return head if head.get("key") == key else None


def _described(data: TaggedData) -> dict[str, Any]:
    return {
        "name": data.name,
        "train": len(data.train),
        "dev": len(data.dev),
        "test": len(data.test),
        "dev_held_out": data.held_out,
        "repaired_tags": data.repaired,
    }


def _told(head: dict[str, Any], folder: Path) -> dict[str, Any]:
    best = max(head["history"], key=lambda row: (row["dev_f1"], -row["epoch"]))
    return {
        "folder": str(folder),
        "seed": head["seed"],
        **head["data"],
        "labels": len(head["labels"]),
        "epochs": len(head["history"]),
        "best_epoch": best["epoch"],
        **{f"{name}_f1": report["micro"]["f1"] for name, report in head["metrics"].items()},
        "metrics": head["metrics"],
        "history": head["history"],
    }


def _key(data: TaggedData, config: TaggerConfig, seed: int) -> str:
    digest = hashlib.sha256(json.dumps([asdict(config), seed], sort_keys=True).encode())
    for part in (data.train, data.dev, data.test):
        for sentence in part:
            digest.update("\x1f".join((*sentence.words, "\x1e", *sentence.tags)).encode("utf-8", "surrogatepass"))
        digest.update(b"\x1d")
    return digest.hexdigest()


def _check_folder(folder: Path) -> None:
    known = {HEAD_FILE, "training", "model.safetensors"}
    if folder.is_file():
        raise ConfigError(f"--out {folder} is a file")
    if folder.is_dir() and any(folder.iterdir()) and not any((folder / name).exists() for name in known):
        raise ConfigError(f"--out {folder} holds other files", hint="name a new folder")
