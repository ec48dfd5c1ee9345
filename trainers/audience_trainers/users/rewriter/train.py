"""Train the rewriter on a source, in two stages, into a run folder: config, seed, data, model, loops, metrics.

run.json     first: settings, seed, where the weights came from      training/   checkpoints, while it trains
model/       a Hugging Face folder with LoRA merged                  metrics.json, examples.json   what was reached
done         last
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from audience_graph.entities.dictionary import Entity
from audience_graph.errors import ConfigError, InputError
from audience_graph.sentences.rewrite import DAYS
from audience_trainers.named_run import check_out, finished_metrics, start_run
from audience_trainers.run import Progress, choose_device, seed_everything, silent
from audience_trainers.users.histories import read_histories
from audience_trainers.users.pairs.build import PairsConfig, build_pairs
from audience_trainers.users.pairs.facts import Facts
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.rewriter.causal import CausalModel, open_causal, random_causal
from audience_trainers.users.rewriter.config import RewriterConfig
from audience_trainers.users.rewriter.intents import IntentOptions, mine_intents
from audience_trainers.users.rewriter.knowledge import synthesise_talks
from audience_trainers.users.rewriter.rewrite import MODEL, TOKENS
from audience_trainers.users.rewriter.talk import Conversation, Turn
from audience_trainers.users.rewriter.tune import tune
from audience_trainers.users.source import Source, open_folder
from audience_trainers.users.text_tower.architecture import with_lora
from audience_trainers.users.training import TrainOptions

SHOWN = 20  # held-out questions that are kept to look at


@dataclass(frozen=True, slots=True)
class Lesson:
    """What both stages learn from, and what judges them: conversations, and questions with their answers."""

    talks: tuple[Conversation, ...]
    held_talks: tuple[Conversation, ...]
    intents: tuple[Turn, ...]
    held_intents: tuple[Turn, ...]

    def texts(self) -> list[str]:
        """Return all that is said in training."""
        turns = [turn for talk in self.talks for turn in talk] + list(self.intents)
        return [text for turn in turns for text in (turn.question, turn.answer)]

    def key(self) -> str:
        """Return a name of the content."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()


def make_lesson(facts: Facts, entities: Sequence[Entity], config: RewriterConfig, seed: int) -> Lesson:
    """Return the lesson of a source. Held-out questions ask for what no question of training asks for.

    Raises InputError when the source gives too little to ask.
    """
    rng = np.random.default_rng([seed, 61])
    talks = synthesise_talks(facts, entities, config.knowledge.examples, rng)
    names = {entity.name: entity.aliases for entity in entities if entity.aliases}
    mined = mine_intents(facts, config.intents.examples, IntentOptions(names, DAYS), rng)
    intents = [intent.turn for intent in mined]
    answers = list(dict.fromkeys(turn.answer for turn in intents))
    if len(answers) < 2 or len(talks) < 2:
        raise InputError(f"{len(talks)} conversations and {len(answers)} demands: too little to learn from")
    held = {answers[i] for i in _some(len(answers), config.held_out, rng)}
    aside = set(_some(len(talks), config.held_out, rng))
    return Lesson(
        tuple(talk for i, talk in enumerate(talks) if i not in aside),
        tuple(talks[i] for i in sorted(aside)),
        tuple(turn for turn in intents if turn.answer not in held),
        tuple(turn for turn in intents if turn.answer in held),
    )


def train_rewriter(
    source: Path,
    out: Path,
    *,
    base: Path | None = None,
    size: str = "",
    config: RewriterConfig = RewriterConfig(),
    seed: int = 7,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train on the folder `source` and write a run into `out`; return what is worth telling.

    `base` is a folder with a causal language model, `size` names a random one instead. A run that was stopped goes on
    from its last whole epoch when data, settings and seed are the same; a finished one is returned as it is. Raises
    InputError for bad data, ConfigError when `out` holds something else or the model cannot be opened.
    """
    if (base is None) == (size == ""):
        raise ConfigError("which model?", hint="name a folder with --model, or a random one with --random-config tiny")
    check_out(out, "rewriter")
    with open_folder(source) as opened:
        lesson, last = _read(opened, config, seed, progress)
    key = hashlib.sha256(json.dumps([lesson.key(), asdict(config), seed, str(base), size]).encode()).hexdigest()
    finished = finished_metrics(out, key)
    if finished is not None:
        return finished
    told = {"source": str(source), "base": str(base or f"random {size}")}
    run = start_run(out, "rewriter", key, config, seed=seed, last=last, told=told)
    seed_everything(seed)
    causal = open_causal(base) if base is not None else random_causal(size, lesson.texts(), seed=seed)
    causal, losses = fit(causal, lesson, config, seed=seed, folder=out / "training", key=key, progress=progress)
    judged = judge(causal, lesson.held_intents[: config.judged])
    causal.save(out / MODEL)
    run.write_json("examples", judged.pop("examples"))
    metrics = {"conversations": len(lesson.talks), "questions": len(lesson.intents), **losses, **judged}
    run.write_json("metrics", metrics)
    shutil.rmtree(out / "training")
    run.finish()
    return {"folder": str(out), **metrics}


def fit(
    causal: CausalModel,
    lesson: Lesson,
    config: RewriterConfig,
    *,
    seed: int,
    folder: Path | None = None,
    key: str = "",
    progress: Progress = silent,
) -> tuple[CausalModel, dict[str, float]]:
    """Train both stages, one after the other on the same weights; return the model, LoRA merged, and held-out losses.

    With `folder` each stage keeps its checkpoints in a folder of its own.
    """
    lora = config.tune == "lora" or (config.tune == "auto" and not causal.random)
    torch.manual_seed(seed)
    learning = causal
    if lora:
        tuned = with_lora(
            causal.model, targets=config.targets, rank=config.rank, alpha=config.alpha, dropout=config.dropout
        )
        learning = replace(causal, model=tuned)
    losses = {}
    stages = (
        ("knowledge", lesson.talks, lesson.held_talks, config.knowledge),
        ("intents", [(turn,) for turn in lesson.intents], [(turn,) for turn in lesson.held_intents], config.intents),
    )
    for name, talks, held, stage in stages:
        own = None if folder is None else folder / name
        if own is not None:
            own.mkdir(parents=True, exist_ok=True)
        options = TrainOptions(seed, choose_device(config.device), own, key, progress=progress)
        found = tune(learning, name, talks, held, limit=config.max_tokens, config=stage, options=options)
        losses[f"{name}_valid_loss"] = round(found.valid_loss, 6)
    return replace(causal, model=learning.model.merge_and_unload() if lora else learning.model), losses


def judge(causal: CausalModel, held: Sequence[Turn]) -> dict[str, Any]:
    """Return the share of held-out questions that are answered word by word, how many were asked, and examples."""
    answers = causal.answer([turn.question for turn in held], limit=TOKENS)
    right = [answer == turn.answer for answer, turn in zip(answers, held, strict=True)]
    rows = [
        {"question": turn.question, "answer": answer, "wanted": turn.answer, "right": ok}
        for turn, answer, ok in zip(held, answers, right, strict=True)
    ]
    return {"exact_match": round(float(np.mean(right)), 4), "judged": len(held), "examples": rows[:SHOWN]}


def _read(source: Source, config: RewriterConfig, seed: int, progress: Progress) -> tuple[Lesson, int]:
    histories = read_histories(source)
    pairs = build_pairs(source, histories, PairsConfig(windows=WindowConfig(test_cuts=0)), progress=progress)
    return make_lesson(pairs.facts, source.dictionary.entities, config, seed), int(histories.time.max())


def _some(n: int, share: float, rng: np.random.Generator) -> list[int]:
    """Return places of a share of n, at least one and never all."""
    return [int(i) for i in rng.permutation(n)[: min(n - 1, max(1, round(share * n)))]]
