"""The live graph as a task, by the paper's recipe (EGL IV-A2, Table II): the relations of the current release.

10 % of the relations are the positive test, as many unconnected pairs the negative one; 5 % of the rest is validation.
A relation counts once whichever way it points. Features are the text vectors in Neo4j; E^Co is the skip-gram of the
release's mining run, where its folder is still there; provenance is that of the relations. ACC needs a truth file.

A sample of a ratio holds that share of the entities, gathered breadth-first from random ones, and all relations among
them: relations per entity stay near those of the whole graph, as in Table II (102 in each of its three samples).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.config import Connections, Home
from audience_graph.errors import RunError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Row, Runner, open_runner
from audience_graph.release.records import Release, read_current
from audience_graph.vectors.store import open_store
from audience_trainers.relations.behaviour import Entities, behaviour_from_sequences
from audience_trainers.relations.candidates import PROVENANCE
from audience_trainers.relations.linkpred.hard import hard_negatives
from audience_trainers.relations.linkpred.read import HARD_SEED
from audience_trainers.relations.linkpred.split import SPLIT_SEED, split_relations
from audience_trainers.relations.linkpred.task import Floats, Judged, LinkTask, Pairs, Training, pair_key
from audience_trainers.relations.linkpred.truth import read_truth
from audience_trainers.relations.skipgram import skip_gram
from audience_trainers.run import Progress, RunFolder, open_run, silent

PAGE = 2_000
BOTH = PROVENANCE.index("both")


@dataclass(frozen=True, slots=True, eq=False)
class StoredGraph:
    """What the stores hold of a release: related entities by id, relations once each, and what is known besides."""

    version: str
    ids: tuple[str, ...]
    edges: Pairs  # (2, m), u < v
    provenance: npt.NDArray[np.int8]  # (m,)
    features: Floats | None  # (n, f)
    co: Floats | None  # (n, d)


def read_stored_graph(home: Home, connections: Connections, *, progress: Progress = silent) -> StoredGraph:
    """Read the current release. Raises NotFoundError before anything is published, RunError without relations."""
    with open_store(connections).transaction(read_only=True) as tx:
        release = read_current(tx)
    with open_runner(connections) as runner:
        ids, edges, provenance = _relations(runner, release)
        progress("relations", 1, 3)
        features = _text_vectors(runner, ids)
    progress("text vectors", 2, 3)
    co = _skip_gram(home.runs / release.run_id, ids)
    progress("skip-gram", 3, 3)
    return StoredGraph(release.version, ids, edges, provenance, features, co)


def stored_task(graph: StoredGraph, *, ratio: float = 1.0, truth: Path | None = None) -> LinkTask:
    """Return the task of the graph, or of a sample of `ratio` of its entities; same graph, same task."""
    kept = sample_entities(graph.edges, len(graph.ids), ratio, seed=SPLIT_SEED)
    n = len(kept)
    number = np.full(len(graph.ids), -1, np.int64)
    number[kept] = np.arange(n)
    inside = (number[graph.edges] >= 0).all(axis=0)
    edges = number[graph.edges[:, inside]]
    split = split_relations(edges, n)
    order = np.argsort(pair_key(edges, n))
    place = order[np.searchsorted(pair_key(edges, n)[order], pair_key(split.train, n))]
    training = Training(
        n=n,
        edges=split.train,
        valid_positive=split.valid.positive,
        valid_negative=split.valid.negative,
        features=None if graph.features is None else graph.features[kept],
        co=None if graph.co is None else graph.co[kept],
        provenance=graph.provenance[inside][place],
    )
    positive = split.test.positive
    hard = hard_negatives(training, positive, known=edges, seed=HARD_SEED)
    numbers = {graph.ids[entity]: i for i, entity in enumerate(kept.tolist())}
    graded = None if truth is None else read_truth(truth, n, wanted=True, number=numbers)
    test = {
        kind: Judged(positive, negative, None if graded is None else graded.of(positive, negative))
        for kind, negative in (("random", split.test.negative), ("hard", hard))
    }
    return LinkTask(f"{graph.version}@{ratio:g}", training, test)


def sample_entities(edges: Pairs, n: int, ratio: float, *, seed: int) -> npt.NDArray[np.int64]:
    """Return round(ratio * n) entities, ascending: breadth-first from a random one, then the next where it ends."""
    wanted = round(ratio * n)
    if wanted >= n:
        return np.arange(n)
    rng = np.random.default_rng(seed)
    none = np.zeros((2, 0), np.int64)
    graph = Training(n, edges, none, none).adjacency()
    order = rng.permutation(n)
    taken = np.zeros(n, bool)
    wave = np.zeros(0, np.int64)
    while (left := wanted - int(taken.sum())) > 0:
        if len(wave) == 0:
            wave = order[~taken[order]][:1]
        wave = rng.permutation(wave)[:left]
        taken[wave] = True
        near = np.unique(graph[wave].indices)
        wave = near[~taken[near]].astype(np.int64)
    return np.flatnonzero(taken)


def _relations(runner: Runner, release: Release) -> tuple[tuple[str, ...], Pairs, npt.NDArray[np.int8]]:
    """Return related entities by id, undirected pairs, and provenance: `both` where the two directions differ."""
    met: dict[str, int] = {}  # entity id -> its number in order of meeting
    kinds = {name: i for i, name in enumerate(PROVENANCE)}
    parts: list[Pairs] = [np.zeros((3, 0), np.int64)]
    for page in _pages(runner, "linkpred/relation_page", "source", release.relation_type):
        for row in page:
            if row["targets"]:
                u = met.setdefault(row["source"], len(met))
                v = [met.setdefault(target, len(met)) for target in row["targets"]]
                parts.append(np.array([[u] * len(v), v, [kinds.get(p, BOTH) for p in row["provenance"]]], np.int64))
    if not met:
        raise RunError(f"version {release.version} has no relations", hint="mine and publish one: audience-graph mine")
    n, ids = len(met), tuple(sorted(met))
    number = np.empty(n, np.int64)
    number[[met[entity_id] for entity_id in ids]] = np.arange(n)
    source, target, kind = np.concatenate(parts, axis=1)
    key = pair_key(number[np.stack([source, target])], n)
    unique, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    merged = kind[first]
    merged[inverse[kind != merged[inverse]]] = BOTH
    return ids, np.stack([unique // n, unique % n]), merged.astype(np.int8)


def _text_vectors(runner: Runner, ids: tuple[str, ...]) -> Floats | None:
    """Return the text vectors (n, f); a zero row without one, None when nobody has one."""
    place = {entity_id: i for i, entity_id in enumerate(ids)}
    vectors: Floats | None = None
    for page in _pages(runner, "linkpred/text_vector_page", "id"):
        for row in page:
            if vectors is None:
                vectors = np.zeros((len(ids), len(row["vector"])), np.float32)
            if row["id"] in place:
                vectors[place[row["id"]]] = row["vector"]
    return vectors


def _skip_gram(folder: Path, ids: tuple[str, ...]) -> Floats | None:
    """Return the E^Co (n, d) of a mining run: its file, else learned again as the run did; None without the folder."""
    if not (folder / "done").is_file():
        return None
    run = open_run(folder)
    known = run.read_table("entities")["entity_id"].to_pylist()
    vectors = _run_vectors(run, tuple(known))
    place: Mapping[str, int] = {entity_id: i for i, entity_id in enumerate(known)}
    rows = np.array([place.get(entity_id, -1) for entity_id in ids])
    return np.where((rows >= 0)[:, None], vectors[rows], np.float32(0.0)).astype(np.float32)


def _run_vectors(run: RunFolder, ids: tuple[str, ...]) -> Floats:
    if (run.path / "co_vectors.npy").is_file():
        return np.asarray(run.read_array("co_vectors"), np.float32)
    entities = Entities(ids, ids, ids, ids)  # only the ids matter to a sequence
    behaviour = behaviour_from_sequences(run.read_table("sequences"), entities)
    window, epochs = int(run.config["window"]), int(run.config["epochs"])
    return skip_gram(behaviour, dims=int(run.config["dims_co"]), window=window, epochs=epochs, seed=run.seed)


def _pages(runner: Runner, name: str, key: str, relation_type: str | None = None) -> Iterator[list[Row]]:
    query = load_query(name)
    if relation_type is not None:
        query = query.at_version(relation_type)
    after = ""
    while page := runner.read(query, {"after": after, "page": PAGE}):
        yield page
        after = page[-1][key]
