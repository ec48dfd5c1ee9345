"""E^Co: skip-gram vectors of entities over the users' sequences (EGL III-B, stage I)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from audience_trainers.relations.behaviour import Behaviour


class _Sentences:
    """The sequences as gensim reads them, once per epoch."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._words = [str(i) for i in range(behaviour.entities)]

    def __iter__(self) -> Iterator[list[str]]:
        start, words = self._behaviour.start, self._words
        for k in range(self._behaviour.users):
            yield [words[e] for e in self._behaviour.entity[start[k] : start[k + 1]].tolist()]


def stable_hash(text: str) -> int:
    """Hash a word equally in every process: gensim's default depends on PYTHONHASHSEED."""
    return zlib.crc32(text.encode())


def skip_gram(behaviour: Behaviour, *, dims: int, window: int, epochs: int, seed: int) -> npt.NDArray[np.float32]:
    """Return E^Co (n, dims): skip-gram with negative sampling. An entity in no sequence has a zero row.

    One worker: gensim repeats itself only so.
    """
    vectors = np.zeros((behaviour.entities, dims), np.float32)
    if len(behaviour.entity) == 0:
        return vectors
    from gensim.models import Word2Vec

    model = Word2Vec(
        _Sentences(behaviour),
        vector_size=dims,
        window=window,
        epochs=epochs,
        seed=seed,
        min_count=1,
        sg=1,
        negative=8,
        sample=1e-3,
        workers=1,
        hashfxn=stable_hash,
    )
    rows = np.array([int(word) for word in model.wv.index_to_key])
    vectors[rows] = model.wv.vectors
    return vectors
