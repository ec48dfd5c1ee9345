"""A tagger on disk, whole or not there.

model.safetensors, encoder/config.json, tokenizer files or characters.json
tagger.json      written last: kind, labels, config, seed, sizes of the other files, metrics
training/        the state of a run that is not finished; removed when it is
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audience_graph.errors import RunError
from audience_trainers.entities.config import TaggerConfig
from audience_trainers.entities.tagger import Tagger
from audience_trainers.entities.words import Pieces, open_pieces

KIND = "bert-crf"
HEAD_FILE = "tagger.json"
_AGAIN = "train it again: audience-graph train tagger DATA --out FOLDER"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A finished tagger: the model on the CPU in evaluation mode, and what it was trained with."""

    model: Tagger
    pieces: Pieces
    config: TaggerConfig
    head: Mapping[str, Any]

    @property
    def labels(self) -> tuple[str, ...]:
        return self.model.labels


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a tagger; `tagger.json` comes last, so that a folder with it is whole."""
    from safetensors.torch import save_file

    (folder / HEAD_FILE).unlink(missing_ok=True)
    (folder / "encoder").mkdir(parents=True, exist_ok=True)
    encoder: Any = checkpoint.model.encoder
    encoder.config.save_pretrained(str(folder / "encoder"))
    checkpoint.pieces.save(folder)
    weights = {name: value.detach().cpu().contiguous() for name, value in checkpoint.model.state_dict().items()}
    part = folder / ".model.safetensors.part"
    save_file(weights, str(part))
    part.replace(folder / "model.safetensors")
    for file in folder.iterdir():
        if file.is_file():
            with file.open("rb") as handle:
                os.fsync(handle.fileno())
    head = {
        "kind": KIND,
        "labels": list(checkpoint.labels),
        "config": asdict(checkpoint.config),
        "tokenizer": checkpoint.pieces.kind,
        "files": {f.name: f.stat().st_size for f in sorted(folder.iterdir()) if f.is_file()},
        **checkpoint.head,
    }
    part = folder / f".{HEAD_FILE}.part"
    part.write_text(json.dumps(head, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    part.replace(folder / HEAD_FILE)


def read_head(folder: Path) -> dict[str, Any]:
    """Return `tagger.json`. Raises RunError for a folder that is no finished tagger, or lacks a file of it."""
    try:
        head: dict[str, Any] = json.loads((folder / HEAD_FILE).read_text(encoding="utf-8"))
        files = dict(head["files"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise RunError(f"{folder} is no finished tagger: {HEAD_FILE} is missing or damaged", hint=_AGAIN) from exc
    for name, size in files.items():
        if not (folder / name).is_file() or (folder / name).stat().st_size != size:
            raise RunError(f"{folder} is damaged: {name} is missing or changed", hint=_AGAIN)
    return head


def open_checkpoint(folder: Path) -> Checkpoint:
    """Open a finished tagger. Raises RunError when it is not finished, damaged, or of another version of this code."""
    from safetensors.torch import load_file
    from transformers import AutoConfig, AutoModel

    head = read_head(folder)
    try:
        config = TaggerConfig(**head["config"])
        shape = AutoConfig.from_pretrained(str(folder / "encoder"))
        weights = load_file(str(folder / "model.safetensors"))
        pooler = any(name.startswith("encoder.pooler.") for name in weights)
        options = {} if pooler or shape.model_type != "bert" else {"add_pooling_layer": False}
        models: Any = AutoModel
        model = Tagger(models.from_config(shape, **options), head["labels"], head=config.head)
        model.load_state_dict(weights)
        pieces = open_pieces(folder, head["tokenizer"])
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as exc:
        raise RunError(f"{folder} cannot be opened: {str(exc).splitlines()[0]}", hint=_AGAIN) from exc
    return Checkpoint(model.eval(), pieces, config, head)
