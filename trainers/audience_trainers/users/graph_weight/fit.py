"""Fit the weight of the graph for a user-text space, on windows of the past and users its model did not train on.

A user's past ends at t1, the truth lies in t1 <= time < t2. As of t1 are: the events and columns that the model reads,
the user's preferences (recomputed from the mentions before t1). The users are those held out of the alignment, and the
entity vectors of texts are learned again without them (`unseen.py`): with the stored ones the sentence's side would
reach an AUC of .766 on world 5, where the true future gives .725.

Not as of t1: the relations and the entity vectors h_e of the graph, mined from all users in the release's window, and
what the model learned of other users in the same weeks. The first favours the graph, the second the sentence. On world
5 neither is seen: AUC .717 (graph) and .731 (sentence) on the held-out windows, .711 and .725 on the true future.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from audience_graph.errors import ConfigError
from audience_graph.user_text.graph_weight import GraphWeight
from audience_trainers.run import Progress, silent
from audience_trainers.users.entity_text import EntityTextConfig
from audience_trainers.users.fit import TrainedUsers
from audience_trainers.users.graph_weight.demands import Demand, demands_at
from audience_trainers.users.graph_weight.judge import Judged, choose, judge
from audience_trainers.users.graph_weight.pasts import Flags, Floats, Indices, Mentions, preferences_at, read_mentions
from audience_trainers.users.graph_weight.unseen import unseen
from audience_trainers.users.histories import Moments
from audience_trainers.users.pairs.windows import DAY, WindowConfig, held_out, plan_windows
from audience_trainers.users.source import Source

MOST_WINDOWS = 4
MOST_SENTENCES = 300  # of one window
LEAST_SENTENCES = 30
MOST_USERS = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The graph's side of a release: `vectors` (E, d) of the dictionary's entities, `has` (E,) who has one.

    User vectors are means over `days` days. `query(sentence)` gives the vector (d,) of the entities that stand for a
    sentence, None where it names none. `version` is that of the relations.
    """

    version: str
    vectors: Floats
    has: Flags
    days: int
    query: Callable[[str], Floats | None]


@dataclass(frozen=True, slots=True)
class Held:
    """How a model was trained: its windows, which hold users out, the entity vectors of its texts, its seed."""

    windows: WindowConfig
    entities: EntityTextConfig
    seed: int


def fit_weight(
    source: Source, trained: TrainedUsers, held: Held, graph: Graph, *, progress: Progress = silent
) -> GraphWeight:
    """Return the weight, with how it was measured; without one, and with the reason, where too little can be judged."""
    users = held_out(trained.known.histories.user_ids, held.windows.validation_share)
    places = np.flatnonzero(users).astype(np.int64)
    if len(places) > MOST_USERS:
        places = np.sort(np.random.default_rng(held.seed).permutation(places)[:MOST_USERS])
    cuts = windows_of(trained, held.windows)
    judged: list[tuple[int, Judged]] = []
    if len(places) and cuts:
        progress("entity vectors without the users held out", 0, 1)
        told = unseen(trained, np.flatnonzero(users).astype(np.int64), held.entities, seed=held.seed)
        progress("entity vectors without the users held out", 1, 1)
        mentions = read_mentions(source, [trained.known.histories.user_ids[i] for i in places.tolist()])
        for cut in cuts:
            window = _Window(source, told, places, mentions, graph, cut, held.windows.horizon_days)
            judged += [(cut, one) for one in window.judge(held.seed, progress)]
    return _weight(graph.version, judged, len(places), held)


def windows_of(trained: TrainedUsers, config: WindowConfig) -> tuple[int, ...]:
    """Return up to MOST_WINDOWS times t1, the latest first, whose windows do not overlap; none where none fits."""
    time = trained.known.histories.time
    try:
        windows = plan_windows(int(time.min()), int(time.max()), config)
    except ConfigError:
        return ()
    found: list[int] = []
    for cut in windows.cut[::-1].tolist():
        if not found or cut + windows.horizon <= found[-1]:
            found.append(cut)
    return tuple(found[:MOST_WINDOWS])


@dataclass(frozen=True, slots=True, eq=False)
class _Window:
    source: Source
    trained: TrainedUsers
    users: Indices  # (n,) places in the histories
    mentions: Mentions
    graph: Graph
    cut: int
    horizon_days: int

    def judge(self, seed: int, progress: Progress) -> list[Judged]:
        """Return the demands of the window that both sides can rank, judged."""
        histories = self.trained.known.histories
        moments = Moments(self.users, np.full(len(self.users), self.cut, np.int64))
        there = np.asarray(histories.before(moments) > histories.start[self.users])
        names = tuple(entity.name for entity in self.source.dictionary.entities)
        end = self.cut + self.horizon_days * DAY
        demands = demands_at(self.mentions, names, there, at=self.cut, end=end, most=MOST_SENTENCES, seed=seed)
        if not demands:
            return []
        rows = np.flatnonzero(there).astype(np.int64)
        users = _half(self.trained.embed(moments[rows]))
        said = _half(self.trained.embed_sentences([one.sentence for one in demands]))
        preferring = preferences_at(
            self.mentions, self.graph.vectors, self.graph.has, at=self.cut, days=self.graph.days
        )
        return self._each(demands, (rows, users, said), preferring, progress)

    def _each(
        self,
        demands: Sequence[Demand],
        sentences: tuple[Indices, Floats, Floats],
        preferring: tuple[Indices, Floats],
        progress: Progress,
    ) -> list[Judged]:
        rows, users, said = sentences
        found = []
        step = f"sentences of {_day(self.cut)}"
        for i, (one, vector) in enumerate(zip(demands, said, strict=True)):
            query = self.graph.query(one.sentence)
            if query is not None and len(preferring[0]):
                graph = preferring[0], (preferring[1] @ query).astype(np.float64)
                sentence = rows, (users @ vector).astype(np.float64)
                lifts, graph_auc, sentence_auc = judge(graph, sentence, one.positive, one.eligible)
                found.append(Judged(one.entity, int(one.positive.sum()), lifts, graph_auc, sentence_auc))
            progress(step, i + 1, len(demands))
        return found


def _weight(version: str, judged: Sequence[tuple[int, Judged]], users: int, held: Held) -> GraphWeight:
    each = [one for _, one in judged]
    cuts = sorted({cut for cut, _ in judged})
    measured: dict[str, object] = {"measure": "mean lift at 5 %", "users": users, "least": LEAST_SENTENCES}
    measured["windows"] = [{"from": _day(cut), "days": held.windows.horizon_days,
                            "sentences": sum(at == cut for at, _ in judged)} for cut in cuts]  # fmt: skip
    if len(each) < LEAST_SENTENCES:
        return GraphWeight(version, None, len(each), len(cuts), measured)
    choice = choose(each, seed=held.seed)
    measured["grid"] = [
        {"weight": p.weight, "lift": p.lift, "ci": [p.low, p.high]} for p in choice.grid
    ]  # fmt: skip
    measured["auc"] = {"graph": round(float(np.mean([one.graph_auc for one in each])), 4),
                       "sentence": round(float(np.mean([one.sentence_auc for one in each])), 4)}  # fmt: skip
    return GraphWeight(version, choice.weight, len(each), len(cuts), measured)


def _half(vectors: Floats) -> Floats:
    """Round to half precision, as vectors are stored."""
    return vectors.astype(np.float16).astype(np.float32)


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
