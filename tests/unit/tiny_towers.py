"""Towers of a few random weights, of four architectures, with tokenizers of whole words or of bytes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AlbertConfig, BertConfig, GPT2Config, PreTrainedTokenizerFast, Qwen2Config, Qwen2TokenizerFast

from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.text_tower.tower import TextTower

SENTENCE = "people who will buy tea shoes books garden music travel pay with card for the first time in may"
WORDS = SENTENCE.split()
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
END = "<|endoftext|>"
SMALL = TowerConfig(tune="lora", dims=16, rank=2, max_tokens=48)


def tokenizer_of(*, wrapped: bool) -> Any:
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *WORDS])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    if wrapped:
        words.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]", eos_token="[SEP]", model_max_length=64
    )


def byte_tokenizer() -> Any:
    vocabulary = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    vocabulary[END] = len(vocabulary)
    return Qwen2TokenizerFast(vocabulary, merges=[], unk_token=END, eos_token=END, pad_token=END, model_max_length=64)


def shape_of(name: str) -> Any:
    size = {"vocab_size": len(SPECIAL) + len(WORDS), "hidden_size": 24, "num_hidden_layers": 2}
    wide = size | {"num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64}
    if name == "albert":
        return AlbertConfig(**wide, embedding_size=8)
    if name == "bert":
        return BertConfig(**wide)
    if name == "gpt2":
        return GPT2Config(vocab_size=size["vocab_size"], n_embd=24, n_layer=2, n_head=2, n_positions=64)
    return Qwen2Config(**(wide | {"vocab_size": 257}), num_key_value_heads=1)


def tiny_tower(name: str, seed: int = 0, **settings: Any) -> TextTower:
    torch.manual_seed(seed)
    tokenizer = byte_tokenizer() if name == "qwen2" else tokenizer_of(wrapped=name != "gpt2")
    return TextTower(replace(SMALL, **settings), shape=shape_of(name), tokenizer=tokenizer)
