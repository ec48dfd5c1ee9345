"""Tag raw texts with a trained tagger: batched, longest first, mentions with character offsets."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from audience_graph.entities.taggers import Mention
from audience_trainers.entities.checkpoint import Checkpoint, open_checkpoint
from audience_trainers.entities.predict import predict
from audience_trainers.entities.tags import spans_of
from audience_trainers.run import choose_device

_BATCH = 64
_BLOCK = 20_000  # texts that are held as numbers at once


class EntityTagger:
    """Find mentions with a checkpoint. `name` is its kind and the first digits of what it was trained on."""

    def __init__(self, checkpoint: Checkpoint, *, device: str = "cpu") -> None:
        self._checkpoint = checkpoint
        self._config = replace(checkpoint.config, batch=_BATCH)
        self._device = device
        checkpoint.model.to(device)
        self.name = f"{checkpoint.head['kind']}-{str(checkpoint.head['key'])[:8]}"

    @property
    def types(self) -> tuple[str, ...]:
        """The types that mentions can have."""
        return tuple(sorted({label[2:] for label in self._checkpoint.labels if label != "O"}))

    def tag(self, texts: Sequence[str]) -> list[tuple[Mention, ...]]:
        """Return the mentions of each text, from left to right, without overlap; of equal texts the same ones."""
        distinct = list(dict.fromkeys(texts))
        found: dict[str, tuple[Mention, ...]] = {}
        for begin in range(0, len(distinct), _BLOCK):
            block = distinct[begin : begin + _BLOCK]
            found.update(zip(block, self._tag(block), strict=True))
        return [found[text] for text in texts]

    def _tag(self, texts: Sequence[str]) -> list[tuple[Mention, ...]]:
        pieces = self._checkpoint.pieces
        words = [pieces.words(text) for text in texts]
        tags = predict(
            self._checkpoint.model,
            [[word.text for word in row] for row in words],
            pieces=pieces,
            labels=self._checkpoint.labels,
            config=self._config,
            device=self._device,
        )
        answers = []
        for text, row, found in zip(texts, words, tags, strict=True):
            mentions = []
            for kind, first, after in spans_of(found):
                start, end = row[first].start, row[after - 1].end
                mentions.append(Mention(kind, start, end, text[start:end]))
            answers.append(tuple(mentions))
        return answers


def open_tagger(folder: Path) -> EntityTagger:
    """Open the tagger that `audience-graph train tagger` wrote into a folder (entry point `audience_graph.taggers`).

    Raises RunError when it is not finished or damaged.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    return EntityTagger(open_checkpoint(folder), device=choose_device("auto"))
