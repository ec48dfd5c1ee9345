"""Decide about relations: CONFIRMED or REJECTED, laid over every version at every read, and heard by the next mining.

A decision lies in Neo4j, its audit line in Postgres. The line comes first, as what is asked for: killed in between, the
log names a decision that does not hold yet, and the same call again brings it about. A server that refuses adds a line
that says so. Repeating a decision changes nothing; confirming takes back a rejection, and the other way round, in one
transaction of Neo4j. What results say never overturns what a marketer said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from audience_graph.answer import Answer
from audience_graph.audit import record
from audience_graph.errors import ConfigError, NotFoundError, StoreError
from audience_graph.graph.queries import load_query
from audience_graph.graph.runner import Row, Runner
from audience_graph.release.records import Release
from audience_graph.request import current_or_none
from audience_graph.vectors.store import Store

Source = Literal["marketer", "result"]
Verb = Literal["confirm", "reject", "withdraw"]
Pair = tuple[str, str]
SOURCES: tuple[Source, ...] = ("marketer", "result")
# Score of a confirmed relation that the current version does not hold: two of them in a row stay above the .3 that
# picking asks for, and a relation that the model is sure of ranks above.
DEFAULT_SCORE = 0.7
MOST_NOTE = 2_000
_NO_VERSION = "RELATES_0000_W00_00000000"  # a type that no version has
_DONE = {"confirm": "confirmed", "reject": "rejected", "withdraw": "withdrawn"}


@dataclass(frozen=True, slots=True)
class Said:
    """Who decides, with which word of explanation. By `source` "result", or with `yields`, decisions that stand stay.

    `about` is what the audit line is about; the pair itself where it is None.
    """

    by: str
    source: Source = "marketer"
    note: str = ""
    yields: bool = False
    about: str | None = None

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise ConfigError(f"a decision comes from {' or '.join(SOURCES)}, not {self.source!r}")
        if not isinstance(self.note, str) or len(self.note) > MOST_NOTE:
            raise ConfigError(f"a note is a text of at most {MOST_NOTE:,} characters")
        if "\0" in self.note or any("\ud800" <= c <= "\udfff" for c in self.note):
            raise ConfigError("the note holds characters that cannot be stored")

    @property
    def yields_to(self) -> list[Source]:
        """Whose opposite decisions stay."""
        return ["marketer"] if self.source == "result" else [*SOURCES] if self.yields else []


@dataclass(frozen=True, slots=True)
class Decision:
    """What holds of one pair. `sources` in the order in which they spoke; `by`, `at`, `note` are a marketer's where one
    decided, else those of the results that did first (`result_at`)."""

    decision: str
    source_id: str
    source_name: str
    target_id: str
    target_name: str
    score: float | None
    sources: tuple[str, ...]
    by: str | None
    at: str | None
    note: str | None
    result_at: str | None


@dataclass(frozen=True, slots=True, repr=False)
class Decisions(Answer):
    """Decisions about relations as they stand, latest first. `left` are pairs whose opposite decision stays."""

    decisions: tuple[Decision, ...]
    left: tuple[Pair, ...] = ()
    release: int | None = None
    version: str | None = None
    week: str | None = None

    def _title(self) -> str:
        count = len(self.decisions)
        left = f"; {len(self.left)} left as decided before" if self.left else ""
        return f"{count:,} decided relation{'' if count == 1 else 's'}{left}"

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        names = ("decision", "source_id", "source_name", "target_id", "target_name", "score", "sources", "by", "at",
                 "note", "result_at")  # fmt: skip
        return {name: [getattr(d, name) for d in self.decisions] for name in names}


def pairs_of(paths: Iterable[Sequence[str]]) -> tuple[Pair, ...]:
    """Return the relations on paths of entity ids, each once, in order: every two that follow each other."""
    return tuple(dict.fromkeys(pair for path in paths for pair in pairwise(path)))


def decide(runner: Runner, store: Store, verb: Verb, pairs: Sequence[Pair], said: Said) -> Decisions:
    """Confirm, reject or withdraw pairs of entity ids, and return what holds of them now.

    Raises ConfigError for a pair of an entity with itself, NotFoundError for one that is not there; nothing is decided
    then, and nothing logged.
    """
    asked = sorted(set(pairs))
    for source, target in asked:
        if source == target:
            raise ConfigError(f"{source!r} cannot be related to itself")
    with store.transaction(read_only=True) as tx:
        release = current_or_none(tx)
    if not asked:
        return Decisions((), **_source(release))
    scores = _scores(runner, asked, release)
    _audited(store, verb, asked, said, release, write=lambda: _write(runner, verb, scores, said))
    found = decisions(runner, asked)
    left = [] if verb == "withdraw" else [p for p in asked if p not in _standing(found, _DONE[verb])]
    return Decisions(found, tuple(left), **_source(release))


def decisions(runner: Runner, pairs: Sequence[Pair] | None = None) -> tuple[Decision, ...]:
    """Return what is decided: about these pairs, or all of it; latest first."""
    listed = None if pairs is None else [list(pair) for pair in pairs]
    rows = runner.read(load_query("relations/decisions"), {"pairs": listed})
    return tuple(Decision(**{**row, "sources": tuple(row["sources"])}) for row in rows)


def list_decisions(runner: Runner, store: Store) -> Decisions:
    """Return all that is decided."""
    with store.transaction(read_only=True) as tx:
        release = current_or_none(tx)
    return Decisions(decisions(runner), **_source(release))


def _standing(found: Iterable[Decision], decision: str) -> set[Pair]:
    return {(d.source_id, d.target_id) for d in found if d.decision == decision}


def _scores(runner: Runner, pairs: Sequence[Pair], release: Release | None) -> list[Row]:
    kind = release.relation_type if release is not None else _NO_VERSION
    query = load_query("relations/look_at_pairs").at_version(kind)
    rows = runner.read(query, {"pairs": [list(pair) for pair in pairs], "relation_type": kind})
    missing = {row[end] for row in rows for end in ("source", "target") if not row[f"{end}_known"]}
    if missing:
        named = ", ".join(map(repr, sorted(missing)[:5]))
        raise NotFoundError(f"no entity has the id {named}", hint="`audience-graph resolve` finds ids by name")
    return [{name: row[name] for name in ("source", "target", "score")} for row in rows]


def _write(runner: Runner, verb: Verb, rows: Sequence[Row], said: Said) -> None:
    query = load_query(f"relations/{verb}")
    if verb == "withdraw":
        runner.write(query, {"pairs": [[row["source"], row["target"]] for row in rows]})
        return
    values = {"pairs": list(rows), "source": said.source, "by": said.by, "note": said.note}
    default = {"default_score": DEFAULT_SCORE} if verb == "confirm" else {}
    runner.write(query, {**values, "yields_to": said.yields_to, **default})


def _audited(
    store: Store, verb: Verb, pairs: Sequence[Pair], said: Said, release: Release | None, *, write: Callable[[], None]
) -> None:
    about = said.about or f"relation {pairs[0][0]} -> {pairs[0][1]}"
    what = {"source": said.source, "note": said.note, "pairs": [list(pair) for pair in pairs]}

    def log(action: str, what: Mapping[str, Any]) -> None:
        with store.transaction() as tx:
            record(tx, said.by, action, about, what, release_id=release.id if release is not None else None)

    log(f"relation.{verb}", what)
    try:
        write()
    except StoreError as exc:
        log(f"relation.{verb}.failed", {"error": exc.message})
        raise


def _source(release: Release | None) -> dict[str, Any]:
    return {} if release is None else release.source
