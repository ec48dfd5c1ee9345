"""Tune a prompt on seed users of a stored user-text space, and keep it there under a name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.release.records import read_current
from audience_graph.sentences.named import Named, entity_part, named_in
from audience_graph.user_text.prompts import Prompt, write_prompt
from audience_graph.user_text.space import (
    SentenceMap,
    read_entities,
    read_map,
    read_sample,
    read_space,
    read_vectors,
)
from audience_graph.vectors.store import Transaction, open_store
from audience_graph.vectors.topk import keys_of, top_users, user_keys
from audience_trainers.users.prompt.config import PromptConfig
from audience_trainers.users.prompt.crowd import Crowd, read_crowd
from audience_trainers.users.prompt.tune import TunedPrompt, Vectors, tune_prompt
from audience_trainers.users.text_tower.config import TowerConfig
from audience_trainers.users.text_tower.open import open_tower
from audience_trainers.users.text_tower.tower import TextTower


@dataclass(frozen=True, slots=True)
class Seeds:
    """A sentence and the users who are, and who are not, meant by it. `config.hard` more of the latter are mined."""

    name: str
    sentence: str
    positives: tuple[str, ...]
    negatives: tuple[str, ...] = ()
    config: PromptConfig = field(default_factory=PromptConfig)


@dataclass(frozen=True, slots=True)
class Tuned:
    """The kept prompt, how it was tuned, and the seeds that have no vector in the space."""

    space: str
    prompt: TunedPrompt
    without_vector: tuple[str, ...]


def tune_in_space(connections: Connections, space: str | None, seeds: Seeds, *, runs: Path) -> Tuned:
    """Tune a prompt in a space (None: that of the current release) and keep it under its name; one of it is replaced.

    Seeds who are both positive and negative are refused. Raises NotFoundError for an unknown space, or without any;
    ConfigError without a positive seed in the space, or without any negative one when none are mined.
    """
    both = sorted(set(seeds.positives) & set(seeds.negatives))
    if both:
        raise ConfigError(f"user {both[0]!r} is a positive and a negative seed", hint="name each user once")
    with AudienceGraph.connect(connections=connections) as ag:
        named = named_in(ag.plan(seeds.sentence).rewritten.demand)
    store = open_store(connections)
    with store.transaction(read_only=True) as tx:
        chosen = space or read_current(tx).user_text_space
        if chosen is None:
            raise NotFoundError(
                "the current release has no user-text space", hint="audience-graph users train --small --publish"
            )
        name = read_space(tx, chosen).space
        tower = _tower(tx, name, named, runs=runs)
        keys = keys_of(tx, (*seeds.positives, *seeds.negatives))
        vectors = read_vectors(tx, name, list(keys.values()))
        taken = {user: key for user, key in keys.items() if key in vectors}
        hard = _nearest(tx, name, tower, seeds, set(taken.values()))
        crowd = _crowd(tx, name, tower, seeds.config)
    positives, negatives = ([user for user in part if user in taken] for part in (seeds.positives, seeds.negatives))
    near, far = (_stacked([vectors[taken[user]] for user in part], tower) for part in (positives, negatives))
    prompt = tune_prompt(tower, seeds.sentence, near, far, seeds.config, unlabelled=hard, crowd=crowd)
    told = {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(prompt.verdict).items()}
    kept = Prompt(
        seeds.name, name, seeds.sentence, prompt.vector, told | {"weight": prompt.weight, "leaned": prompt.leaned}
    )
    with store.transaction() as tx:
        write_prompt(tx, kept, [taken[u] for u in positives], [taken[u] for u in negatives])
    return Tuned(name, prompt, tuple(u for u in (*seeds.positives, *seeds.negatives) if u not in taken))


def tower_of(sentences: SentenceMap, *, runs: Path) -> TextTower:
    """Return the frozen text tower of a space. Raises RunError when its folder is not there."""
    if sentences.weight is None or sentences.bias is None:
        assert sentences.folder is not None
        return open_tower(runs / sentences.folder)
    head = nn.Linear(sentences.width, len(sentences.weight))
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(sentences.weight.copy()))
        head.bias.copy_(torch.from_numpy(sentences.bias.copy()))
    if sentences.folder is not None:
        return open_tower(runs / sentences.folder, head)
    return TextTower(TowerConfig(tune="head"), head=head).eval()


def _tower(tx: Transaction, space: str, named: Named, *, runs: Path) -> TextTower:
    """Return the tower for a sentence that names these entities."""
    sentences = read_map(tx, space)
    tower = tower_of(sentences, runs=runs)
    if sentences.entity_dims == 0:
        return tower
    part = entity_part([named], read_entities(tx, space, list(named.weights)), sentences.entity_dims)[0]
    return tower.knowing(np.float32(sentences.entity_weight) * part)


def _nearest(tx: Transaction, space: str, tower: TextTower, seeds: Seeds, taken: set[int]) -> Vectors | None:
    """Return the vectors (h, d) of users near the sentence who are no seeds, where some are mined."""
    if seeds.config.hard == 0:
        return None
    query = np.asarray(tower.embed([seeds.sentence])[0], np.float16).astype(np.float64)
    near = top_users(tx, space, query, seeds.config.hard, exclude_keys=sorted(taken) or None)
    if not near.user_ids:
        raise NotFoundError(f"space {space} holds no users besides the seeds")
    found = read_vectors(tx, space, user_keys(tx, near.user_ids))
    return _stacked([found[key] for key in sorted(found)], tower)


def _crowd(tx: Transaction, space: str, tower: TextTower, config: PromptConfig) -> Crowd | None:
    """Return what users of the space look like, where that is asked for and there are two."""
    if config.lean == 0 or config.crowd == 0:
        return None
    users = read_sample(tx, space, config.crowd)
    return read_crowd(_stacked(users, tower)) if len(users) > 1 else None


def _stacked(vectors: Sequence[Vectors], tower: TextTower) -> Vectors:
    """Return stored vectors (halves) as unit vectors (n, d)."""
    found = np.array(vectors, np.float32).reshape(-1, tower.config.dims)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12), np.float32)
