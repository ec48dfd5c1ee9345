"""Conversations as tokens: what is said to the model, and what it has to say itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

IGNORED = -100  # a label that no loss counts
USER, ASSISTANT = "user", "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and its answer."""

    question: str
    answer: str


Conversation = tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token numbers of a conversation, and which of them the model has to say (loss counts those alone)."""

    ids: list[int]
    said: list[bool]


def encode_talk(tokenizer: Any, talk: Conversation, limit: int) -> Tokens:
    """Return the tokens of a conversation, at most `limit`: the answers and their ends are to be said."""
    ids: list[int] = []
    said: list[bool] = []
    for place in range(len(talk)):
        asked = encode_question(tokenizer, talk[:place], talk[place].question)
        answer = tokenizer(talk[place].answer, add_special_tokens=False)["input_ids"] + [end_of(tokenizer)]
        fresh = asked[len(ids) :] if asked[: len(ids)] == ids else asked
        if fresh is asked and ids:  # a template that writes earlier turns anew: start over with this one
            ids, said = [], []
        ids += [*fresh, *answer]
        said += [False] * len(fresh) + [True] * len(answer)
    return Tokens(ids[:limit], said[:limit])


def encode_question(tokenizer: Any, before: Conversation, question: str) -> list[int]:
    """Return the tokens after which the model has to answer: by its chat template, where it has one."""
    if getattr(tokenizer, "chat_template", None):
        messages = [
            {"role": role, "content": text}
            for turn in before
            for role, text in ((USER, turn.question), (ASSISTANT, turn.answer))
        ]
        text = tokenizer.apply_chat_template(
            [*messages, {"role": USER, "content": question}], tokenize=False, add_generation_prompt=True
        )
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])
    ids: list[int] = []
    for turn in before:
        ids += _plain(tokenizer, turn.question)
        ids += [*tokenizer(turn.answer, add_special_tokens=False)["input_ids"], end_of(tokenizer)]
    return ids + _plain(tokenizer, question)


def _plain(tokenizer: Any, question: str) -> list[int]:
    return list(tokenizer(f"{USER}: {question}\n{ASSISTANT}:", add_special_tokens=False)["input_ids"])


def end_of(tokenizer: Any) -> int:
    """Return the token that ends an answer."""
    return int(tokenizer.eos_token_id)


def padded(rows: Sequence[Tokens], pad: int) -> dict[str, Tensor]:
    """Return input_ids, attention_mask and labels (b, t), padded at the end."""
    longest = max(len(row.ids) for row in rows)
    ids = torch.full((len(rows), longest), pad)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORED)
    for i, row in enumerate(rows):
        own = torch.tensor(row.ids)
        ids[i, : len(own)], mask[i, : len(own)] = own, 1
        labels[i, : len(own)] = torch.where(torch.tensor(row.said), own, IGNORED)
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}
