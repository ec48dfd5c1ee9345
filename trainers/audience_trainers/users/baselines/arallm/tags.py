"""The tags that users hold, and the choice of users by a query.

Tags of an event: its items, its entities by name, entities that its text names, its category (`thing`), and the family
of its channel (`behaviour`). A whole text is a tag only where there is no dictionary. Tags of a profile: its words, and
`yes` in a column of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.linking import Linker
from audience_graph.entities.text import normalise
from audience_graph.sentences.demand import FAMILIES
from audience_graph.sentences.vocabulary import Value
from audience_trainers.users.baselines.arallm.query import TagQuery
from audience_trainers.users.measures import Values
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.tasks.history import History
from audience_trainers.users.tasks.task import DAY

Indices = npt.NDArray[np.int64]
HALF_LIFE = 30.0  # days after which a matching event counts half
YES = "yes"


@dataclass(frozen=True)
class Tags:
    """Tags of n users at a cut. `thing` (k,) of `event` (k,) point into `things` and the m events of the history.

    `family` (m,) are places in FAMILIES. `profile` says by (column, value) who holds it (n,).
    """

    history: History
    things: tuple[str, ...]  # in normal form
    event: Indices
    thing: Indices
    family: Indices
    profile: Mapping[tuple[str, str], npt.NDArray[np.bool_]]

    @cached_property
    def place(self) -> dict[str, int]:
        """Return the number of each thing."""
        return {thing: i for i, thing in enumerate(self.things)}

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns of the profile that have tags."""
        return tuple(dict.fromkeys(column for column, _ in self.profile))

    def values(self) -> list[Value]:
        """Return all tags as what a sentence may name; how often a thing is met is its weight."""
        count = np.bincount(self.thing, minlength=len(self.things))
        values = [Value(thing, "thing", weight=float(n)) for thing, n in zip(self.things, count, strict=True)]
        for column, value in self.profile:
            said = column.replace("_", " ") if value == YES else value
            values.append(Value(said, "profile", f"{column}={value}", weight=0.5))
        return values

    def score(self, query: TagQuery) -> Values:
        """Return how well each user (n,) meets a query, more = better; ties by activity.

            score = s(things) + s(things and behaviour) + number of profile conditions held,   s = x / (1 + x)

        x is the number of a user's events that meet the conditions, each weighed by 2^(-age / 30 days). So who did it
        lately and often comes first, before those who only showed interest in another way. A query of behaviour alone
        counts the events of it. Nothing asked for: activity alone.
        """
        history, n = self.history, len(self.history.users)
        weight = 2.0 ** (-(history.cut - history.time) / (HALF_LIFE * DAY))
        activity = np.bincount(history.user, minlength=n)
        total = 1e-6 * activity / (1.0 + activity.max(initial=0))
        meets = np.ones(len(history.user), np.bool_)
        if query.things:
            wanted = [self.place[thing] for thing in query.things if thing in self.place]
            meets = np.zeros(len(history.user), np.bool_)
            meets[self.event[np.isin(self.thing, wanted)]] = True
            total = total + _squashed(history.user[meets], weight[meets], n)
        if query.families:
            meets &= np.isin(self.family, [FAMILIES.index(family) for family in query.families])
            total = total + _squashed(history.user[meets], weight[meets], n)
        for column in dict.fromkeys(column for column, _ in query.profile):
            held = [self.profile[key] for key in query.profile if key[0] == column and key in self.profile]
            total = total + np.any(held, axis=0) if held else total
        return np.asarray(total, np.float64)


def read_tags(history: History, dictionary: Dictionary, listed: Indices) -> Tags:
    """Return the tags of a cut; of entities in texts those that the dictionary's linker finds.

    `listed` are the rows of events that list items or entities: the mention of any other is its whole text.
    """
    names = {entity.id: entity.name for entity in dictionary.entities}
    families = FamilyMap()
    family = np.array([FAMILIES.index(families.family(channel)) for channel in history.channel.words], np.int64)
    linker = Linker(dictionary)
    said = [linker.link(text) if names else [] for text in history.text.words]
    place: dict[str, int] = {}

    def number(word: str) -> int:
        form = normalise(names.get(word, word))
        return place.setdefault(form, len(place)) if form else -1

    mention = np.array([number(word) for word in history.mention.words], np.int64)
    category = np.array([number(word) for word in history.category.words], np.int64)
    linked = [np.array([number(one) for one in found], np.int64) for found in said]
    text = np.flatnonzero(history.text.code >= 0)
    found = [linked[code] for code in history.text.code[text].tolist()]
    sorted_out = np.flatnonzero(history.category.code >= 0)
    whole = np.zeros(len(history.user), np.bool_) if not names else ~np.isin(history.row, listed)
    named = np.flatnonzero((history.mention.code >= 0) & ~whole[history.mention_event])
    event = np.concatenate([history.mention_event[named], sorted_out, np.repeat(text, [len(f) for f in found])])
    thing = np.concatenate(
        [mention[history.mention.code[named]], category[history.category.code[sorted_out]], *found]
    ).astype(np.int64)
    pairs = np.unique(event[thing >= 0] * max(1, len(place)) + thing[thing >= 0])
    event, thing = np.divmod(pairs, max(1, len(place)))
    own = family[np.maximum(history.channel.code, 0)] if len(family) else np.empty(0, np.int64)
    used, thing = np.unique(thing, return_inverse=True)
    words = list(place)
    return Tags(history, tuple(words[i] for i in used), event, thing, own, _profile(history))


def _profile(history: History) -> dict[tuple[str, str], npt.NDArray[np.bool_]]:
    found: dict[tuple[str, str], npt.NDArray[np.bool_]] = {}
    for column, cells in history.profile.items():
        values = {cell for cell in cells if cell is not None and cell == cell}
        if values <= {0, 1}:
            found[column, YES] = np.fromiter((cell == 1 for cell in cells), np.bool_, len(cells))
            continue
        for value in sorted(value for value in values if isinstance(value, str) and value.strip() and '"' not in value):
            found[column, value] = np.fromiter((cell == value for cell in cells), np.bool_, len(cells))
    return found


def _squashed(user: Indices, weight: Values, n: int) -> Values:
    total = np.bincount(user, weight, minlength=n)
    return np.asarray(total / (1.0 + total), np.float64)
