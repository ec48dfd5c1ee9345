"""Forget the vectors of texts that only erased users wrote, in the caches that trainers keep.

    keys          16 bytes a row: a hash of model and text        vectors.f32   float32, a row a text

A hash of a text tells whether somebody wrote it. Which models a cache knows is in `models`, a line each with the number
of dimensions before it; a cache without that list cannot be searched, and is emptied: its vectors are computed again
when they are needed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

_KEY = np.dtype("V16")


def forget_texts(cache: Path, texts: Sequence[str]) -> int:
    """Put zeros in the place of the keys and vectors of texts, in all caches below a folder; return how many rows.

    A row of zeros is the key of no text, and no unit vector: whoever finds it encodes the text again.
    """
    if not texts or not cache.is_dir():
        return 0
    return sum(_forget(folder, texts) for folder in sorted(p.parent for p in cache.rglob("vectors.f32")))


def _forget(folder: Path, texts: Sequence[str]) -> int:
    with _locked(folder):
        models = _models(folder)
        keys = np.fromfile(folder / "keys", _KEY)
        if not models:
            for name in ("keys", "vectors.f32"):
                os.truncate(folder / name, 0)
            return len(keys)
        wanted = {_key(model, text) for _, model in models for text in texts}
        rows = [row for row, key in enumerate(keys.tolist()) if key in wanted]
        _zero(folder / "vectors.f32", rows, 4 * models[0][0])
        _zero(folder / "keys", rows, _KEY.itemsize)
    return len(rows)


def _key(model: str, text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=_KEY.itemsize, key=model.encode()[:64]).digest()


def _models(folder: Path) -> list[tuple[int, str]]:
    try:
        lines = (folder / "models").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    return [(int(dims), model) for dims, _, model in (line.partition(" ") for line in lines)]


def _zero(path: Path, rows: Sequence[int], width: int) -> None:
    with path.open("r+b") as file:
        for row in rows:
            file.seek(row * width)
            file.write(bytes(width))
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
