"""What a question asks for that is sensitive, and the refusal of it without a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from audience_graph.allowed import Allowed
from audience_graph.entities.flags import Flagged
from audience_graph.entities.matches import Match
from audience_graph.entities.sensitive import sensitive_list
from audience_graph.entities.text import normalise
from audience_graph.errors import SensitiveError
from audience_graph.sentences.vocabulary import Found

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class SensitiveThing:
    """One sensitive thing that a sentence asks for: words, and the entity that they were taken for, if any.

    Words without an entity are on the list of what is sensitive: their meaning alone ranks users.
    """

    said: str
    category: str | None
    entity: Flagged | None = None

    def __str__(self) -> str:
        why = "" if self.category is None else f" ({self.category.replace('_', ' ')})"
        return f"{self.said!r}{why}" if self.entity is None else f"{self.said!r} means {self.entity}"


def sensitive_things(sentence: str, found: Sequence[Found], flags: Mapping[str, Flagged]) -> tuple[SensitiveThing, ...]:
    """Return what of a sentence is sensitive: entities that are flagged, and words of the list that name no other one.

    A word of the list that is the name of an entity which is not flagged is what that entity is: not sensitive.
    """
    entities = [
        SensitiveThing(one.said, flags[one.value.id].category, flags[one.value.id])
        for one in found
        if one.value.id is not None and one.value.id in flags
    ]
    known = [normalise(one.said) for one in found if one.how == "name"]
    words = [
        SensitiveThing(hit.said, hit.category)
        for hit in sensitive_list().find(sentence)
        if not any(f" {hit.said} " in f" {name} " for name in known)
    ]
    return (*entities, *dict.fromkeys(words))


def check_things(things: Sequence[SensitiveThing], allowed: Allowed | None) -> None:
    """Note what is allowed. Raises SensitiveError, naming the things, where none are."""
    ids = [thing.entity.id for thing in things if thing.entity is not None]
    _check(ids, things, allowed)


def check_matches(matches: Sequence[Match], allowed: Allowed | None) -> None:
    """Note what phrases mean and what of it is allowed. Raises SensitiveError for a sensitive one without a reason."""
    found = [match for match in matches if match.sensitive]
    if allowed is not None:
        allowed.ask(match.phrase for match in matches)
    _check([m.id for m in found], [f"{m.phrase!r} means {m}" for m in found], allowed)


def check_flags(flags: Mapping[str, Flagged], allowed: Allowed | None) -> None:
    """Note which sensitive entities an answer holds. Raises SensitiveError for any without a reason."""
    _check(list(flags), [str(flag) for flag in flags.values()], allowed)


def _check(ids: Iterable[str], things: Sequence[object], allowed: Allowed | None) -> None:
    if allowed is not None:
        allowed.use(ids)
    elif things:
        shown = "; ".join(map(str, things[:_SHOWN])) + ("; ..." if len(things) > _SHOWN else "")
        raise SensitiveError(f"{shown}: sensitive, so not asked for without a reason", ids=tuple(ids))
