"""A task ready to be asked: its labels beside the history of its cut, and scores of users that a fit did not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audience_trainers.users.measures import Values
from audience_trainers.users.scoring import Asked, Model, Scorer
from audience_trainers.users.split import Rows, Split, seed_users, split_users
from audience_trainers.users.tasks.history import History
from audience_trainers.users.tasks.labels import Labels, labels
from audience_trainers.users.tasks.source import Source
from audience_trainers.users.tasks.task import Task
from audience_trainers.users.tasks.truth import Window, matching_rows

FOLDS = 3
TreatmentArms = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """Rows here are rows of `found.users` (n,); `place` (n,) gives them in the history, `matching` (m,) its events."""

    task: Task
    found: Labels
    place: npt.NDArray[np.int64]
    matching: npt.NDArray[np.bool_]

    def ask(self, scorer: Scorer, rows: Rows, seed: int) -> Values:
        """Return the scores (n,) of everybody eligible, `rows` being the users whose labels are told."""
        asked = Asked(self.task.name, self.task.sentence, self.matching, self.place[rows], self.found.y[rows], seed)
        return np.asarray(scorer(asked), np.float64)[self.place]

    @property
    def judged(self) -> npt.NDArray[np.bool_]:
        """Return who counts (n,): where there are arms, those who got the treatment."""
        return np.ones(len(self.found.y), np.bool_) if self.found.treated is None else self.found.treated == 1

    @property
    def arms(self) -> TreatmentArms | None:
        """Return 1 for the treatment, 0 for the control (n,), where there is a control to compare with."""
        treated = self.found.treated
        return treated if treated is not None and bool((treated == 0).any()) else None

    def split(self, seed: int) -> Split:
        """Return the 1:4 split of a seed; of the fitting part only those who count."""
        split = split_users(self.found.y, seed=seed, strata=self.found.treated)
        return Split(split.fitting[self.judged[split.fitting]], split.evaluation)

    def told(self, model: Model, fitting: Rows, *, few: int, seed: int) -> Rows:
        """Return the users whose labels a model is told."""
        if model.labels == "none":
            return np.empty(0, np.int64)
        if model.labels == "fitting":
            return fitting
        return seed_users(self.found.y, fitting, positives=few, negatives=few, seed=seed, hard=self.found.hard)

    def unseen(self, scorer: Scorer, fitting: Rows, score: Values, *, seed: int) -> Values:
        """Return scores of the fitting part by fits that did not see the user: on seen ones a cut would lie too high.

        Each third is scored by a fit on the rest. Where a label has a single user, `score` stays.
        """
        y = self.found.y[fitting]
        rng = np.random.default_rng([seed, FOLDS])
        fold = np.zeros(len(fitting), np.int64)
        for label in (0, 1):
            rows = rng.permutation(np.flatnonzero(y == label))
            fold[rows] = np.arange(len(rows)) % FOLDS
        out = score[fitting]
        for k in range(FOLDS):
            rest = fold != k
            if len(np.unique(y[rest])) == 2 and not rest.all():
                out[~rest] = self.ask(scorer, fitting[rest], seed)[fitting[~rest]]
        return out


def read_question(task: Task, source: Source, history: History) -> Question:
    """Return a task with its labels and the past events that its query counts."""
    found = labels(task, source)
    past = matching_rows(source, task.truth, Window(None, task.cut))
    matching = np.isin(history.row, np.asarray(past, np.int64))
    return Question(task, found, np.searchsorted(history.users, found.users), matching)
