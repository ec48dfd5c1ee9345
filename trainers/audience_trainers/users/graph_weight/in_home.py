"""The weight of a home's user-text space, fitted with the graph of its current release."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from audience_graph.audience.ask import Ask, SentenceOptions
from audience_graph.audience.graph_side import GraphSide
from audience_graph.audience.sentence import Speaker
from audience_graph.audience.ways import Ways
from audience_graph.entities.resolve import Encoder
from audience_graph.entities.text_encoder import TextEncoder
from audience_graph.errors import NotFoundError, SensitiveError
from audience_graph.graph.runner import Runner
from audience_graph.request import Request, current_or_none
from audience_graph.user_text.graph_weight import GraphWeight, read_weight, write_weight
from audience_graph.vectors.idle import allow_idling
from audience_graph.vectors.store import Store, Transaction
from audience_graph.vectors.topk import entity_vectors, query_vector
from audience_trainers.run import Progress, RunFolder, silent
from audience_trainers.users.entity_text import EntityTextConfig
from audience_trainers.users.fit import TrainedUsers
from audience_trainers.users.graph_weight.fit import Graph, Held, fit_weight
from audience_trainers.users.graph_weight.pasts import Floats
from audience_trainers.users.keep import config_of
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.source import Source


def weigh_space(
    runner: Runner,
    store: Store,
    space: str,
    source: Source,
    trained: TrainedUsers,
    *,
    run: RunFolder,
    progress: Progress = silent,
) -> GraphWeight | None:
    """Fit the weight of a staged space with the current release's graph, and keep it beside the space.

    None, and nothing is written, before anything is published.
    """
    with store.transaction(read_only=True, snapshot=True) as tx:
        allow_idling(tx)  # while the model reads users
        release = current_or_none(tx)
        if release is None:
            return None
        request = Request(tx, release, [release.version])
        graph = graph_of(request, source, _ways(runner, run.path.parent), space)
        found = fit_weight(source, trained, held_by(run), graph, progress=progress)
    with store.transaction() as tx:
        write_weight(tx, space, found)
    return found


def fitted_with_current(tx: Transaction, space: str) -> bool:
    """Return whether the weight of a space was fitted with the graph that is current."""
    release, found = current_or_none(tx), read_weight(tx, space)
    return release is None or (found is not None and found.version == release.version)


def held_by(run: RunFolder) -> Held:
    """Return how a run's model was trained."""
    return Held(
        windows=config_of(WindowConfig, run.config["pairs"]["windows"]),
        entities=config_of(EntityTextConfig, run.config["entities"]),
        seed=run.seed,
    )


def graph_of(request: Request, source: Source, ways: Ways, space: str) -> Graph:
    """Return the graph's side of the release of a request, asked as `target` asks it."""
    tx, release, ids = request.tx, request.read, source.dictionary.ids
    stored = entity_vectors(tx, release.preference_space, ids)
    dims = len(next(iter(stored.values()))) if stored else 1
    vectors = np.zeros((len(ids), dims), np.float32)
    for i, entity in enumerate(ids):
        if entity in stored:
            vectors[i] = stored[entity]

    def query(sentence: str) -> Floats | None:
        ask = Ask(sentence, method="both", sentence=SentenceOptions(space=space))
        try:
            weights = {one.id: one.weight for one in ways.picked(request, ask)}
            return query_vector(weights, {i: stored[i] for i in weights if i in stored}).astype(np.float32)
        except (NotFoundError, SensitiveError):  # no picked entity has a vector, or none is asked for: nothing is said
            return None

    return Graph(release.version, vectors, np.array([i in stored for i in ids], bool), release.preference_days, query)


def _ways(runner: Runner, runs: Path) -> Ways:
    texts = TextEncoder()

    def encoder() -> Encoder:
        return lambda phrases: texts.encode(phrases).tolist()

    return Ways(Speaker(runner, encoder, texts, runs), GraphSide(runner, encoder))
