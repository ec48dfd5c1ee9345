"""Stage I at scale: skip-gram, text vectors, exact retrieval and the candidate graph, beside gensim, numpy and sklearn.

    python tests/bench/bench_candidates.py scale [--users 1000000] [--entities 100000] [--growth 250000 500000]
    python tests/bench/bench_candidates.py peers
    python tests/bench/bench_candidates.py demo [--seeds 5 6 101 102]

`scale` mines a generated world with planted groups (bar: 15 minutes, 8 GiB on 2 cores, equal cost per sequence).
`peers` measures skip-gram against gensim, and retrieval against argpartition and scikit-learn, in turn.
`demo` gives the candidate recall on demo worlds under other settings. Prints blocks for RESULTS.md.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import resource
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from audience_graph.config import Home
from audience_trainers.relations.behaviour import Behaviour, Entities
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.mine import entities_of, kept_encoder
from audience_trainers.relations.propose import Known, propose
from audience_trainers.relations.skipgram import skip_gram
from audience_trainers.relations.text_vectors import Document, read_documents
from audience_trainers.relations.topn import centred, top_n, unit_rows

GROUP, LENGTH, DOCUMENTS = 40, 20, 20_000
SYLLABLES = ("ba", "lo", "mi", "ra", "tu", "sen", "kor", "vel", "dan", "pi", "gar", "no", "zu", "fen", "hal", "sto")
WORDS = (
    "coffee", "tea", "garden", "football", "travel", "phone", "loan", "music", "school", "car", "pet",
    "flower", "bread", "fish", "paint", "rain", "ticket", "hotel", "camera", "shoe", "skin", "hair",
    "game", "book", "train", "news", "yoga", "dress", "baby", "wine", "pizza", "bike", "river",
    "boat", "lamp", "chair", "wool", "salt", "doctor", "bank",
)  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """A world whose true relations are the pairs inside a group."""

    entities: Entities
    behaviour: Behaviour
    group: np.ndarray

    def quality(self, source: np.ndarray, target: np.ndarray) -> str:
        hits = int((self.group[source] == self.group[target]).sum())
        true = len(self.group) * (GROUP - 1)
        return f"{hits / true:.3f} of planted pairs, precision {hits / max(len(source), 1):.3f}"

    def documents(self) -> Iterator[Document]:
        rng, by_group = np.random.default_rng(3), np.argsort(self.group, kind="stable").reshape(-1, GROUP)
        for _ in range(DOCUMENTS):
            a, b = by_group[rng.integers(len(by_group)), rng.choice(GROUP, 2, replace=False)].tolist()
            text = f"People who like {self.entities.names[a]} often like {self.entities.names[b]} too."
            yield Document(text, tuple(sorted((a, b))))


def planted(n: int, users: int, seed: int = 0) -> Planted:
    """Users like three groups; groups and entities of a group are popular by Zipf; a quarter of mentions is chance."""
    rng = np.random.default_rng(seed)
    groups = n // GROUP
    entity_of_slot = rng.permutation(n)
    often = np.arange(1, groups + 1.0) ** -0.6
    inside = np.arange(1, GROUP + 1.0) ** -0.8
    mentions = np.empty((users, LENGTH), np.int64)
    for begin in range(0, users, 50_000):
        m = min(50_000, users - begin)
        likes = rng.choice(groups, (m, 3), p=often / often.sum())
        pick = likes[np.arange(m)[:, None], np.repeat(rng.integers(0, 3, (m, LENGTH // 4)), 4, axis=1)]
        chance = rng.choice(groups, (m, LENGTH), p=often / often.sum())
        pick = np.where(rng.random((m, LENGTH)) < 0.25, chance, pick)
        slot = pick * GROUP + rng.choice(GROUP, (m, LENGTH), p=inside / inside.sum())
        mentions[begin : begin + m] = entity_of_slot[slot]
    group = np.empty(n, np.int64)
    group[entity_of_slot] = np.arange(n) // GROUP
    behaviour = Behaviour(mentions.ravel(), np.arange(users + 1, dtype=np.int64) * LENGTH, n)
    return Planted(named(group, rng), behaviour, group)


def named(group: np.ndarray, rng: np.random.Generator) -> Entities:
    """Return entities with made-up names; the words of the description are those of the group."""
    n, words = len(group), np.array(WORDS)
    parts = np.array(SYLLABLES)[rng.integers(0, len(SYLLABLES), (n, 4))]
    own = words[np.random.default_rng(9).integers(0, len(words), (group.max() + 1, 3))]
    names = [f"{''.join(p).title()} {i:x}" for i, p in enumerate(parts)]
    told = [f"A {a} for {b} and {c}." for a, b, c in own[group]]
    ids = tuple(f"e{i:07d}" for i in range(n))
    return Entities(ids, tuple(names), ("thing",) * n, tuple(told))


def scale(given: argparse.Namespace) -> bool:
    """Run the whole of stage I, then skip-gram alone on fewer sequences."""
    world = planted(given.entities, given.users)
    config, times = MineConfig(), [("", time.perf_counter(), time.process_time())]
    with tempfile.TemporaryDirectory() as folder:
        encode = kept_encoder(Home(Path(folder)), config)
        begin = time.perf_counter()

        def told(step: str, done: int, total: int) -> None:
            print(f"{done}/{total}", end=" ", file=sys.stderr)
            times.append((step, time.perf_counter(), time.process_time()))
            print(step, round(times[-1][1] - begin), "s", file=sys.stderr, flush=True)

        found = propose(
            world.entities, world.behaviour, config, seed=7, encode=encode, known=Known(world.documents()),
            progress=told,
        )  # fmt: skip
    wall, peak = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    heading(f"{given.entities:,} entities, {given.users:,} sequences of {LENGTH}, {DOCUMENTS:,} documents")
    print("| part | s | CPU s |\n|---|---|---|")
    for (_, before, cpu_before), (step, after, cpu_after) in itertools.pairwise(times):
        print(f"| {step} | {after - before:.0f} | {cpu_after - cpu_before:.0f} |")
    print(f"| all of stage I | {wall:.0f} | {times[-1][2] - times[0][2]:.0f} |\n")
    c = found.candidates
    print(f"Peak resident {peak:.1f} GiB. {len(c):,} candidates: {world.quality(c.source, c.target)}.")
    print(f"Held-out users ({config.held_out:.0%}): {found.metrics}\n")
    print("| sequences | skip-gram s per million | CPU s per million |\n|---|---|---|")
    for users in given.growth:
        cpu, start = time.process_time(), time.perf_counter()
        skip_gram(first(world.behaviour, users), dims=64, window=8, epochs=5, seed=7)
        rate = 1e6 / users
        print(f"| {users:,} | {(time.perf_counter() - start) * rate:.0f} | {(time.process_time() - cpu) * rate:.0f} |")
        sys.stdout.flush()
    return wall <= 900 and peak <= 8


def first(behaviour: Behaviour, users: int) -> Behaviour:
    """Return the first users."""
    return Behaviour(behaviour.entity[: behaviour.start[users]], behaviour.start[: users + 1], behaviour.entities)


def peers(given: argparse.Namespace) -> bool:
    """Skip-gram and retrieval beside their peers, in turn."""
    world = planted(given.entities, given.users)
    heading(f"{given.entities:,} entities, {given.users:,} sequences of {LENGTH}; 64 dims, window 8, 5 epochs")
    print("| skip-gram | s | CPU s | 39 nearest by cosine | 39 nearest, centred |\n|---|---|---|---|---|")

    def ours() -> np.ndarray:
        return skip_gram(world.behaviour, dims=64, window=8, epochs=5, seed=7)

    for name, learn in (("blocks", ours), ("gensim, 1 worker", lambda: gensim_vectors(world.behaviour))):
        vectors, wall, cpu = timed(learn)
        plain, flat = (
            world.quality(*top_n(unit_rows(v), GROUP - 1, minimum=-1.0)) for v in (vectors, centred(vectors))
        )
        print(f"| {name} | {wall:.0f} | {cpu:.0f} | {plain} | {flat} |", flush=True)
    print("\n| exact nearest 60 of all | s at 64 dims | CPU s | s at 384 dims | CPU s | equal lists |")
    print("|---|---|---|---|---|---|")
    rows = [unit_rows(np.random.default_rng(d).standard_normal((given.entities, d))) for d in (64, 384)]
    told: dict[str, list[str]] = {}
    equal: dict[str, list[float]] = {}
    for vectors in rows:
        reference: np.ndarray | None = None
        for name, search in (
            ("blocks", ours_n),
            ("numpy argpartition", partition_n),
            ("scikit-learn brute", sklearn_n),
        ):
            found, wall, cpu = timed(lambda v=vectors, s=search: s(v))
            reference = found if reference is None else reference
            told.setdefault(name, []).append(f"{wall:.1f} | {cpu:.1f}")
            equal.setdefault(name, []).append(float((found == reference).all(axis=1).mean()))
    for name, cells in told.items():
        print(f"| {name} | {' | '.join(cells)} | {min(equal[name]):.4f} |")
    return True


def ours_n(vectors: np.ndarray) -> np.ndarray:
    return top_n(vectors, 60, minimum=-1.0)[1].reshape(len(vectors), 60)


def partition_n(vectors: np.ndarray) -> np.ndarray:
    parts = []
    for begin in range(0, len(vectors), 1_000):
        similar = vectors[begin : begin + 1_000] @ vectors.T
        similar[np.arange(len(similar)), np.arange(begin, begin + len(similar))] = -np.inf
        best = np.argpartition(similar, -60, axis=1)[:, -60:]
        value = np.take_along_axis(similar, best, axis=1)
        parts.append(np.take_along_axis(best, np.lexsort((best, -value), axis=1), axis=1))
    return np.concatenate(parts)


def sklearn_n(vectors: np.ndarray) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=61, algorithm="brute", metric="cosine").fit(vectors)
    return search.kneighbors(vectors, return_distance=False)[:, 1:]


def gensim_vectors(behaviour: Behaviour) -> np.ndarray:
    from gensim.models import Word2Vec

    sentences = [[str(e) for e in row] for row in behaviour.entity.reshape(-1, LENGTH).tolist()]
    model = Word2Vec(
        sentences, vector_size=64, window=8, epochs=5, seed=7, min_count=1, sg=1, negative=8, sample=1e-3, workers=1,
        hashfxn=lambda word: zlib.crc32(word.encode()),
    )  # fmt: skip
    vectors = np.zeros((behaviour.entities, 64), np.float32)
    vectors[[int(word) for word in model.wv.index_to_key]] = model.wv.vectors
    return vectors


def demo(given: argparse.Namespace) -> bool:
    """Candidate recall against the planted relations of demo worlds, by setting."""
    variants: dict[str, dict[str, Any]] = {
        "as it is": {}, "no correction for popularity": {"popularity": "none"}, "no corpus": {"text_weight": 0.0},
        "corpus 0.25": {"text_weight": 0.25}, "corpus 0.75": {"text_weight": 0.75},
    }  # fmt: skip
    heading("demo worlds, small; popular: share of targets among the 5 % of entities with most users")
    print(
        "| seed | setting | recall | precision | by text: recall | precision | popular | of truth | held-out recall |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for seed in given.seeds:
            demo_world(Path(folder) / str(seed), seed, variants)
    return True


def demo_world(folder: Path, seed: int, variants: dict[str, dict[str, Any]]) -> None:
    import pandas as pd

    from audience_graph.demo import AS_OF, write_world
    from audience_graph.entities.dictionary import Dictionary, Entity
    from audience_graph.ingest.append import load_corpus, load_events
    from audience_graph.ingest.sequences import sequences
    from audience_trainers.relations.behaviour import behaviour_from_sequences

    write_world(folder, "small", seed)
    home = Home(folder / "home")
    load_events(folder / "events.parquet", home=home)
    load_corpus(folder / "corpus.parquet", home=home)
    rows = pd.read_parquet(folder / "entities.parquet").itertuples()
    dictionary = Dictionary.of(
        Entity(r.id, r.name, r.type, tuple(r.aliases), r.description if isinstance(r.description, str) else None)
        for r in rows
    )
    entities, table = entities_of(dictionary), sequences(home, dictionary, AS_OF.date() - timedelta(days=1))
    behaviour, n = behaviour_from_sequences(table, entities), len(entities)
    place = {entity_id: i for i, entity_id in enumerate(entities.ids)}
    told = pd.read_parquet(folder / "truth" / "relations.parquet")
    true = told["source_id"].map(place).to_numpy() * n + told["target_id"].map(place).to_numpy()
    popular = np.zeros(n, bool)
    popular[np.argsort(-behaviour.reach(), kind="stable")[: n // 20]] = True
    for name, changed in variants.items():
        config = MineConfig(**changed)
        known = Known(read_documents(home, dictionary))
        found = propose(entities, behaviour, config, seed=7, encode=kept_encoder(home, config), known=known)
        c = found.candidates
        hit, text = np.isin(c.source * n + c.target, true), c.provenance > 0
        print(
            f"| {seed} | {name} | {hit.sum() / len(true):.3f} | {hit.mean():.3f} | {hit[text].sum() / len(true):.3f} | "
            f"{hit[text].mean():.3f} | {popular[c.target].mean():.3f} | {popular[true % n].mean():.3f} | "
            f"{found.metrics['recall']:.3f} |",
            flush=True,
        )


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float, float]:
    """Return the answer, wall seconds and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return answer, time.perf_counter() - wall, time.process_time() - cpu


def heading(words: str) -> None:
    load = os.getloadavg()[0]
    print(f"`{' '.join(['python tests/bench/bench_candidates.py', *sys.argv[1:]])}`: {words}; {os.cpu_count()} cores,")
    print(f"{platform.machine()}, load of the machine {load:.1f}.\n", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("scale")
    one.add_argument("--users", type=int, default=1_000_000)
    one.add_argument("--entities", type=int, default=100_000)
    one.add_argument("--growth", type=int, nargs="*", default=[250_000, 500_000])
    two = commands.add_parser("peers")
    two.add_argument("--users", type=int, default=40_000)
    two.add_argument("--entities", type=int, default=20_000)
    three = commands.add_parser("demo")
    three.add_argument("--seeds", type=int, nargs="+", default=[5, 6, 101, 102])
    given = parser.parse_args()
    return 0 if {"scale": scale, "peers": peers, "demo": demo}[given.command](given) else 1


if __name__ == "__main__":
    sys.exit(main())
