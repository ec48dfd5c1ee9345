"""Who is asked about in a task, and who is right: 1 for users who do it in [cut, cut + horizon), else 0."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import InputError
from audience_trainers.users.tasks.source import Source
from audience_trainers.users.tasks.task import DAY, Query, Task
from audience_trainers.users.tasks.truth import Window, column_values, users_with_events


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """`users` (n,) eligible ids, sorted; `y` (n,) 0 / 1; `hard` (n,) looks like a positive and is none, where known.

    `treated` (n,) is set where a task has arms: 1 for those who got the treatment, 0 for the control.
    """

    users: npt.NDArray[np.object_]
    y: npt.NDArray[np.int8]
    hard: npt.NDArray[np.bool_] | None = None
    treated: npt.NDArray[np.int8] | None = None


def labels(task: Task, source: Source) -> Labels:
    """Return the eligible users of a task and their labels.

    Eligible is who is known at the cut (an event before it, or a profile row not after it) and meets the task's own
    condition; with `first_time` those who did it before are left out, with `column` those of whom nothing was said.
    Labels read [cut, cut + horizon) only. Raises InputError when nobody is eligible or the labels are all alike.
    """
    users = source.known(task.cut)
    if task.eligible is not None:
        users &= _meets(source, task.eligible, task.cut)
    arms = {} if task.arms is None else column_values(source, task.arms.column, _until(task.cut), undated=True)
    if task.arms is not None:
        admitted = (*task.arms.treated, *task.arms.control)
        users &= {user for user, arm in arms.items() if arm in admitted}
    window = Window(task.cut, task.end)
    if task.truth.column is not None:
        said = column_values(source, task.truth.column, window, undated=False)
        users &= set(said)
        positive = {user for user, value in said.items() if value in task.truth.equals}
    else:
        positive = users_with_events(source, task.truth, window)
        if task.truth.first_time:
            users -= users_with_events(source, _once(task.truth), Window(None, task.cut))
    return _labels(task, source, users, positive, arms)


def _labels(task: Task, source: Source, users: set[str], positive: set[str], arms: dict[str, Any]) -> Labels:
    ids = np.array(sorted(users), dtype=object)
    y = np.fromiter((user in positive for user in ids), np.int8, len(ids))
    if len(ids) == 0 or y.min() == y.max():
        found = "nobody is eligible" if len(ids) == 0 else f"all {len(ids):,} eligible users are {y[0]}"
        raise InputError(
            f"{source.folder}, task {task.name!r}: {found}", hint="look at truth, eligible, cut, horizon_days"
        )
    hard = treated = None
    if task.truth.hard is not None:
        told = column_values(source, task.truth.hard, Window(task.cut, task.end), undated=False)
        hard = np.fromiter((bool(told.get(user, False)) for user in ids), np.bool_, len(ids))
    if task.arms is not None:
        treated = np.fromiter((arms[user] in task.arms.treated for user in ids), np.int8, len(ids))
    return Labels(ids, y, hard, treated)


def _meets(source: Source, query: Query, cut: int) -> set[str]:
    """Return who meets a condition of eligibility: events up to and with the cut itself (a mailing of that moment)."""
    if query.column is not None:
        values = column_values(source, query.column, _until(cut), undated=True)
        return {user for user, value in values.items() if value in query.equals}
    begin = None if query.within_days is None else cut - query.within_days * DAY
    return users_with_events(source, query, Window(begin, cut + 1))


def _until(cut: int) -> Window:
    return Window(None, cut + 1)


def _once(query: Query) -> Query:
    return replace(query, count_at_least=1)
