"""What the page asks for, as one value: phrases, depth, what was ticked, who is left out. And the audience it means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audience_graph.audience.audience import Audience, event
from audience_graph.audience.define.definition import WIDTHS
from audience_graph.audience.pick import Picked, PickRule, pick
from audience_graph.audience.typed import channels_of, compared
from audience_graph.errors import ConfigError
from audience_graph.graph.answers import Expansion
from audience_graph.graph.expansion import ExpandOptions

if TYPE_CHECKING:
    from audience_graph.client import AudienceGraph

LEAST_NEAR = 0.05
_MOST_PHRASES = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """The form of the page. `near` is the least relevance that is drawn and picked; `add` and `drop` are entities that
    a person ticked and unticked; `where` holds (column, operator, value), `having` and `without` (phrase, days,
    channels)."""

    phrases: tuple[str, ...] = ()
    hops: int = 2
    near: float = 0.3
    most: int = 40
    add: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    by: str = "services"
    sentence: str = ""
    cut: str = "size"
    size: int = 1000
    width: str = "balanced"
    where: tuple[tuple[str, str, str], ...] = ()
    having: tuple[tuple[str, str, str], ...] = ()
    without: tuple[tuple[str, str, str], ...] = ()
    leave_out: tuple[str, ...] = ()
    because: str = ""

    @classmethod
    def read(cls, form: Mapping[str, Any]) -> Asked:
        """Return what a form of the page says. Raises ConfigError, naming the field, for what no form would hold."""
        phrases = tuple(dict.fromkeys(p for p in map(str.strip, _texts(form, "phrase")) if p))
        if len(phrases) > _MOST_PHRASES:
            raise ConfigError(f"at most {_MOST_PHRASES} services at once")
        return cls(
            phrases=phrases,
            hops=_whole(form, "hops", 2),
            near=_number(form, "near", 0.3),
            most=_whole(form, "most", 40),
            add=tuple(_texts(form, "add")),
            drop=tuple(_texts(form, "drop")),
            by=_one(form, "by", "services", ("services", "sentence")),
            sentence=_text(form, "sentence").strip(),
            cut=_one(form, "cut", "size", ("size", "width")),
            size=_whole(form, "size", 1000),
            width=_one(form, "width", "balanced", WIDTHS),
            where=_rows(form, "where_column", "where_operator", "where_value"),
            having=_rows(form, "having_phrase", "having_days", "having_channels"),
            without=_rows(form, "without_phrase", "without_days", "without_channels"),
            leave_out=tuple(name for name in _texts(form, "leave_out") if name),
            because=_text(form, "because").strip(),
        )

    @property
    def options(self) -> ExpandOptions:
        """How far the graph is walked: as low as the slider goes, so that moving it only hides and shows."""
        return ExpandOptions(hops=self.hops, min_relevance=LEAST_NEAR)

    @property
    def default_rule(self) -> PickRule:
        """What is picked where nobody ticks: the seeds, and the 20 nearest that are near enough."""
        return PickRule(min_relevance=self.near)

    def picked(self, found: Expansion) -> tuple[Picked, ...]:
        """Return the entities that stand for the service: those of the rule, with what was ticked and unticked."""
        ids = [p.id for p in pick(found.seeds, found.entities, self.default_rule) if p.id not in self.drop]
        reached = {s.id for s in found.seeds} | {e.id for e in found.entities}
        ids += [i for i in self.add if i in reached and i not in ids and i not in self.drop]
        return pick(found.seeds, found.entities, replace(self.default_rule, ids=tuple(ids))) if ids else ()

    def audience(self, ag: AudienceGraph) -> Audience:
        """Return the audience of the form. Raises ConfigError where nothing is asked for yet.

        What nobody ticked stays a rule, which next week's graph answers anew; ticked entities are named one by one.
        """
        cut: dict[str, Any] = {"size": self.size} if self.cut == "size" else {"width": self.width}
        if self.by == "sentence":
            if not self.sentence:
                raise ConfigError("write a sentence first")
            found = ag.audience(self.sentence, options=self.options, **cut)
        else:
            if not self.phrases:
                raise ConfigError("add a service first")
            rule = self._rule(ag.expand(self.phrases, options=self.options)) if self.add or self.drop else None
            rule = rule or self.default_rule
            found = ag.audience(self.phrases, method="graph", rule=rule, options=self.options, **cut)
        return found.where(*self._filters(), *(~ag.audiences.get(name) for name in self.leave_out))

    def changed(self, found: Expansion) -> bool:
        """Whether a person's ticks choose other entities than the rule does."""
        return self._rule(found) is not None

    def _rule(self, found: Expansion) -> PickRule | None:
        """Return the rule that names what was ticked, None where the default one picks the same."""
        ids = tuple(p.id for p in self.picked(found))
        if not ids:
            raise ConfigError("nothing is chosen: tick at least one entity")
        if set(ids) == {p.id for p in pick(found.seeds, found.entities, self.default_rule)}:
            return None
        return replace(self.default_rule, ids=ids)

    def _filters(self) -> list[Audience]:
        where = [compared(*row) for row in self.where]
        having = [_event(row) for row in self.having]
        return [*where, *having, *(~_event(row) for row in self.without)]


def _event(row: tuple[str, str, str]) -> Audience:
    phrase, days, channels = row
    if days and not (days.isascii() and days.isdigit()):
        raise ConfigError(f"days are a whole number, not {days!r}")
    return event(phrase, days=int(days[:9]) if days else None, channels=channels_of(channels))


def _texts(form: Mapping[str, Any], name: str) -> list[str]:
    given = form.get(name, [])
    listed = given if isinstance(given, list) else [given]
    if any(not isinstance(one, str) for one in listed):
        raise ConfigError(f"{name} holds texts")
    return listed


def _text(form: Mapping[str, Any], name: str) -> str:
    return next(iter(_texts(form, name)), "")


def _one(form: Mapping[str, Any], name: str, default: str, allowed: Iterable[str]) -> str:
    given = _text(form, name) or default
    if given not in allowed:
        raise ConfigError(f"{name} is one of {', '.join(allowed)}, not {given!r}")
    return given


def _whole(form: Mapping[str, Any], name: str, default: int) -> int:
    given = _text(form, name).strip()
    if not given:
        return default
    if re.fullmatch(r"-?\d{1,12}", given, re.ASCII) is None:
        raise ConfigError(f"{name} must be a whole number, not {given[:40]!r}")
    return int(given)


def _number(form: Mapping[str, Any], name: str, default: float) -> float:
    given = _text(form, name).strip()
    try:
        return float(given) if given else default
    except ValueError:
        raise ConfigError(f"{name} must be a number, not {given[:40]!r}") from None


def _rows(form: Mapping[str, Any], first: str, second: str, third: str) -> tuple[tuple[str, str, str], ...]:
    columns = [_texts(form, name) for name in (first, second, third)]
    if len({len(column) for column in columns}) > 1:
        raise ConfigError(f"{first}, {second} and {third} go together")
    rows = [tuple(cell.strip() for cell in row) for row in zip(*columns, strict=True)]
    return tuple((a, b, c) for a, b, c in rows if a and (c or first != "where_column" or b == "is known"))
