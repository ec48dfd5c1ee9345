"""z_e of the last weeks: read from their finished runs, and brought under this week's entities.

Nothing of an old week is computed again: its run folder keeps `z.npy` beside `entities.parquet`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audience_graph.errors import ConfigError, RunError
from audience_trainers.relations.ensemble.pairs import TrainingPairs, moved, pairs_from_table

Floats = npt.NDArray[np.float32]
Note = Callable[[str], None]
_VECTORS, _ENTITIES = "z.npy", "entities.parquet"


@dataclass(frozen=True, slots=True, eq=False)
class WeekVectors:
    """z_e of one week in that week's own space: row i (d,) is entity ids[i]; a zero row had no evidence that week.

    `folder` is the run that they come from, None for this week's, which is not written yet.
    """

    week: str
    ids: tuple[str, ...]
    z: Floats  # (n, d)
    folder: Path | None = None


class Aligned(NamedTuple):
    """h (n, T, d): z_e by calendar week, oldest first, widened with zeros to the widest week; mask (n, T): known."""

    h: Floats
    mask: npt.NDArray[np.bool_]


def read_weeks(runs: Path, before: str, count: int, *, note: Note = lambda _: None) -> list[WeekVectors]:
    """Return the vectors of the `count` calendar weeks before week `before`, oldest first; a missing week is left out.

    Each week's newest finished run counts. Runs that are unfinished or damaged, or keep no weekly vectors, are passed
    over with a note. Raises ConfigError when `before` is not a week.
    """
    monday = monday_of(before)
    wanted = {iso_week(monday - timedelta(weeks=age)) for age in range(1, count + 1)}
    found: dict[str, WeekVectors] = {}
    for week, folder in _finished(runs, wanted, note):
        if week in found:
            continue
        try:
            found[week] = _read(week, folder)
        except RunError as exc:
            note(f"{exc}: passed over")
    return [found[week] for week in sorted(found)]


def count_pairs_of(week: WeekVectors) -> int:
    """Return how many training pairs a past week's run keeps, without reading them."""
    path = None if week.folder is None else week.folder / "pairs.parquet"
    return 0 if path is None or not path.is_file() else int(pq.read_metadata(path).num_rows)


def read_pairs(week: WeekVectors, ids: Sequence[str]) -> TrainingPairs | None:
    """Return a past week's training pairs under this week's indices; pairs with an entity that vanished are gone.

    None when its run keeps no pairs. Raises RunError when they are damaged.
    """
    path = None if week.folder is None else week.folder / "pairs.parquet"
    if path is None or not path.is_file():
        return None
    try:
        pairs = pairs_from_table(pq.read_table(path))
    except (OSError, pa.ArrowException, KeyError) as exc:
        raise RunError(f"{path} is not readable: {exc}", hint="mine that week again") from exc
    return moved(pairs, places(week.ids, ids))


def align(weeks: Sequence[WeekVectors], ids: Sequence[str]) -> Aligned:
    """Bring weeks (oldest first, this week last) under `ids`, one slot per calendar week between the first and last.

    Not known, and so masked with a zero row: an entity that is new since, one without evidence in a week, and everyone
    in a week that was not mined. Entities that vanished are left out. Weeks may differ in dimension: a narrower one is
    widened with zeros, which the model's own linear map of that week never reads. Raises RunError for a week twice.
    """
    slots = slots_of(weeks)
    dims = max(week.z.shape[1] for week in weeks)
    h = np.zeros((len(ids), slots[-1] + 1, dims), np.float32)
    for slot, week in zip(slots, weeks, strict=True):
        place = places(ids, week.ids)
        known = place >= 0
        h[known, slot, : week.z.shape[1]] = week.z[place[known]]
    return Aligned(h, np.abs(h).max(axis=2, initial=0.0) > 0)


def slots_of(weeks: Sequence[WeekVectors]) -> list[int]:
    """Return how many calendar weeks each lies after the first. Raises RunError unless they ascend, each once."""
    mondays = [monday_of(week.week) for week in weeks]
    if not weeks or mondays != sorted(set(mondays)):
        raise RunError(f"weeks must be given once each, oldest first: found {[week.week for week in weeks]}")
    return [(monday - mondays[0]).days // 7 for monday in mondays]


def monday_of(week: str) -> date:
    """Return the first day of an ISO week. Raises ConfigError when there is no such week."""
    try:
        return date.fromisoformat(f"{week}-1")
    except ValueError:
        raise ConfigError(f"{week!r} is not an ISO week", hint="weeks look like 2026-W30") from None


def iso_week(day: date) -> str:
    """Return the ISO week of a day, e.g. `2026-W30`."""
    year, number, _ = day.isocalendar()
    return f"{year}-W{number:02d}"


def _finished(runs: Path, wanted: set[str], note: Note) -> list[tuple[str, Path]]:
    """Return (week, folder) of the finished runs of these weeks with vectors, newest first."""
    found = []
    for head in sorted(runs.glob("*/run.json")):
        folder = head.parent
        run = _json(head)
        if run is None or str(run.get("week")) not in wanted or run.get("kind") != "mine":
            if run is None:
                note(f"{head} is not readable: passed over")
            continue
        done = _json(folder / "done")
        if done is None:
            note(f"{folder} is not a finished run: passed over")
        elif not (folder / _VECTORS).is_file() and _VECTORS not in done.get("files", {}):
            note(f"{folder} keeps no weekly vectors ({_VECTORS}): passed over")
        else:
            found.append((str(done.get("finished")), str(run["week"]), folder))
    return [(week, folder) for _, week, folder in sorted(found, reverse=True)]


def _read(week: str, folder: Path) -> WeekVectors:
    files = (_json(folder / "done") or {}).get("files", {})
    for name in (_VECTORS, _ENTITIES):
        path, told = folder / name, files.get(name)
        if told is None or not path.is_file() or _sha256(path) != told.get("sha256"):
            raise RunError(f"{folder} is damaged: {name} is missing or changed")
    try:
        z = np.load(folder / _VECTORS, allow_pickle=False)
        ids = tuple(pq.read_table(folder / _ENTITIES, columns=["entity_id"])["entity_id"].to_pylist())
    except (OSError, ValueError, pa.ArrowException) as exc:
        raise RunError(f"{folder} is damaged: {exc}") from exc
    if z.ndim != 2 or len(z) != len(ids) or not np.isfinite(z).all():
        raise RunError(f"{folder / _VECTORS}: expected {len(ids):,} rows of finite numbers, found shape {z.shape}")
    return WeekVectors(week, ids, np.asarray(z, np.float32), folder)


def places(ids: Sequence[str], among: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return where each id stands in `among`, -1 where it does not."""
    found = pc.index_in(pa.array(ids, pa.string()), value_set=pa.array(among, pa.string()))
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int64)


def _json(path: Path) -> dict[str, Any] | None:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
