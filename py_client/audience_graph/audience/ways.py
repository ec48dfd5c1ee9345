"""Three ways to an audience: by the graph, by the sentence, by both.

    graph      phrases -> entities -> expansion -> picked -> mean preference (target.py)
    sentence   sentence -> plan -> its vector -> cosine with each user's (sentence.py)
    both       the two rankings fused by rank (fusion.py); entities that the sentence names seed the graph's side

Without a method: both where the release has a user-text space, else the graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from audience_graph.allowed import Allowed
from audience_graph.audience.ask import Ask
from audience_graph.audience.explain import Explanation, Question, explain_user
from audience_graph.audience.graph_side import GraphSide
from audience_graph.audience.near_events import Nearness, near_events, nothing_withheld
from audience_graph.audience.pick import Picked
from audience_graph.audience.plan import Plan
from audience_graph.audience.rank import Said, by_both, by_sentence
from audience_graph.audience.safety.asked import check_things
from audience_graph.audience.sentence import Speaker
from audience_graph.audience.target import Target, target_users
from audience_graph.audience.weighing import weighing
from audience_graph.errors import AmbiguousError, NotFoundError
from audience_graph.release.records import Release
from audience_graph.request import Request
from audience_graph.user_text.space import TextSpace, read_space
from audience_graph.vectors.store import Transaction
from audience_graph.vectors.topk import Floats
from audience_graph.vectors.window import Window


@dataclass(frozen=True, slots=True, eq=False)
class Sentence:
    """A sentence as the vector `query` (d,) of a space, for the explanation of what it chose."""

    space: str
    query: Floats
    phrases: tuple[str, ...]


class Ways:
    """Answers questions within requests."""

    def __init__(self, speaker: Speaker, graph: GraphSide) -> None:
        self._speaker = speaker
        self._graph = graph

    def plan(self, request: Request, ask: Ask) -> Plan:
        """Return the plan of the sentence; nothing is ranked. Works without any user-text space too."""
        space = self._space(request, ask) if request.read.user_text_space or ask.sentence.space else None
        found = self._speaker.plan(request.tx, ask.said, space, ask.sentence)
        if space is None:
            return found
        return replace(found, weighing=weighing(request.tx, space.space, ask.sentence.graph_weight))

    def target(self, request: Request, ask: Ask) -> Target:
        """Return the audience. Raises NotFoundError for a sentence of which nothing is known (unless a guess is asked
        for), for phrases that no entity stands for, and where the release has no user-text space to ask in;
        SensitiveError for what is sensitive and not allowed by the request.
        """
        asked = self.asked(request, ask)
        if isinstance(asked, Said):
            return by_both(request.tx, request.read, asked) if asked.picked else by_sentence(request.tx, asked)
        release = request.read
        found = target_users(request.tx, release.preference_space, asked, ask.cut, ask.listed)
        return replace(found, as_of=release.preference_as_of)

    def picked(self, request: Request, ask: Ask) -> tuple[Picked, ...]:
        """Return the entities of the graph's side where both ways are asked; none where it says nothing."""
        return self._graph_side(request, ask, self.plan(request, ask))[0]

    def explain(self, request: Request, ask: Ask, user_id: str) -> Explanation:
        """Return why a user has their score, on each side that the method has. Raises as `target` does."""
        asked, release = self.asked(request, ask), request.read
        picked = asked.picked if isinstance(asked, Said) else asked
        found = None
        if picked:
            question = Question(release.preference_space, release.window, picked, ask.listed)
            found = explain_user(request.tx, question, user_id)
        if not isinstance(asked, Said):
            assert found is not None
            return found
        sentence = Sentence(asked.space.space, asked.vector, ask.listed)
        near = self.near(request.tx, sentence, release.window, user_id, allowed=request.allowed)
        found = _beside(found, user_id, sentence, near)
        if not picked:
            return found
        return replace(found, weighing=weighing(request.tx, sentence.space, ask.sentence.graph_weight))

    def explain_target(
        self, tx: Transaction, now: Release | None, target: Target, user_id: str, *, allowed: Allowed | None = None
    ) -> Explanation:
        """Return why a user has the score of an answer, on its own spaces and picked entities; ids stand for names.

        `now` is the current release. Raises NotFoundError for an unknown user, or where a space is gone; SensitiveError
        for an answer about something sensitive that is not allowed.
        """
        if allowed is not None:
            allowed.ask(target.phrases)
        check_things(() if target.plan is None else target.plan.sensitive, allowed)
        self._graph.check((i for p in target.picked for i in p.path), allowed)
        moved = now is not None and target.space in (now.preference_space, now.user_text_space)
        window = now.window if now is not None and moved else Window(target.as_of, target.days)
        found = None
        if target.picked:
            found = explain_user(tx, Question(target.space, window, target.picked, target.phrases), user_id)
        if target.text_space is not None and target.sentence_query is not None:
            sentence = Sentence(target.text_space, target.sentence_query, target.phrases)
            near = self.near(tx, sentence, window, user_id, allowed=allowed)
            found = _beside(found, user_id, sentence, near)
        assert found is not None
        chosen = user_id in set(target.user_ids)
        cut = target.score_at_cut
        fused = target.method == "both"  # a rank, which one user alone does not have
        below = None if chosen or fused or found.score is None or cut is None else cut - found.score
        found = replace(found, chosen=chosen, below_cut=below)
        found = replace(found, release=target.release, version=target.version, week=target.week)
        return replace(found, weighing=target.weighing)

    def near(
        self, tx: Transaction, sentence: Sentence, window: Window, user_id: str, *, allowed: Allowed | None = None
    ) -> Nearness:
        """Return how near a user and their own events are to a sentence, without sensitive events unless allowed.

        Raises NotFoundError where its space is gone.
        """
        read_space(tx, sentence.space)  # an answer may outlive its space
        return near_events(
            tx,
            sentence.space,
            sentence.query,
            user_id,
            window=window,
            encode=lambda texts: self._speaker.encode(tx, sentence.space, texts),
            withheld=self._graph.sensitive if allowed is None else nothing_withheld,
        )

    def asked(self, request: Request, ask: Ask) -> Said | tuple[Picked, ...]:
        """Return what stands for the question: picked entities, or a sentence in its space."""
        way = ask.way(request.read)
        if way == "graph":
            return self._graph.pick(ask.phrases, request, ask.options, ask.rule)
        space = self._space(request, ask)
        plan = self._speaker.plan(request.tx, ask.said, space, ask.sentence)
        check_things(plan.sensitive, request.allowed)
        if request.allowed is not None:
            request.allowed.ask(ask.listed)
        picked, note = self._graph_side(request, ask, plan) if way == "both" else ((), "")
        if not picked:
            plan.require(guess=ask.sentence.guess)
        return Said(ask, plan, space, self._speaker.vector(request.tx, plan, space), picked, note)

    def _space(self, request: Request, ask: Ask) -> TextSpace:
        return self._speaker.space(request.tx, request.read, ask.sentence.space)

    def _graph_side(self, request: Request, ask: Ask, plan: Plan) -> tuple[tuple[Picked, ...], str]:
        """Return the entities of the graph's side, none with the reason where it has nothing to say."""
        try:
            if isinstance(ask.phrases, str) and plan.entity_ids:
                picked = self._graph.pick(plan.entity_ids, request, ask.options, ask.rule)
                said = {f.value.id: f.said for f in plan.rewritten.demand.found}
                return tuple(replace(p, phrase=said.get(p.phrase, p.phrase)) for p in picked), ""
            phrases = plan.said if isinstance(ask.phrases, str) else ask.phrases
            return self._graph.pick(phrases, request, ask.options, ask.rule), ""
        except (AmbiguousError, NotFoundError) as exc:
            if not isinstance(ask.phrases, str):
                raise
            return (), f"the graph says nothing here ({exc.message}): by the sentence alone"


def _beside(found: Explanation | None, user_id: str, sentence: Sentence, near: Nearness) -> Explanation:
    """Return an explanation with the sentence's side; by the sentence alone where the graph's is None."""
    if found is None:
        found = Explanation(user_id, near.score, (), 0.0, 0.0, sentence.phrases, "")
    return replace(found, nearness=near)
