"""A sentence as a vector of a user-text space, on the client's side: no trainer is needed, only the text extra."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.entities.text_encoder import MODEL, TextEncoder
from audience_graph.errors import ConfigError
from audience_graph.user_text.space import SentenceMap

Floats = npt.NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]


def sentence_encoder(sentences: SentenceMap, *, base: Encode | None = None, runs: Path | None = None) -> Encode:
    """Return an encoder of texts into a space: unit vectors (n, d).

    `base` gives the vectors (n, width) that a linear map starts from (None: MiniLM). `runs` is the folder of runs that
    holds a trained encoder. Raises ConfigError when the map starts from another model, or the folder is not there.
    """
    if sentences.folder is not None:
        return _trained(sentences.folder, runs)
    if base is None and sentences.base != MODEL:
        raise ConfigError(f"this space starts from the text encoder {sentences.base!r}, here is {MODEL!r}")
    first = TextEncoder().encode_alone if base is None else base
    weight, bias = sentences.weight, sentences.bias
    assert weight is not None
    assert bias is not None

    def encode(texts: Sequence[str]) -> Floats:
        return _unit(np.asarray(first(list(texts)), np.float32) @ weight.T + bias)

    return encode


def _trained(folder: str, runs: Path | None) -> Encode:
    path = None if runs is None else runs / folder
    if path is None or not (path / "modules.json").is_file():
        raise ConfigError(
            f"the sentence encoder of this space is not here: {folder} under the folder of runs",
            hint="copy it from the machine that trained it, or name its folder of data with --data-dir",
        )
    encoder = TextEncoder(folder=path)
    return lambda texts: _unit(encoder.encode(list(texts)))


def _unit(vectors: Floats) -> Floats:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)
