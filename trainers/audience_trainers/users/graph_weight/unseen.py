"""A trained user model whose texts have not seen some users: what is measured on those users is then a measure.

The vectors that texts take from the entities they name (skip-gram over all sequences) have seen everybody's future,
that of the users held out of the alignment too. They are learned again without any event of these users, and turned
onto the stored ones, which the model was trained with: E R, R = argmin |E R - E_stored| over orthogonal R (Procrustes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from audience_trainers.users.entity_text import EntityTextConfig, learn_entities
from audience_trainers.users.fit import TrainedUsers
from audience_trainers.users.graph_weight.pasts import Indices
from audience_trainers.users.histories import Histories
from audience_trainers.users.user_model import Floats


def unseen(trained: TrainedUsers, users: Indices, config: EntityTextConfig, *, seed: int) -> TrainedUsers:
    """Return the model with texts that have not seen these users (places in the histories); all else is as it was."""
    texts = trained.texts
    if texts.dims == 0:
        return trained
    learned = learn_entities(texts.dictionary, without(trained.known.histories, users), texts.base, config, seed)
    texts = replace(texts, vectors=turn_onto(learned.vectors, texts.vectors), _kept={})
    known = replace(trained.known, vectors=texts.events(trained.known.histories.texts))
    if known.events is not None:  # words as a model of their own reads them, entities behind them
        known = replace(known, events=np.hstack([known.events[:, : -texts.dims], known.vectors[:, -texts.dims :]]))
    return replace(trained, texts=texts, known=known)


def turn_onto(vectors: Mapping[str, Floats], stored: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return vectors (d,) by id, all turned by the rotation that brings them nearest to the stored ones they share."""
    shared = sorted(set(vectors) & set(stored))
    if not shared:
        return {}
    left, _, right = np.linalg.svd(np.stack([vectors[i] for i in shared]).T @ np.stack([stored[i] for i in shared]))
    turn = (left @ right).astype(np.float32)
    return {entity: vector @ turn for entity, vector in vectors.items()}


def without(histories: Histories, users: Indices) -> Histories:
    """Return histories with no event of these users, who stay in their places."""
    keep = np.ones(len(histories.time), bool)
    for user in users.tolist():
        keep[histories.start[user] : histories.start[user + 1]] = False
    before = np.concatenate([[0], np.cumsum(keep)])
    return replace(
        histories,
        start=before[histories.start].astype(np.int64),
        time=histories.time[keep],
        source=histories.source[keep],
        text=histories.text[keep],
    )
