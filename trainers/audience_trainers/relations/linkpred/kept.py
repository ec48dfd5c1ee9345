"""Finished fits, kept one file each: a command that is stopped and started again goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from audience_graph.errors import RunError
from audience_trainers.relations.linkpred.task import LinkTask

Measures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One fit: what it was asked, and its measures by kind of negative. `valid_auc` is what settings are chosen by."""

    model: str
    setting: Mapping[str, Any]
    seed: int
    data: str  # data_hash of the task
    device: str
    valid_auc: float
    measures: Mapping[str, Measures]
    seconds: float
    code: str

    @property
    def key(self) -> str:
        """The row's file name: what was asked, not what came out."""
        return row_key(self.model, self.setting, self.seed, self.data)


class KeptRows:
    """Rows by key, in memory and, with a folder, one file each under `<folder>/rows/`."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder / "rows"
        self._rows: dict[str, Row] = {}
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            for path in sorted(self._folder.glob("*.json")):
                self._rows[path.stem] = _read_row(path)

    def find(self, model: str, setting: Mapping[str, Any], seed: int, data: str) -> Row | None:
        """Return the finished fit, or None."""
        return self._rows.get(row_key(model, setting, seed, data))

    def keep(self, row: Row) -> None:
        """Write the row under a temporary name, then rename it: a row on disk is whole."""
        self._rows[row.key] = row
        if self._folder is not None:
            temporary = self._folder / f".{row.key}.part"
            temporary.write_text(json.dumps(asdict(row), sort_keys=True) + "\n", encoding="utf-8")
            temporary.replace(self._folder / f"{row.key}.json")


def _read_row(path: Path) -> Row:
    try:
        return Row(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as exc:
        raise RunError(f"{path} is no finished fit: {exc}", hint="remove it, or name another --out") from exc


def row_key(model: str, setting: Mapping[str, Any], seed: int, data: str) -> str:
    """Return `model-setting-seed-data`, the setting by its digest."""
    text = json.dumps(setting, sort_keys=True, default=str)
    return f"{model}-{hashlib.sha256(text.encode()).hexdigest()[:8]}-{seed}-{data}"


def data_hash(task: LinkTask) -> str:
    """Return 12 hex digits of the SHA-256 over everything that models see and are judged on."""
    seen = task.training
    parts: list[Any] = [seen.edges, seen.valid_positive, seen.valid_negative]
    parts += [seen.features, seen.co, seen.provenance]
    for name in sorted(task.test):
        judged = task.test[name]
        parts += [judged.positive, judged.negative, judged.truth]
    digest = hashlib.sha256(str(seen.n).encode())
    for part in parts:
        digest.update(b"none" if part is None else f"{part.dtype}{part.shape}".encode())
        if part is not None:
            digest.update(np.ascontiguousarray(part).data)
    return digest.hexdigest()[:12]
