"""Sentences with services and cities in them, and an encoder of one layer that learns to find them in seconds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SERVICES = ("hot stone massage", "yoga", "face mask", "day spa", "dog training", "chess lessons", "sauna")
CITIES = ("new york", "paris", "rome", "san jose", "oslo")
FRAMES = ("i want {s} in {c}", "{s} near {c}", "best {s}", "is there {s} around {c} today", "flights to {c}", "hello")
# Settings with which the tiny encoder learns its sentences.
LEARNS = ("epochs=6", "batch=16", "rate=3e-3", "head_rate=1e-2", "limit=32", "precision=float32", "device=cpu")


def sentences(count: int, seed: int) -> list[dict[str, list[str]]]:
    """Return rows of tokens and tags."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        tokens: list[str] = []
        tags: list[str] = []
        for word in str(rng.choice(FRAMES)).split():
            kind, names = {"{s}": ("service", SERVICES), "{c}": ("city", CITIES)}.get(word, ("", ()))
            parts = str(rng.choice(names)).split() if kind else [word]
            tokens += parts
            tags += [f"{'I' if i else 'B'}-{kind}" for i in range(len(parts))] if kind else ["O"]
        rows.append({"tokens": tokens, "tags": tags})
    return rows


def write_data(path: Path, *, train: int = 240, dev: int = 60, test: int = 60) -> Path:
    """Write a JSON lines file of three splits."""
    with path.open("w", encoding="utf-8") as file:
        for seed, (split, count) in enumerate((("train", train), ("dev", dev), ("test", test))):
            for row in sentences(count, seed):
                file.write(json.dumps({"split": split, **row}) + "\n")
    return path


def write_encoder(folder: Path) -> Path:
    """Write a BERT of one layer, 32 dimensions and random weights, with a vocabulary of words and parts.

    `massage` and `training` are two pieces each; `chess` is unknown.
    """
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = sorted({word for text in (*SERVICES, *CITIES, *FRAMES) for word in text.split() if "{" not in word})
    parts = ["mass", "##age", "train", "##ing", "'", ",", "."]
    known = [word for word in words if word not in {"massage", "training", "chess"}]
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *known, *parts]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    torch.manual_seed(0)
    shape = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(shape).save_pretrained(str(folder))
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(str(folder))
    return folder
