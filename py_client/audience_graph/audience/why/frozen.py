"""Why a user is in a snapshot, or is not: by what was stored with it, and by its definition today."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.audience.define.definition import Alike, Definition
from audience_graph.audience.define.words import title
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.evaluate.keysets import Mask
from audience_graph.audience.evaluate.rankings import Question
from audience_graph.audience.keep.audiences import read_revision
from audience_graph.audience.keep.snapshots import Members, Snapshot
from audience_graph.audience.why.answer import Standing
from audience_graph.audience.why.many import as_of, explain_many, picked_of, sides_of
from audience_graph.audience.why.places import Place
from audience_graph.audience.why.standings import Person, explained
from audience_graph.audience.why.steps import Steps
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.user_text.prompts import seed_keys


@dataclass(frozen=True, slots=True)
class Found:
    """What is told of a user and a snapshot: a member or not, sentences, the one that decides, standings."""

    member: bool
    because: tuple[str, ...]
    reason: str | None
    standings: tuple[Standing, ...]


def explain_snapshot(person: Person, snapshot: Snapshot, members: Members, steps: Steps) -> Found:
    """Return why a user is among the members of a snapshot, or not. What was true then is told from what it stores."""
    tx = person.evaluation.request.tx
    definition = read_revision(tx, snapshot.name, snapshot.number).definition
    at = np.flatnonzero(members.keys == person.key)
    if len(at):
        return _member(person, snapshot, members, int(at[0]), definition)
    since = f"not one of the users of the snapshot of {snapshot.made_at:%Y-%m-%d}"
    told = [_missed(person, snapshot, number, definition) for number in range(len(snapshot.questions))]
    sentences = [sentence for sentence, _, _ in told]
    today, lost = _today(steps, definition)
    below = next((sentence for sentence, _, decides in told if decides), None)
    reason = below if below is not None else lost if lost is not None else since
    return Found(False, (since, *sentences, *today), reason, tuple(s for _, s, _ in told if s is not None))


def _member(person: Person, snapshot: Snapshot, members: Members, at: int, definition: Definition) -> Found:
    since = f"one of the users of the snapshot of {snapshot.made_at:%Y-%m-%d}"
    number, score = int(members.questions[at]), float(members.scores[at])
    if number < 0:
        return Found(True, (f"{since}: no ranking brought them, so there is no score",), None, ())
    question = snapshot.questions[number]
    place = Place(score, question["score_at_cut"], True, members.keys[: at + 1], members.keys)
    upto, among = person.places.numbers(place)
    name = _name(person.evaluation, definition, number, question)
    bare = Standing(name, str(question["kind"]), score, place.cut, True, upto, among, picked_of(question))
    standing = explained(person, bare, question, _population(person.evaluation, definition, number, question))
    line = f"{name}: stored score {score:.4g}, at the cut {_cut(question)}"
    return Found(True, (since, line), None, (standing,))


def _missed(
    person: Person, snapshot: Snapshot, number: int, definition: Definition
) -> tuple[str, Standing | None, bool]:
    """Return what a ranking of the snapshot says of a user who is no member, and whether its cut kept them out."""
    evaluation, question = person.evaluation, snapshot.questions[number]
    name = _name(evaluation, definition, number, question)
    sides = sides_of(evaluation.request.tx, evaluation.request.read, question)
    population = _population(evaluation, definition, number, question)
    if gone := next((side.gone for side in sides if side.gone), ""):
        return f"{name}: {gone}: the score cannot be computed any more", None, False
    if len(sides) == 2 and population is None:
        return f"{name}: who was ranked cannot be told any more, so neither can the place", None, False
    score = float(explain_many(evaluation.scorer(), question, np.array([person.key]), population).scores[0])
    now = _by_what(evaluation, question)
    if np.isnan(score):
        return f"{name}: no vector{now}: cannot be ranked", None, True
    cut = question["score_at_cut"]
    bare = Standing(name, str(question["kind"]), score, cut, False, None, None, picked_of(question))
    standing = explained(person, bare, question, population)
    if cut is not None and score < cut:
        return f"{name}: below the cut by {cut - score:.4g} (score {score:.4g}, cut {cut:.4g}){now}", standing, True
    return f"{name}: not kept out by the cut (score {score:.4g}, cut {_cut(question)}){now}", standing, False


def _today(steps: Steps, definition: Definition) -> tuple[list[str], str | None]:
    """Return what the definition says of the user today, and the step that would lose them."""
    try:
        told = steps.of(definition)
    except (ConfigError, NotFoundError) as exc:
        return [f"what was asked cannot be evaluated today: {exc.message}"], None
    lost = next((one.text for one in told if not one.passed), None)
    if lost is None:
        return ["today: would be taken, by a new snapshot"], None
    return [f"today: {one.text}" for one in told], f"today: {lost}"


def _population(evaluation: Evaluation, definition: Definition, number: int, question: Question) -> Mask | None:
    """Return whom a ranking of both ways chose from, as far as that can be told today."""
    if question["kind"] != "both":
        return None
    try:
        ranked = list(evaluation.leading(definition))[number]
        mask = (evaluation.universe.base if ranked.among is None else evaluation.mask(ranked.among)).copy()
        if isinstance(ranked.by, Alike) and not ranked.by.keep_seeds:
            mask &= ~evaluation.mask(ranked.by.seeds)
    except (ConfigError, NotFoundError, IndexError):
        return None
    prompt = question["sentence"].get("seeds_of")
    if prompt is not None:
        seeds = np.array(seed_keys(evaluation.request.tx, prompt), np.int64)
        mask &= ~evaluation.universe.of_keys(seeds)
    return mask


def _name(evaluation: Evaluation, definition: Definition, number: int, question: Question) -> str:
    try:
        return title(list(evaluation.leading(definition))[number])
    except (ConfigError, NotFoundError, IndexError):
        return f"the best {question['size']:,} for {', '.join(question['phrases'])}"


def _by_what(evaluation: Evaluation, question: Question) -> str:
    """Say of which day vectors are, where they are not those of the snapshot."""
    release = evaluation.request.read
    day = as_of(question)
    here = any(s.space in (release.preference_space, release.user_text_space)
               for s in sides_of(evaluation.request.tx, release, question))  # fmt: skip
    now = release.preference_as_of.isoformat()
    return f", by the vectors of {now}, not those of {day}" if here and now != day else ""


def _cut(question: Question) -> str:
    cut = question["score_at_cut"]
    return "none" if cut is None else f"{cut:.4g}"
