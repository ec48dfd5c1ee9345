"""`Audience`: a definition that can be combined, sized, looked at, saved. Nothing runs until it is asked.

    fans = ag.audience("women's football", size=10_000)
    adults = column("age") >= 18
    spring = fans.where(adults) - event("football shoes", days=7, channels=["buy"])
    spring.size()          how many, step by step
    spring.preview()       who, best first
    spring.save("spring")  a revision under a name

`a | b`, `a & b`, `a - b` and `~a` are exact sets. `a.where(b)` narrows the users that a ranking chooses from, before
its cut; `a & b` takes what is left of its choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from audience_graph.audience.define.definition import (
    Column,
    Definition,
    Difference,
    Event,
    Everyone,
    Listed,
    Operator,
    Ranked,
    Value,
    Width,
    intersection,
    union,
)
from audience_graph.audience.define.wire import to_json
from audience_graph.audience.define.words import lines, title
from audience_graph.errors import ConfigError

if TYPE_CHECKING:
    from audience_graph.audience.answers import Composition, Preview, Reach, Taken
    from audience_graph.audience.desk import Desk
    from audience_graph.audience.keep.audiences import Revision
    from audience_graph.audience.why.answer import AudienceExplanation


@dataclass(frozen=True, slots=True, repr=False)
class Audience:
    """A definition of users, tied to a client where one made it. Frozen: every operation returns a new one."""

    definition: Definition
    desk: Desk | None = field(default=None, compare=False)

    def __or__(self, other: Audience) -> Audience:
        return self._with(union(self.definition, _of(other)), other)

    def __and__(self, other: Audience) -> Audience:
        return self._with(intersection(self.definition, _of(other)), other)

    def __sub__(self, other: Audience) -> Audience:
        return self._with(Difference(self.definition, _of(other)), other)

    def __invert__(self) -> Audience:
        return replace(self, definition=Difference(Everyone(), self.definition))

    def where(self, *filters: Audience) -> Audience:
        """Narrow whom a ranking chooses from, before its cut; of an audience without a ranking, what is in it."""
        if not filters:
            return self
        found = self
        given = [_of(f) for f in filters]
        if isinstance(self.definition, Ranked):
            among = self.definition.among
            among = _all_of(*([] if among is None else [among]), *given)
            found = replace(self, definition=replace(self.definition, among=among))
        else:
            mine = [] if isinstance(self.definition, Everyone) else [self.definition]
            found = replace(self, definition=_all_of(*mine, *given))
        for other in filters:
            found = found._with(found.definition, other)
        return found

    def cut(self, *, size: int | None = None, min_score: float | None = None, width: Width | None = None) -> Audience:
        """Return the same ranking with another cut. Raises ConfigError for an audience that ranks nobody."""
        if not isinstance(self.definition, Ranked):
            raise ConfigError(f"{title(self.definition)!r} ranks nobody: there is nothing to cut")
        return replace(self, definition=replace(self.definition, size=size, min_score=min_score, width=width))

    def size(self, *, entities: bool = True) -> Reach:
        """Count the users, step by step; with `entities` also those with an event for each picked entity.

        Reads; writes which sizes were shown (see `safety/disclosure.py`).
        """
        return self._bound().size(self.definition, entities=entities)

    def preview(self, count: int = 20) -> Preview:
        """Return the first users in order, at most 100. Nobody is shown of an audience under the minimum size."""
        return self._bound().preview(self.definition, count)

    def composition(self, columns: Sequence[str] = (), *, against: Audience | None = None) -> Composition:
        """Return which values of columns and which entities are over-represented, against everyone or an audience."""
        base = Everyone() if against is None else _of(against)
        return self._bound().composition(self.definition, base, tuple(columns))

    def explain(self, user_id: str, *, purpose: str | None = None) -> AudienceExplanation:
        """Return why a user is in it, or is not: the steps, the score and its shares, what keeps them from being sent.

        With `purpose` also whether they may be sent for it. A snapshot is explained by what it stores. Audited.
        """
        return self._bound().explain(self.definition, user_id, purpose)

    def save(self, name: str, *, note: str = "") -> Revision:
        """Write a new revision under a name; where the newest one says the same, return that. Audited."""
        return self._bound().save(name, self.definition, note)

    def take(self, name: str, *, note: str = "") -> Taken:
        """Save under a name and freeze who is in: a snapshot with members, scores, release and model. Audited."""
        return self._bound().take(name, self.definition, note)

    def to_json(self) -> dict[str, Any]:
        """Return the definition as plain JSON values; `ag.audiences.from_json` reads them."""
        return to_json(self.definition)

    def __repr__(self) -> str:
        return "\n".join(lines(self.definition))

    def _with(self, definition: Definition, other: Audience) -> Audience:
        return Audience(definition, self.desk if self.desk is not None else other.desk)

    def _bound(self) -> Desk:
        if self.desk is None:
            raise ConfigError(
                f"{title(self.definition)!r} belongs to no client yet",
                hint="combine it with an audience of a client, or ag.audiences.of(audience)",
            )
        return self.desk


@dataclass(frozen=True, slots=True, eq=False)
class ColumnOf:
    """A column of users, to be compared: `column("age") >= 30` is an audience."""

    name: str

    def __eq__(self, value: object) -> Audience:  # type: ignore[override]
        return self._is("=", value)

    def __ne__(self, value: object) -> Audience:  # type: ignore[override]
        return self.known() - self._is("=", value)

    def __lt__(self, value: Value) -> Audience:
        return self._is("<", value)

    def __le__(self, value: Value) -> Audience:
        return self._is("<=", value)

    def __gt__(self, value: Value) -> Audience:
        return self._is(">", value)

    def __ge__(self, value: Value) -> Audience:
        return self._is(">=", value)

    __hash__ = None  # type: ignore[assignment] # == makes an audience

    def one_of(self, *values: Value) -> Audience:
        """Users with any of these values."""
        return Audience(Column(self.name, "in", tuple(values)))

    def known(self) -> Audience:
        """Users with any value."""
        return Audience(Column(self.name, "known"))

    def _is(self, operator: Operator, value: Any) -> Audience:
        return Audience(Column(self.name, operator, value))


def column(name: str) -> ColumnOf:
    """Return a column of users, to be compared: `column("city") == "Lyon"`. Who has no value is in no comparison."""
    return ColumnOf(name)


def event(
    phrases: str | Sequence[str], *, days: int | None = None, channels: Sequence[str] = (), at_least: int = 1
) -> Audience:
    """Return the users with events for entities: `event("skin care", days=7, channels=["buy"])`."""
    listed = (phrases,) if isinstance(phrases, str) else tuple(phrases)
    given = channels if isinstance(channels, str) else tuple(channels)
    return Audience(Event(listed, days, given, at_least))  # type: ignore[arg-type] # a lone str is refused by Event


def everyone() -> Audience:
    """Return all known users."""
    return Audience(Everyone())


def users(ids: Sequence[str]) -> Audience:
    """Return users named one by one; unknown ids are not in it."""
    return Audience(Listed(ids if isinstance(ids, str) else tuple(ids)))  # type: ignore[arg-type]


def _all_of(*parts: Definition) -> Definition:
    return parts[0] if len(parts) == 1 else intersection(*parts)


def _of(other: object) -> Definition:
    if not isinstance(other, Audience):
        raise ConfigError(f"an audience is combined with audiences, not with {other!r}",
                          hint="column('age') >= 18, event('spa', days=7), users(['u1'])")  # fmt: skip
    return other.definition
