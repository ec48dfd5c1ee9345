"""A causal language model of any Hugging Face class: from a folder, or small and random with a tokenizer of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audience_graph.errors import ConfigError
from audience_trainers.users.rewriter.talk import encode_question, end_of

SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4},
}
VOCABULARY = 8_000
POSITIONS = 1_024
END = "<|end|>"


@dataclass(frozen=True, slots=True, eq=False)
class CausalModel:
    """A model and its tokenizer. `random`: it has no weights from elsewhere, so all of it has to learn."""

    model: Any
    tokenizer: Any
    random: bool = False

    @torch.no_grad()
    def answer(self, questions: Sequence[str], *, limit: int = 64, batch: int = 32) -> list[str]:
        """Return the likeliest answer to each question, word by word (greedy), of at most `limit` tokens."""
        self.model.eval()
        device = next(self.model.parameters()).device
        asked = [encode_question(self.tokenizer, (), question) for question in questions]
        order = sorted(range(len(asked)), key=lambda i: len(asked[i]))
        found = [""] * len(asked)
        for begin in range(0, len(order), batch):
            rows = order[begin : begin + batch]
            longest = max(len(asked[i]) for i in rows)
            ids = torch.full((len(rows), longest), end_of(self.tokenizer))
            mask = torch.zeros_like(ids)
            for place, i in enumerate(rows):  # padded in front: every row goes on at its own end
                ids[place, longest - len(asked[i]) :] = torch.tensor(asked[i])
                mask[place, longest - len(asked[i]) :] = 1
            said = self.model.generate(
                input_ids=ids.to(device),
                attention_mask=mask.to(device),
                max_new_tokens=limit,
                do_sample=False,
                pad_token_id=end_of(self.tokenizer),
                eos_token_id=end_of(self.tokenizer),
            )
            for place, i in enumerate(rows):
                found[i] = self.tokenizer.decode(said[place, longest:], skip_special_tokens=True).strip()
        return found

    def save(self, folder: Path) -> None:
        """Write weights and tokenizer as a Hugging Face folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)


def open_causal(folder: Path) -> CausalModel:
    """Open a folder with a causal language model; nothing is ever downloaded. Raises ConfigError for another folder."""
    _quiet()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder", hint="name a folder with config.json, weights and a tokenizer")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        said = str(exc).strip().splitlines() or [type(exc).__name__]
        raise ConfigError(f"{folder} holds no causal language model: {said[0]}") from exc
    if tokenizer.eos_token_id is None:
        raise ConfigError(f"{folder}: its tokenizer has no token that ends a text")
    return CausalModel(model, tokenizer)


def random_causal(size: str, texts: Iterable[str], *, seed: int, vocabulary: int = VOCABULARY) -> CausalModel:
    """Return a Qwen2 of this size with random weights, and a byte-level BPE tokenizer learned from texts.

    Same texts and seed, same model. Raises ConfigError for an unknown size.
    """
    if size not in SIZES:
        raise ConfigError(f"no random model of size {size!r}", hint=f"sizes: {', '.join(SIZES)}")
    _quiet()
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = train_tokenizer(texts, vocabulary)
    torch.manual_seed(seed)
    shape = Qwen2Config(
        **SIZES[size],
        num_key_value_heads=SIZES[size]["num_attention_heads"],
        vocab_size=len(tokenizer),
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=end_of(tokenizer),
        pad_token_id=end_of(tokenizer),
    )
    return CausalModel(Qwen2ForCausalLM(shape), tokenizer, random=True)


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """Return a byte-level BPE tokenizer: it knows every text, and common words whole."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bytewise = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = bytewise
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END], initial_alphabet=bytewise.alphabet(), show_progress=False
    )
    raw.train_from_iterator(texts, trainer)
    wrapped: Any = PreTrainedTokenizerFast
    return wrapped(tokenizer_object=raw, eos_token=END, pad_token=END, model_max_length=POSITIONS)


def _quiet() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    bars: Any = logging
    bars.disable_progress_bar()
