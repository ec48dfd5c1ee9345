"""Zero-shot targeting as rows of the evaluation: one sentence, no labels (FIND 4.4.1), as it is or rewritten.

The model (`prepared`) is asked with sentences that it has never seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audience_graph.sentences.rewriters import Rules, open_rewriter
from audience_graph.sentences.vocabulary import Value, Vocabulary, entity_values
from audience_trainers.run import resolve_config
from audience_trainers.users.measures import Values
from audience_trainers.users.prepared import Prepared, prepare_users
from audience_trainers.users.scoring import Asked, Encode, Options, Scorer
from audience_trainers.users.source import open_folder, seconds_of
from audience_trainers.users.tasks.history import History
from audience_trainers.users.user_model import Floats


def prepare_zero_shot(history: History, options: Options) -> Scorer:
    """Return a scorer: the cosine between a sentence and each user; a user without events comes last."""
    found = prepare_users(history, options)

    def score(asked: Asked) -> Values:
        return found.cosine(found.trained.embed_sentences([asked.sentence])[0])

    return score


@dataclass(frozen=True, slots=True)
class RewrittenConfig:
    """Resolved settings of the row."""

    rewriter: str = ""  # the folder of a run of `train rewriter`; empty: the rules


def prepare_rewritten(history: History, options: Options) -> Scorer:
    """Return a scorer: the cosine between each user and a sentence put into the words of training.

    What may be recognised are the names and aliases of entities and the values of columns known at the cut, by name or
    by meaning. Several rewritings (one per kind of behaviour, where the sentence names none) count by their mean
    vector. Where nothing is recognised the sentence itself is asked, as `prepare_zero_shot` does. The rules rewrite, or
    with `--set zero_shot_rewritten.rewriter=RUN` the language model of a run of `train rewriter`.
    """
    run = resolve_config(RewrittenConfig, options.own("zero_shot_rewritten")).rewriter
    rewriter = open_rewriter(Path(run)) if run else Rules()
    found = prepare_users(history, options)
    vocabulary, payments = read_vocabulary(history, options, found.trained.texts.base)
    days = found.config.pairs.windows.horizon_days

    def score(asked: Asked) -> Values:
        said = rewriter.rewrite(asked.sentence, vocabulary, payments=payments, days=days).sentences
        return found.cosine(mean_vector(found, said or (asked.sentence,)))

    return score


def mean_vector(found: Prepared, sentences: Sequence[str]) -> Floats:
    """Return the unit vector (d,) in the middle of sentences."""
    mean = found.trained.embed_sentences(sentences).mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)


def read_vocabulary(history: History, options: Options, encode: Encode) -> tuple[Vocabulary, tuple[str, ...]]:
    """Return what a sentence may name, and the payment channels of events before the cut."""
    with open_folder(options.folder) as source:
        dictionary = source.dictionary
        past = source.events.filter(seconds_of(source.events.time) < history.cut)
        told = source.backend.to_pyarrow(past.select("payment_channel").distinct())
        payments = tuple(sorted(channel for channel in told["payment_channel"].to_pylist() if channel))
    values = entity_values(dictionary)
    for column, cells in history.profile.items():
        words = {cell for cell in cells if isinstance(cell, str) and cell.strip()}
        values += [Value(word, column, weight=0.5) for word in sorted(words)]
    return Vocabulary(values, encode=encode), payments
