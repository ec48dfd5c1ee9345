"""Texts as vectors of a user-text space, on the client's side: no trainer is needed, only the text extra."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.entities.text_encoder import MODEL, TextEncoder
from audience_graph.errors import ConfigError
from audience_graph.sentences.named import Named, entity_part
from audience_graph.user_text.space import SentenceMap

Floats = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]
Lookup = Callable[[Sequence[str]], Mapping[str, Floats]]


class SpaceEncoder:
    """Brings texts into one space: unit vectors (n, d). The text encoder is loaded at the first text."""

    def __init__(self, sentences: SentenceMap, *, base: Encode, runs: Path | None = None) -> None:
        """Encode by a map; `base` gives the MiniLM vectors of words that it starts from.

        `runs` is the folder of runs that holds an encoder that was trained itself. Raises ConfigError when the map
        starts from another model, or the folder is not there.
        """
        self._map = sentences
        if sentences.folder is not None:
            self._words = _trained(sentences.folder, runs)
        elif sentences.base != MODEL:
            raise ConfigError(f"this space starts from the text encoder {sentences.base!r}, here is {MODEL!r}")
        else:
            self._words = base

    def encode(self, texts: Sequence[str], named: Sequence[Named], lookup: Lookup) -> Floats:
        """Return the vectors of texts that name entities; `lookup(ids)` gives the unit vectors of those known."""
        vectors = np.asarray(self._words(list(texts)), np.float32)
        told = self._map
        if told.weight is not None and told.bias is not None:
            if told.entity_dims:
                ids = sorted({entity for one in named for entity in one.weights})
                part = entity_part(named, lookup(ids) if ids else {}, told.entity_dims)
                vectors = np.hstack([vectors, np.float32(told.entity_weight) * part])
            vectors = vectors @ told.weight.T + told.bias
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)


def _trained(folder: str, runs: Path | None) -> Encode:
    path = None if runs is None else runs / folder
    if path is None or not (path / "modules.json").is_file():
        raise ConfigError(
            f"the sentence encoder of this space is not here: {folder} under the folder of runs",
            hint="copy it from the machine that trained it, or name its folder of data with --data-dir",
        )
    encoder = TextEncoder(folder=path)
    return lambda texts: encoder.encode(list(texts))
