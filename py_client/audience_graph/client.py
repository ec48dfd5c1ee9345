"""The front door: connect, resolve, expand, plan, target, explain, query, releases.

    with AudienceGraph.connect() as ag:
        near = ag.expand("skin care", hops=2)
        best = ag.target("skin care", size=10_000)
        why = ag.explain(best.user_ids[0], best)
        soon = ag.target("people planning a family trip", size=10_000, method="sentence")

Every answer is a frozen, typed result: it names its release, version and week, gives a DataFrame with `.to_df()` and
prints as a table. A request reads Postgres in one REPEATABLE READ transaction and stays on the release that is current
when it starts; a mirror in Neo4j that is found behind is repaired after the request.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload

from audience_graph.allowed import Allowed
from audience_graph.audience.ask import Ask, SentenceOptions
from audience_graph.audience.audience import Audience, users
from audience_graph.audience.compare import Comparison
from audience_graph.audience.define.definition import Alike, Width
from audience_graph.audience.define.definition import Phrases as By
from audience_graph.audience.desk import Desk
from audience_graph.audience.explain import Explanation
from audience_graph.audience.graph_side import GraphSide, Phrases
from audience_graph.audience.learn.decisions import RelationDecisions
from audience_graph.audience.learn.results import Results
from audience_graph.audience.pick import PickRule
from audience_graph.audience.plan import Plan
from audience_graph.audience.send.exports import Exports
from audience_graph.audience.sentence import Speaker
from audience_graph.audience.shelf import Shelf
from audience_graph.audience.spaces import Beside, compare_spaces
from audience_graph.audience.target import Cut, Method, Target
from audience_graph.audience.ways import Ways
from audience_graph.audience.why.answer import AudienceExplanation
from audience_graph.audit import find_actor
from audience_graph.config import Connections, Home, find_connections, find_home
from audience_graph.database_url import check_database_url
from audience_graph.entities.matches import Resolution
from audience_graph.entities.resolve import Encoder
from audience_graph.entities.text_encoder import TextEncoder
from audience_graph.erase import Erasure, erase_users
from audience_graph.errors import ConfigError, StoreError
from audience_graph.graph.answers import Expansion
from audience_graph.graph.expansion import ExpandOptions
from audience_graph.graph.runner import Driver, Neo4jRunner, Runner, open_runner
from audience_graph.graph.trace import Tell, TracedRunner
from audience_graph.release.answers import Releases
from audience_graph.release.kept import kept
from audience_graph.release.publish import repair_mirror
from audience_graph.release.records import list_releases, read_version_of
from audience_graph.request import Request, current_or_none
from audience_graph.saved.guard import MOST_ROWS, TIMEOUT, CypherResult, run_guarded, written
from audience_graph.saved.kept import find_saved
from audience_graph.saved.meant import with_ids
from audience_graph.saved.run import QueryResult, run_saved
from audience_graph.saved.shelf import SavedQueries
from audience_graph.vectors.store import Store, open_store
from audience_graph.vectors.trace import TracedStore


class AudienceGraph:
    """A client of one Neo4j and one Postgres. Not tied to a thread; close it, or use it in a `with`."""

    def __init__(
        self,
        runner: Runner,
        store: Store,
        *,
        encoder: Encoder | None = None,
        runs: Path | None = None,
        actor: str | None = None,
        home: Home | None = None,
        because: str | None = None,
    ) -> None:
        """Ask over these seams. `encoder` turns texts into vectors of the text space; MiniLM, loaded when needed.

        `runs` is the folder of runs: sentence encoders that were trained whole lie there. `actor` is who the audit log
        says did it: by default `AUDIENCE_GRAPH_ACTOR`, else the name of the user of this machine. `home` is the data
        folder. `because` lets sensitive entities into every question; see `because()`.
        """
        self._runner = runner
        self._store = store
        self._encoder = encoder
        self._runs = runs
        self._home = home
        self._texts = TextEncoder()  # one for phrases, sentences and events
        self._graph = GraphSide(runner, self._text_encoder)
        self._speaker = Speaker(runner, self._text_encoder, self._texts, runs)
        self._ways = Ways(self._speaker, self._graph)
        self._actor = actor if actor is not None else find_actor()
        self._because = because
        desk = Desk(store, self._ways, self._graph, lambda: self._request(None, allowed=self._allowed()), self._actor)
        self.audiences = Shelf(desk)
        self.exports = Exports(store, actor=self._actor, home=home)
        self.decisions = RelationDecisions(runner, store, self.resolve, by=self._actor)
        self.results = Results(runner, store, by=self._actor, home=home)
        self.queries = SavedQueries(runner, store, by=self._actor)

    @classmethod
    def connect(
        cls,
        data_dir: str | os.PathLike[str] | None = None,
        *,
        connections: Connections | None = None,
        driver: Driver | None = None,
        database_url: str | None = None,
        actor: str | None = None,
    ) -> Self:
        """Connect to the servers of the environment, else to the embedded stack of a data folder.

        Or to those of `connections`; or over a `driver` of your own, which stays open when this closes, together with
        `database_url` (else DATABASE_URL). Nothing is sent before the first request. Raises ConfigError when there
        are no servers, or when the arguments contradict each other.
        """
        if driver is not None:
            url = database_url or os.environ.get("DATABASE_URL")
            if url is None:
                raise ConfigError("a driver without a Postgres", hint="pass database_url= or set DATABASE_URL")
            if connections is not None or data_dir is not None:
                raise ConfigError("pass a driver, or connections, or a data folder: one of them")
            check_database_url(url, name="DATABASE_URL" if database_url is None else "database_url")
            database = os.environ.get("NEO4J_DATABASE") or "neo4j"
            return cls(Neo4jRunner(driver, database=database), Store(url, keep=True), actor=actor)
        if database_url is not None:
            raise ConfigError("database_url without a driver", hint="pass driver= too, or use connections=")
        home = find_home(data_dir)
        found = connections if connections is not None else find_connections(home)
        return cls(open_runner(found), open_store(found, keep=True), runs=home.runs, actor=actor, home=home)

    def resolve(self, phrases: Phrases, *, types: Sequence[str] = ()) -> Resolution:
        """Return what phrases mean: id, exact name, alias, full text, then meaning.

        An ambiguous phrase comes with its choices. Raises NotFoundError, with the nearest names, for one that
        matches nothing.
        """
        with self._request(None, required=False) as request:
            return self._graph.resolve(phrases, request, types)

    def expand(
        self,
        phrases: Phrases,
        hops: int | None = None,
        *,
        min_relevance: float | None = None,
        limit: int | None = None,
        types: Sequence[str] | None = None,
        week: str | None = None,
        options: ExpandOptions | None = None,
        sensitive_because: str | None = None,
    ) -> Expansion:
        """Return the entities within `hops` (default 2) of phrases or ids, best first, with the paths that gave them.

        Arguments override those of `options`, which also holds fan-out, damping and direction. Sensitive entities are
        let in by a reason, `sensitive_because`, which is in the audit log before the answer is here. Raises
        AmbiguousError, naming the choices, for a phrase with several meanings; SensitiveError for a sensitive one.
        """
        listed = types if types is None or isinstance(types, str) else tuple(types)
        chosen = _with(options, hops=hops, min_relevance=min_relevance, limit=limit, types=listed, week=week)
        with self._request(chosen.week, allowed=self._allowed(sensitive_because)) as request:
            return self._graph.expand(phrases, request, chosen)

    def plan(self, phrases: Phrases, *, sentence: SentenceOptions | None = None) -> Plan:
        """Return what a sentence asks for, before anything runs: what it names, in which words the model is told.

        Words that nothing known is called or near to are named. Raises ConfigError for an empty sentence.
        """
        with self._request(None) as request:
            found = self._ways.plan(request, Ask(phrases, sentence=sentence or SentenceOptions()))
            return replace(found, **request.read.source)

    def target(
        self,
        phrases: Phrases,
        size: int = 1000,
        *,
        method: Method | None = None,
        min_score: float | None = None,
        exclude_users: Sequence[str] = (),
        hops: int | None = None,
        week: str | None = None,
        rule: PickRule | None = None,
        options: ExpandOptions | None = None,
        sentence: SentenceOptions | None = None,
        sensitive_because: str | None = None,
    ) -> Target:
        """Return the `size` users who want what phrases, or one sentence, ask for, best first.

        `method` "graph" ranks by the mean preference for the entities that stand for the phrases, picked from the
        expansion by `rule`; "sentence" by the cosine with the sentence, in the user-text space of the release; "both"
        by the fused ranks. None: both where the release has such a space, else the graph.

        The ranking is exact over all users with a vector, less `exclude_users`. With `min_score` only users of at least
        that score come. `sensitive_because`: see `expand`. Raises NotFoundError when no picked entity has a vector, or
        nothing in a sentence is known.
        """
        exclude = exclude_users if isinstance(exclude_users, str) else tuple(exclude_users)
        cut = Cut(size, min_score, exclude)  # type: ignore[arg-type] # a lone str is refused by Cut
        chosen = _with(options, hops=hops, week=week)
        ask = Ask(phrases, cut, method, chosen, rule, sentence or SentenceOptions())
        with self._request(chosen.week, allowed=self._allowed(sensitive_because)) as request:
            release, found = request.read, self._ways.target(request, ask)
            return replace(found, days=release.preference_days, **release.source)

    @overload
    def explain(
        self, user_id: str, about: Audience, *, purpose: str | None = None, sensitive_because: str | None = None
    ) -> AudienceExplanation: ...

    @overload
    def explain(
        self,
        user_id: str,
        about: Target | Phrases,
        *,
        method: Method | None = None,
        hops: int | None = None,
        week: str | None = None,
        rule: PickRule | None = None,
        options: ExpandOptions | None = None,
        sentence: SentenceOptions | None = None,
        sensitive_because: str | None = None,
    ) -> Explanation: ...

    def explain(
        self,
        user_id: str,
        about: Audience | Target | Phrases,
        *,
        purpose: str | None = None,
        method: Method | None = None,
        hops: int | None = None,
        week: str | None = None,
        rule: PickRule | None = None,
        options: ExpandOptions | None = None,
        sentence: SentenceOptions | None = None,
        sensitive_because: str | None = None,
    ) -> Explanation | AudienceExplanation:
        """Return why a user has their score: phrase -> path -> entity -> own events, with parts that add up.

        `about` is an Audience, for its members and for those who are not (see `Audience.explain`); a Target, explained
        on its own release and picked entities; or phrases, which are picked anew. On the sentence's side the own events
        are given that lie nearest to it. What is sensitive in the user's own events is withheld without
        `sensitive_because`: see `expand`. Of a Target or phrases raises NotFoundError for an unknown user; one without
        events gets an answer that says so.
        """
        if not isinstance(user_id, str):
            raise ConfigError(f"a user id is text, not {user_id!r}")
        allowed = self._allowed(sensitive_because, user_id)
        if isinstance(about, Audience):
            if any(given is not None for given in (method, hops, week, rule, options, sentence)):
                raise ConfigError("an audience says itself how it is ranked", hint="pass purpose alone beside it")
            asked = self if sensitive_because is None else self.because(sensitive_because)
            return asked.audiences.of(about).explain(user_id, purpose=purpose)
        if purpose is not None:
            raise ConfigError("a purpose is asked about an audience", hint="ag.explain(user, ag.audience(phrases))")
        if isinstance(about, Target):
            with kept(self._store) as versions, self._store.transaction(read_only=True, snapshot=True) as tx:
                versions += [about.version] if about.version is not None else []
                told = self._ways.explain_target(tx, current_or_none(tx), about, user_id, allowed=allowed)
            named = self._graph.named(told, allowed)
            if allowed is not None:
                allowed.record(self._store, self._actor, about.release)
            return named
        chosen = _with(options, hops=hops, week=week)
        ask = Ask(about, Cut(), method, chosen, rule, sentence or SentenceOptions())
        with self._request(chosen.week, allowed=allowed) as request:
            found, release = self._graph.named(self._ways.explain(request, ask, user_id), allowed), request.read
        return replace(found, **release.source)

    def audience(
        self,
        phrases: Phrases,
        *,
        size: int | None = None,
        min_score: float | None = None,
        width: Width | None = None,
        method: Method | None = None,
        hops: int | None = None,
        rule: PickRule | None = None,
        options: ExpandOptions | None = None,
        sentence: SentenceOptions | None = None,
    ) -> Audience:
        """Return the audience of phrases or a sentence as a value; nothing runs until it is asked.

        At most `size` users, of at least `min_score`, or the share of a `width` ("narrow", "balanced", "broad");
        without any of them the best 1,000. The ranking is that of `target`.
        """
        listed = phrases if isinstance(phrases, str) else tuple(phrases)
        by = By(listed, method, _with(options, hops=hops), rule, sentence or SentenceOptions())
        return self.audiences.ranked(by, size, min_score, width)

    def lookalike(
        self,
        seeds: Audience | Sequence[str],
        *,
        size: int | None = None,
        min_score: float | None = None,
        width: Width | None = None,
        method: Method | None = None,
        keep_seeds: bool = False,
    ) -> Audience:
        """Return the users most alike to seed users, or to another audience, as a value; see `audience` for the cut."""
        given = seeds.definition if isinstance(seeds, Audience) else users(seeds).definition
        return self.audiences.ranked(Alike(given, method, keep_seeds), size, min_score, width)

    def compare_spaces(
        self,
        a: str,
        b: str,
        sentences: str | Sequence[str] = (),
        *,
        size: int = 1000,
        sentence: SentenceOptions | None = None,
    ) -> Comparison:
        """Return how the audiences of sentences differ between two user-text spaces, staged or published.

        Without `sentences`: demands about the entities that most users met, and the sentences of the prompts. No number
        is shown of under 100 users. Raises NotFoundError for an unknown space, or where nothing in a sentence is known.
        """
        listed = (sentences,) if isinstance(sentences, str) else tuple(sentences)
        beside = Beside(a, b, listed, size, sentence or SentenceOptions())
        with self._request(None) as request:
            return compare_spaces(request, self._speaker, self._runner, beside)

    def query(self, name: str, /, **params: Any) -> QueryResult:
        """Run a saved query by name on the current release, with READ access.

        An `entity` parameter takes a phrase, a list of entities phrases. Raises NotFoundError, AmbiguousError or
        SensitiveError for what one means, ConfigError for values of another type or out of bounds.
        """
        saved = find_saved(self._runner, name)
        checked = saved.check(params)
        with self._request(None) as request:
            values, notes = with_ids(saved, checked, lambda phrases: self._graph.resolve(phrases, request))
            found = run_saved(self._runner, request.tx, saved, values, request.read, request.versions)
            return replace(found, notes=(*notes, *found.notes))

    def cypher(
        self,
        text: str,
        params: Mapping[str, Any] | None = None,
        *,
        timeout: float = TIMEOUT,
        max_rows: int = MOST_ROWS,
    ) -> CypherResult:
        """Run Cypher of your own: planned first, refused unless all of it reads, then run once, never retried.

        At most `max_rows` rows come, and the server stops it after `timeout` seconds. Nodes come as maps of their
        properties. Raises QueryError for what may not run or cannot, ConfigError for parameters of another type.
        """
        query = written(text)
        with self._request(None, required=False) as request:
            found = run_guarded(self._runner, query, params or {}, timeout=timeout, max_rows=max_rows)
            columns = {name: tuple(row[i] for row in found.rows) for i, name in enumerate(found.columns)}
            source = {} if request.release is None else request.release.source
            return CypherResult(columns, found.more, **source)

    def releases(self) -> Releases:
        """Return all releases, newest first, retired ones too; the answer itself names the current one."""
        found = list_releases(self._store)
        now = next((r for r in found if r.status == "current"), None)
        return Releases(found) if now is None else Releases(found, **now.source)

    def erase(self, user_ids: str | Sequence[str], *, because: str) -> Erasure:
        """Remove users from both databases and the data folder for good, and prove it; see `audience_graph.erase`.

        `.traces` of the answer names what is left, `.notes` what a person has to see to. Files that name them again do
        not bring them back. Raises ConfigError without a data folder, or when users were erased with another key.
        """
        if self._home is None:
            raise ConfigError("this client has no data folder to erase from", hint="AudienceGraph.connect(data_dir)")
        return erase_users(self._runner, self._store, self._home, user_ids, because=because, who=self._actor)

    def because(self, reason: str) -> AudienceGraph:
        """Return this client with a reason that lets sensitive entities into all that it is asked, audiences too.

        Each question that runs writes a line to the audit log before its answer. Close the first one.
        """
        Allowed.of(reason)
        return self._over(self._runner, self._store, reason)

    def traced(self, tell: Tell) -> AudienceGraph:
        """Return this client with `tell(name, text, parameters)` called before each query. Close the first one."""
        return self._over(TracedRunner(self._runner, tell), TracedStore(self._store, tell), self._because)

    def _over(self, runner: Runner, store: Store, because: str | None) -> AudienceGraph:
        how: dict[str, Any] = {"encoder": self._encoder, "runs": self._runs, "actor": self._actor, "home": self._home}
        return AudienceGraph(runner, store, because=because, **how)

    def _allowed(self, because: str | None = None, user_id: str | None = None) -> Allowed | None:
        return Allowed.of(because if because is not None else self._because, user_id=user_id)

    def close(self) -> None:
        """Close what `connect` opened; a driver that was passed stays open."""
        self._store.close()
        if isinstance(self._runner, Neo4jRunner):
            self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return "AudienceGraph()"

    @contextmanager
    def _request(self, week: str | None, *, required: bool = True, allowed: Allowed | None = None) -> Iterator[Request]:
        """Open a request. What it allows is in the audit log when it ends well: else it raises, and gives no answer."""
        with kept(self._store) as versions, self._store.transaction(read_only=True, snapshot=True) as tx:
            release = read_version_of(tx, week) if required else current_or_none(tx)
            versions += [release.version] if required and release is not None else []
            yield (request := Request(tx, release, versions, allowed=allowed))
        if allowed is not None:
            allowed.record(self._store, self._actor, None if release is None else release.id)
        if request.mirror_behind:
            with suppress(StoreError):  # the answer is right all the same: it did not read the mirror
                repair_mirror(self._runner, self._store)

    def _text_encoder(self) -> Encoder:
        if self._encoder is None:
            self._encoder = lambda texts: self._texts.encode(texts).tolist()
        return self._encoder


def _with(options: ExpandOptions | None, **given: Any) -> ExpandOptions:
    return replace(options or ExpandOptions(), **{k: v for k, v in given.items() if v is not None})
