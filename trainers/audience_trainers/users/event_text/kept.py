"""Vectors of a reader on disk, under the content of its weights: another training never meets them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_trainers.text_cache import TextCache
from audience_trainers.users.text_tower.reader import TextReader

Floats = npt.NDArray[np.float32]


def kept_vectors(reader: TextReader, texts: Sequence[str], cache: Path | None) -> Floats:
    """Return the unit vectors (n, width) of texts; in `cache` each reader has a folder of its own."""

    def encode(some: Sequence[str]) -> Floats:
        return np.asarray(reader.alone(some).cpu().numpy(), np.float32)

    if cache is None:
        return encode(texts)
    key = content_key(reader)
    return TextCache(cache / key[:16], key, reader.width).encode(texts, encode)


def content_key(reader: TextReader) -> str:
    """Return a hash of all that decides a vector: weights, the tokenizer's words, pooling, and where texts are cut."""
    digest = hashlib.sha256(repr((reader.pooling, reader.max_tokens)).encode())
    digest.update(repr(sorted(reader.tokenizer.get_vocab().items())).encode("utf-8", "surrogatepass"))
    state = reader.model.state_dict()
    for name in sorted(state):
        digest.update(f"{name}{tuple(state[name].shape)}".encode())
        digest.update(state[name].detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
