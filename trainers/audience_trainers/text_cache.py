"""Text vectors kept by content: no text is encoded twice, whatever it is a name, a description or a document of.

    <folder>/vectors.f32    rows of float32, one after the other
             keys           16 bytes per row: a hash of model and text, written after the row
             models         the models of the rows: a line each, dimensions before the name

`audience_graph.erase.text_vectors` reads these files too: it puts zeros in the place of texts of erased users.

Only ever appended to, under a lock. A row without its key (a killed run) is written over.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Encode = Callable[[Sequence[str]], Floats]
Keys = npt.NDArray[np.void]
KEY = np.dtype("V16")
TEXTS_PER_APPEND = 4_096


@dataclass(frozen=True, slots=True)
class TextCache:
    """The kept vectors of one model in a folder; `model` names it and everything else that decides a vector."""

    folder: Path
    model: str
    dims: int

    def encode(self, texts: Sequence[str], encode: Encode) -> Floats:
        """Return the vectors (n, dims) of texts; those not kept yet are encoded, some thousand at a time, and kept.

        `encode` must give a text the same vector in any company. In memory: the answer, and 16 bytes per kept text.
        """
        keys = self._keys(texts)
        vectors = np.empty((len(texts), self.dims), np.float32)
        place = self._find(keys, vectors)
        _, first, same = np.unique(keys, return_index=True, return_inverse=True)
        missing = np.sort(first[place[first] < 0])
        for begin in range(0, len(missing), TEXTS_PER_APPEND):
            part = missing[begin : begin + TEXTS_PER_APPEND]
            vectors[part] = encode([texts[i] for i in part.tolist()])
            self._append(keys[part], vectors[part])
        again = np.flatnonzero(place < 0)
        vectors[again] = vectors[first[same[again]]]
        return vectors

    def _keys(self, texts: Sequence[str]) -> Keys:
        salt = self.model.encode()
        digests = (hashlib.blake2b(t.encode(), digest_size=KEY.itemsize, key=salt[:64]).digest() for t in texts)
        return np.frombuffer(b"".join(digests), KEY)

    def _find(self, keys: Keys, vectors: Floats) -> Indices:
        """Put the kept vectors of `keys` into `vectors`; return their rows, -1 where there is none or a damaged one.

        Of a text that is kept twice the later row counts: it was written because the one before it was damaged.
        """
        with self._locked():
            kept = np.fromfile(self.folder / "keys", KEY)
            kept = kept[: min(len(kept), self._rows())]
        place = np.full(len(keys), -1, np.int64)
        if len(kept) == 0 or len(keys) == 0:
            return place
        order = np.argsort(kept, kind="stable")
        near = np.maximum(np.searchsorted(kept[order], keys, side="right") - 1, 0)
        found = np.flatnonzero(kept[order][near] == keys)
        place[found] = order[near[found]]
        rows = np.memmap(self.folder / "vectors.f32", np.float32, "r", shape=(len(kept), self.dims))
        for part in np.split(found, range(TEXTS_PER_APPEND, len(found), TEXTS_PER_APPEND)):
            vectors[part] = rows[place[part]]
            length = np.linalg.norm(vectors[part], axis=1)
            place[part[~(np.abs(length - 1.0) < 1e-3)]] = -1
        return place

    def _append(self, keys: Keys, vectors: Floats) -> None:
        with self._locked():
            self._name_model()
            names = self.folder / "keys", self.folder / "vectors.f32"
            rows = min(names[0].stat().st_size // KEY.itemsize, self._rows())
            for name, data, width in zip(reversed(names), (vectors, keys), (4 * self.dims, KEY.itemsize), strict=True):
                with name.open("r+b") as file:
                    file.truncate(rows * width)
                    file.seek(0, os.SEEK_END)
                    file.write(data.tobytes())
                    file.flush()
                    os.fsync(file.fileno())

    def _name_model(self) -> None:
        """Put the model on the list; a cache that was begun without one stays without."""
        path, line = self.folder / "models", f"{self.dims} {self.model}"
        if path.exists() or (self.folder / "keys").stat().st_size == 0:
            known = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            if line not in known:
                path.write_text("".join(f"{one}\n" for one in (*known, line)), encoding="utf-8")

    def _rows(self) -> int:
        return (self.folder / "vectors.f32").stat().st_size // (4 * self.dims)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            for name in ("keys", "vectors.f32"):
                (self.folder / name).touch()
            yield
