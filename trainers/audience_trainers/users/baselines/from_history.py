"""What the baselines that read behaviour are trained on: the events of a cut as sequences, with coded attributes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audience_trainers.users.histories import Histories, Indices, Moments
from audience_trainers.users.tasks.history import History


def histories_of(history: History) -> Histories:
    """Return the events of a cut as `Histories`: all users of the cut, those without events too."""
    text = history.text
    missing = len(text.words)
    return Histories(
        user_ids=tuple(map(str, history.users)),
        start=np.searchsorted(history.user, np.arange(len(history.users) + 1)).astype(np.int64),
        time=history.time,
        source=history.channel.code.astype(np.int16),
        text=np.where(text.code < 0, missing, text.code).astype(np.int32),
        sources=history.channel.words,
        texts=(*text.words, ""),  # an event of which nothing is said
    )


def at_cut(history: History) -> Moments:
    """Return the moment of everybody at the cut."""
    n = len(history.users)
    return Moments(np.arange(n), np.full(n, history.cut, np.int64))


def event_places(histories: Histories, moments: Moments, width: int) -> Indices:
    """Return (p, w) which event each place of `last_events` holds; padding holds any."""
    end = histories.before(moments)
    first = np.maximum(histories.start[moments.user], end - width)
    return np.minimum(first[:, None] + np.arange(width), len(histories.time) - 1)


def first_mention(history: History) -> Indices:
    """Return for each event the code of its first item (entity, or text), -1 where it has none."""
    code = np.full(len(history.user), -1, np.int64)
    code[history.mention_event[::-1]] = history.mention.code[::-1]  # the first one is written last
    return code


def behaviours(history: History, most: int) -> tuple[Indices, int]:
    """Return the behaviour (m,) of each event, and how many there are: channel x category, the commonest ones.

    Where no category tells events apart, channel x first item. What is rarer counts as `other` of its channel.
    """
    thing = history.category.code if len(history.category.words) > 1 else first_mention(history)
    channels = max(1, len(history.channel.words))
    return commonest((thing + 1) * channels + np.maximum(history.channel.code, 0), most, rest=history.channel.code)


def commonest(code: Indices, most: int, *, rest: Indices | None = None) -> tuple[Indices, int]:
    """Number codes (m,) by how often they come, the `most` commonest ones, and return how many numbers there are.

    A rarer one gets a number of its `rest` (m,), after the common ones, or -1 without `rest`. Codes < 0 stay -1 then.
    """
    kinds, place, count = np.unique(code, return_inverse=True, return_counts=True)
    order = np.argsort(-np.where(kinds < 0, 0, count), kind="stable")
    rank = np.empty(len(kinds), np.int64)
    rank[order] = np.arange(len(kinds))
    kept = min(most, int((kinds >= 0).sum()))
    found = rank[place]
    if rest is None:
        return np.where((found < kept) & (code >= 0), found, -1), kept
    return np.where(found < kept, found, kept + np.maximum(rest, 0)), kept + int(rest.max(initial=0)) + 1


def bins(values: npt.NDArray[np.float64], count: int) -> Indices:
    """Return the quantile bin (m,) of each number, -1 where it is NaN."""
    known = ~np.isnan(values)
    code = np.full(len(values), -1, np.int64)
    if known.any():
        cuts = np.unique(np.quantile(values[known], np.linspace(0, 1, count + 1)[1:-1]))
        code[known] = np.searchsorted(cuts, values[known], side="right")
    return code
