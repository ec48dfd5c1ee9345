"""Tag sentences of words with a model, in batches of equal length, and score them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from audience_trainers.entities.batches import collate, sorted_batches, windows_of
from audience_trainers.entities.config import TaggerConfig
from audience_trainers.entities.data import Sentence
from audience_trainers.entities.span_metrics import Report, score_spans
from audience_trainers.entities.tagger import TaggingModel
from audience_trainers.entities.words import Pieces


def evaluate(
    model: TaggingModel,
    sentences: Sequence[Sentence],
    *,
    config: TaggerConfig,
    pieces: Pieces,
    labels: Sequence[str],
    device: str,
) -> Report:
    """Tag sentences and score their spans."""
    words = [s.words for s in sentences]
    found = predict(model, words, pieces=pieces, labels=labels, config=config, device=device)
    return score_spans([s.tags for s in sentences], found)


@torch.no_grad()
def predict(
    model: TaggingModel,
    sentences: Sequence[Sequence[str]],
    *,
    pieces: Pieces,
    labels: Sequence[str],
    config: TaggerConfig,
    device: str = "cpu",
) -> list[list[str]]:
    """Return a tag for every word of every sentence, in batches of equal length."""
    cast("nn.Module", model).eval()
    windows = windows_of(sentences, pieces, limit=config.limit)
    decoded: list[list[int]] = [[] for _ in windows]
    for batch in sorted_batches(windows, config.batch):
        with mixed(config, device):
            paths = model.decode(collate([windows[i] for i in batch], pieces).to(device))
        for i, path in zip(batch, paths, strict=True):
            decoded[i] = path
    tags: list[list[str]] = [[] for _ in sentences]
    for window, path in zip(windows, decoded, strict=True):
        tags[window.sentence] += [labels[label] for label in path]
    return tags


def mixed(config: TaggerConfig, device: str) -> torch.autocast:
    """Return the context in which matrices are multiplied at the configured precision; the CRF stays in float32."""
    short = config.precision == "bfloat16" or (config.precision == "auto" and knows_bfloat16(device))
    return torch.autocast(device, torch.bfloat16, enabled=short)


def knows_bfloat16(device: str) -> bool:
    """Return whether a device multiplies bfloat16 itself; where it is emulated it is slower than float32."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    asked = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
    return any(bool(ask()) for ask in asked if ask is not None)
