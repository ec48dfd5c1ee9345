"""Vectors of texts: MiniLM, each distinct text encoded once and kept by its content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.entities.text_encoder import DIMS, TextEncoder
from audience_trainers.text_cache import TextCache

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
_KEPT = "all-MiniLM-L6-v2 alone"
_EVENTS = "events"


def encode_with(cache: Path | None) -> Encode:
    """Return an encoder of texts, (n, 384) unit vectors; vectors are kept in the folder `cache`, if one is named."""
    encoder = TextEncoder()
    if cache is None:
        return encoder.encode_alone
    kept = TextCache(cache, _KEPT, DIMS)
    return lambda texts: kept.encode(texts, encoder.encode_alone)


def kept_beside(cache: Path | None) -> Path | None:
    """Return the folder within `cache` for the vectors of models that users are trained with, if one is named."""
    return None if cache is None else cache / _EVENTS
