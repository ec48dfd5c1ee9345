"""What the user model reads at moments: the last events and searches, activity, the row of columns in force."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from audience_trainers.users.activity import read_activity
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.histories import EventBlock, Histories, Moments, last_codes, last_events
from audience_trainers.users.profiles import Profiles
from audience_trainers.users.tabular.schema import Rows, TabularSchema
from audience_trainers.users.taste import Taste

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Searches:
    """The last searches of p users, newest last: those of row i are texts[code[start[i] : start[i + 1]]]."""

    code: Indices
    start: Indices
    texts: tuple[str, ...]

    def of(self, rows: Indices) -> list[list[str]]:
        """Return the searches of some rows."""
        return [[self.texts[i] for i in self.code[self.start[row] : self.start[row + 1]].tolist()] for row in rows]


@dataclass(frozen=True, slots=True, eq=False)
class UserInputs:
    """What is known of p users, each at a moment: histories, the mean vector (p, t) of the last searches, columns.

    `activity` (p, FEATURES) are numbers of events and how old they are, see `read_activity`; `taste`
    means over many more events than `reading` holds; without, all are 0.

    `searched` (p,) marks those who have searches, `known` (p,) those of whom a row of columns is there; `table` is None
    where nobody has columns. `searches` are the words, for a model that reads them itself.
    """

    reading: Reading
    search: Floats
    searched: npt.NDArray[np.bool_]
    table: Rows | None = None
    known: npt.NDArray[np.bool_] | None = None
    searches: Searches | None = None
    activity: Floats | None = None
    taste: Taste | None = None

    def __len__(self) -> int:
        return len(self.reading.moment)


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """All that is known of users, of any time: events with the vectors (texts, t) of their texts, rows of columns.

    `width` events are read before a moment, and `searches` of the last ones in `channels`. `events` (texts, v) are the
    vectors of texts as events, where a model of their own reads them; None: `vectors`. `tuned`: the model is still
    being trained, and reads the words.
    """

    histories: Histories
    vectors: Floats
    width: int
    searches: int
    channels: tuple[str, ...]
    profiles: Profiles | None = None
    schema: TabularSchema | None = None
    events: Floats | None = None
    tuned: bool = False

    def reading(self, block: EventBlock, moment: Indices) -> Reading:
        """Return histories with what is known of their texts."""
        vectors = self.vectors if self.events is None else self.events
        return Reading(block, moment, vectors, self.histories.texts if self.tuned else None)


def read_inputs(told: Known, moments: Moments) -> UserInputs:
    """Return the inputs at some moments: only events before each, and the rows of columns in force at it."""
    block = last_events(told.histories, moments, told.width)
    text, start = last_codes(told.histories, moments, told.searches, told.channels)
    said = np.diff(start)
    share = sp.csr_matrix((1.0 / np.repeat(said, said), text, start), shape=(len(moments), len(told.vectors)))
    inputs = UserInputs(
        told.reading(block, moments.time),
        np.asarray(share @ told.vectors, np.float32),
        said > 0,
        searches=Searches(text, start, told.histories.texts),
        activity=read_activity(told.histories, moments),
        taste=Taste.of(told.histories, moments, told.vectors),
    )
    if told.profiles is None or told.schema is None:
        return inputs
    table, known = told.schema.encode(told.profiles.rows(moments)), told.profiles.as_of(moments) >= 0
    return replace(inputs, table=table, known=known)
