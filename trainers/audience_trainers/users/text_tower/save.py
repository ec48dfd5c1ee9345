"""Write a tower as a sentence-transformers folder: model, Pooling, Normalize, Dense, Normalize."""

from __future__ import annotations

import copy
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from torch import nn

from audience_trainers.users.text_tower.reader import TextReader

_MODULES = ("Transformer", "Pooling", "Normalize", "Dense", "Normalize")


def write_folder(folder: Path, reader: TextReader, project: nn.Linear | None) -> None:
    """Write the folder under a temporary name, then rename it; a folder that was there is replaced.

    Names and settings are those that every version of sentence-transformers since 3 reads.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write_all(part, reader, project)
        part.chmod(0o755)
        if folder.exists():
            shutil.rmtree(folder)
        part.replace(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def write_reader(folder: Path, reader: TextReader) -> None:
    """Write model and tokenizer alone into an empty folder, as Hugging Face opens them: a `TowerConfig.folder`."""
    _merged(reader).save_pretrained(folder)
    reader.tokenizer.save_pretrained(folder)


def _write_all(part: Path, reader: TextReader, project: nn.Linear | None) -> None:
    write_reader(part, reader)
    modules = _MODULES if project is not None else _MODULES[:3]  # without a projection, to the first Normalize
    paths = ["" if i == 0 else f"{i}_{name}" for i, name in enumerate(modules)]
    _write_json(
        part / "modules.json",
        [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
            for i, (path, name) in enumerate(zip(paths, modules, strict=True))
        ],
    )
    for path in paths[1:]:
        (part / path).mkdir()
    _write_json(part / "sentence_bert_config.json", {"max_seq_length": reader.max_tokens, "do_lower_case": False})
    _write_json(part / paths[1] / "config.json", _pooling(reader))
    if project is not None:
        _write_dense(part / paths[3], project)


def _merged(reader: TextReader) -> Any:
    """Return the plain Hugging Face model, on the CPU, with LoRA in its weights."""
    model = copy.deepcopy(reader.model).cpu()
    return model.merge_and_unload() if reader.config.tune == "lora" else model


def _pooling(reader: TextReader) -> dict[str, Any]:
    names = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")
    chosen = "lasttoken" if reader.pooling == "last" else "mean_tokens"
    return {"word_embedding_dimension": reader.width} | {f"pooling_mode_{name}": name == chosen for name in names}


def _write_dense(path: Path, project: nn.Linear) -> None:
    from safetensors.torch import save_file

    _write_json(
        path / "config.json",
        {
            "in_features": project.in_features,
            "out_features": project.out_features,
            "bias": True,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
    )
    weights = {"linear.weight": project.weight, "linear.bias": project.bias}
    save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, path / "model.safetensors")


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
