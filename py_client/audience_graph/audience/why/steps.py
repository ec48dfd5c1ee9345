"""Whether one user passes each step of a definition, in sentences; with the user's own value, events, score.

The steps are those of the reach waterfall, so who is counted as lost at one is told of that one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from audience_graph.audience.define.definition import (
    Alike,
    Column,
    Definition,
    Event,
    Everyone,
    Frozen,
    Listed,
    Ranked,
    Stored,
    Union,
)
from audience_graph.audience.define.words import title
from audience_graph.audience.evaluate.evaluate import Evaluation
from audience_graph.audience.evaluate.events import count_events
from audience_graph.audience.evaluate.waterfall import Step, waterfall
from audience_graph.audience.why.places import Place, place_of
from audience_graph.user_text.prompts import seed_keys

_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Told:
    """Whether a user passes, and the sentence for each answer."""

    passed: bool
    yes: str
    no: str

    @property
    def text(self) -> str:
        return self.yes if self.passed else self.no


@dataclass(frozen=True, slots=True)
class Steps:
    """Asks about one user (by key) within an evaluation. `show` puts into words what may be shown of a place."""

    evaluation: Evaluation
    key: int
    show: Callable[[Place], str]
    _row: list[dict[str, Any]] = field(default_factory=list)

    def of(self, definition: Definition) -> list[Told]:
        """Return the steps of a definition in order. Raises what evaluating it raises."""
        found: list[Told] = []
        lost = False
        for step in waterfall(self.evaluation, definition):
            if step.of is None or (lost and step.kind in ("eligible", "cut")):
                continue  # everyone, a part of a union; a ranking ranks nobody whom it does not choose from
            told = self._step(step, step.of)
            lost = lost or (told is not None and not told.passed)
            found += [] if told is None else [told]
        return found

    def tell(self, definition: Definition) -> Told:
        """Return whether the user is in a definition, and why not."""
        passed = bool(self.evaluation.mask(definition)[self.key])
        match definition:
            case Everyone():
                return Told(passed, "everyone", "nobody known")
            case Listed(ids):
                several = "one of the users named" if len(ids) != 1 else "the user named"
                return Told(passed, several, f"not {several}")
            case Column():
                return self._column(definition, passed)
            case Event():
                return self._event(definition, passed)
            case Frozen():
                return Told(passed, f"in {title(definition)}", f"not in {title(definition)}")
            case Stored():
                inner = "" if passed else f" ({self._first_no(self.evaluation.stored(definition))})"
                return Told(passed, f"in {title(definition)}", f"not in {title(definition)}{inner}")
            case Union(parts):
                told = [self.tell(part) for part in parts]
                yes = " and ".join(one.yes for one in told if one.passed)
                return Told(passed, yes, f"in none of them: {'; '.join(one.no for one in told)}")
            case _:
                told = self.of(definition)
                return Told(passed, " and ".join(one.yes for one in told), self._first_no(definition, told))

    def _first_no(self, definition: Definition, told: list[Told] | None = None) -> str:
        steps = self.of(definition) if told is None else told
        return next((one.no for one in steps if not one.passed), "")

    def _step(self, step: Step, of: Definition) -> Told | None:
        if step.kind == "exclusion":
            inner = self.tell(of)
            return Told(not inner.passed, f"not left out: {inner.no}", f"left out: {inner.yes}")
        if not isinstance(of, Ranked) or step.kind not in ("eligible", "cut"):
            return self.tell(of)
        place = place_of(self.evaluation.chosen(of), self.key)
        if step.kind == "eligible":
            return None if place is not None else Told(False, "can be ranked", self._unranked(of))
        return None if place is None else self._cut(of, place)

    def _cut(self, ranked: Ranked, place: Place) -> Told:
        where = self.show(place)
        yes = f"{title(ranked)}: score {place.score:.4g}, at the cut {_number(place.cut)}, {where}"
        least = ranked.min_score
        if least is not None and place.score < least:
            no = f"below the least score by {least - place.score:.4g} (score {place.score:.4g}, at least {least:.4g})"
        elif place.cut is None:
            no = "nobody is above the cut"
        elif place.score == place.cut:
            no = f"at the cut with the last ones taken (score {place.score:.4g}): of equals those known first are taken"
        else:
            by = place.cut - place.score
            no = f"below the cut by {by:.4g} (score {place.score:.4g}, cut {_number(place.cut)})"
        return Told(place.taken, yes, f"{title(ranked)}: {no}, {where}")

    def _unranked(self, ranked: Ranked) -> str:
        """Say why a ranking has no score for a user whom its filters keep."""
        question = self.evaluation.chosen(ranked).question
        if isinstance(ranked.by, Alike):
            if not ranked.by.keep_seeds and self.evaluation.mask(ranked.by.seeds)[self.key]:
                return f"{title(ranked)}: one of the seeds, and seeds are left out"
        elif (prompt := _prompt_of(question)) and self.key in seed_keys(self.evaluation.request.tx, prompt):
            return f"{title(ranked)}: a seed of prompt {prompt!r}, and seeds are left out"
        release = self.evaluation.request.read
        graph = f"no event linked to an entity in the {release.preference_days} days to {release.preference_as_of}"
        sentence = "no vector in the user-text space"
        by_graph = question["kind"] == "graph" or question.get("space") == release.preference_space
        why = f"{graph}, and {sentence}" if question["kind"] == "both" else graph if by_graph else sentence
        return f"{title(ranked)}: {why}: cannot be ranked"

    def _column(self, column: Column, passed: bool) -> Told:
        if column.operator == "known":
            return Told(passed, f"{column.name} is known", f"{column.name} is not known")
        value = self._columns().get(column.name)
        fact = f"no {column.name} is known" if value is None else f"{column.name} is {_value(value)}"
        return Told(passed, f"{title(column)} ({fact})", f"not {title(column)} ({fact})")

    def _event(self, event: Event, passed: bool) -> Told:
        evaluation = self.evaluation
        ids = evaluation.entity_ids(event.phrases)
        found = count_events(evaluation.request.tx, self.key, event, ids, evaluation.request.read.window)
        no = f"too few {title(event)} (has {found:,})" if found else f"no {title(event)}"
        return Told(passed, f"{title(event)} (has {found:,})", no)

    def _columns(self) -> dict[str, Any]:
        if not self._row:
            query = "SELECT columns FROM user_profile WHERE key = %s AND latest"
            rows = self.evaluation.request.tx.rows(query, (self.key,))
            self._row.append(rows[0]["columns"] if rows else {})
        return self._row[0]


def _prompt_of(question: dict[str, Any]) -> str | None:
    """Return the prompt whose seeds a question left out."""
    told = question["sentence"] if question["kind"] == "both" else question
    found = told.get("seeds_of")
    return None if found is None else str(found)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.4g}"


def _value(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else f"{value}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
