"""The sequences of users: which entities each met, in time order, in the last days before a moment.

Written as ibis expressions, which run on DuckDB or on Spark. Linking looks at each distinct text once, inside this
process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.config import Home
from audience_graph.entities.dictionary import Dictionary
from audience_graph.entities.linking import Linker
from audience_graph.errors import ConfigError
from audience_graph.ingest.engines import Engine, open_engine
from audience_graph.ingest.warehouse import MENTIONS, warehouse
from audience_graph.vectors.window import WINDOW_DAYS

COLUMNS = ("user_id", "entity_id", "event_id", "time", "channel")
SCHEMA = pa.schema([(name, pa.timestamp("us", "UTC") if name == "time" else pa.string()) for name in COLUMNS])
MOST_DAYS = 36_500
_ORDER = ("user_id", "time", "event_id", "entity_id")


@dataclass(frozen=True, slots=True)
class Sequences:
    """Mentions of entities in the window (as_of - days, as_of], in long form.

    `table` has a row for each entity of each event: user_id, entity_id, event_id, time, channel; sorted by user_id,
    time, event_id, entity_id. `events` counts the events of the window, `linked_events` those with an entity,
    `unknown_ids` the distinct explicit entity ids that the dictionary lacks. `ambiguous`: see Linker.
    """

    table: pa.Table
    events: int
    linked_events: int
    unknown_ids: int
    ambiguous: dict[str, tuple[str, ...]]

    @property
    def users(self) -> int:
        return len(self.table.column("user_id").unique())


def moment(as_of: datetime | date) -> datetime:
    """Return `as_of` in UTC: a naive time is UTC, a date means the end of that day.

    Raises ConfigError when that falls outside the years 1 to 9999.
    """
    if not isinstance(as_of, datetime):
        return datetime.combine(as_of, time.max, UTC)
    try:
        return as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of.astimezone(UTC)
    except OverflowError as exc:
        raise ConfigError(f"{as_of.isoformat()} is no time in UTC", hint="no event is older than 1990") from exc


def start_of(end: datetime, days: int) -> datetime:
    """Return `end` - `days`. Raises ConfigError unless `days` is 1 to 36,500 and the window begins after year 1."""
    if not 1 <= days <= MOST_DAYS:
        raise ConfigError(f"no window of {days:,} days", hint=f"--days takes a number from 1 to {MOST_DAYS:,}")
    try:
        return end - timedelta(days=days)
    except OverflowError as exc:
        raise ConfigError(
            f"the {days:,} days before {end.isoformat()} begin before the year 1", hint="no event is older than 1990"
        ) from exc


def sequences(
    home: Home, dictionary: Dictionary, as_of: datetime | date, *, days: int = WINDOW_DAYS, engine: Engine = "duckdb"
) -> pa.Table:
    """Return the sequences of the window in long form (see `Sequences.table`). Writes nothing."""
    return build_sequences(home, dictionary, as_of, days=days, engine=engine).table


def build_sequences(
    home: Home, dictionary: Dictionary, as_of: datetime | date, *, days: int = WINDOW_DAYS, engine: Engine = "duckdb"
) -> Sequences:
    """Link the events of the window (as_of - days, as_of]. No event later than `as_of` is read.

    An event with explicit entity ids has those that the dictionary knows; any other has the entities that its text
    and its items name, and those that a tagger linked when it was loaded. Raises ConfigError for an impossible window
    (see `start_of`) or an unknown engine.
    """
    end = moment(as_of)
    start = start_of(end, days)
    linker = Linker(dictionary)
    files = warehouse(home).batches("events")
    with open_engine(engine) as backend:
        if not files:
            return Sequences(SCHEMA.empty_table(), 0, 0, 0, linker.ambiguous)
        events = window(backend, files, start, end)
        phrases = _table(**link_phrases(backend, events, linker))
        known = _table(entity_id=list(dictionary.ids))
        mentions = mentions_of(events, phrases, known, _tagged(backend, home)).order_by(list(_ORDER))
        table = backend.to_pyarrow(mentions).cast(SCHEMA)
        explicit = events.select(entity_id=events.entity_ids.unnest()).distinct()
        unknown = _number(backend, explicit.anti_join(known, "entity_id").count())
        total = _number(backend, events.count())
    linked = len(table.column("event_id").unique())
    return Sequences(table, total, linked, unknown, linker.ambiguous)


def window(backend: Any, files: Sequence[Path], start: datetime, end: datetime) -> Any:
    """Return the events later than `start` and not later than `end` as an ibis expression."""
    import ibis

    # Spark takes a folder, not a list of files; it notes the folder's files once, here.
    events = backend.read_parquet(str(files[0].parent) if backend.name == "pyspark" else [str(path) for path in files])
    zone = events.time.type().timezone
    lower, upper = (t if zone is not None else t.replace(tzinfo=None) for t in (start, end))
    return events.filter(events.time > ibis.literal(lower, type=events.time.type()),
                         events.time <= ibis.literal(upper, type=events.time.type()))  # fmt: skip


def mentions_of(events: Any, phrases: Any, known: Any, tagged: Any = None) -> Any:
    """Return the mentions of entities in events, each once per event: explicit ids, else linked phrases and mentions.

    `phrases` (phrase, entity_id) are texts with the entities that they name, `known` (entity_id) is the dictionary,
    `tagged` (event_id, entity_id) what a tagger found in events, None without a tagger.
    """
    import ibis

    explicit = events.filter(events.entity_ids.length() > 0)
    explicit = explicit.mutate(entity_id=explicit.entity_ids.unnest())
    spoken = phrases_of(events)
    found = [
        explicit.semi_join(known, "entity_id").select(*COLUMNS),
        spoken.inner_join(phrases, "phrase").select(*COLUMNS),
    ]
    if tagged is not None:
        silent = events.filter(events.entity_ids.length() == 0)
        found.append(silent.inner_join(tagged.semi_join(known, "entity_id"), "event_id").select(*COLUMNS))
    return ibis.union(*found).distinct()


def _tagged(backend: Any, home: Home) -> Any:
    files = warehouse(home).batches(MENTIONS)
    if not files:
        return None
    found = backend.read_parquet(str(files[0].parent) if backend.name == "pyspark" else [str(path) for path in files])
    return found.filter(found.entity_id.notnull()).select("event_id", "entity_id")


def phrases_of(events: Any) -> Any:
    """Return what is to be linked: the text and each item of every event without explicit entity ids."""
    import ibis

    silent = events.filter(events.entity_ids.length() == 0)
    keys = ("user_id", "event_id", "time", "channel")
    items = silent.filter(silent.items.length() > 0)
    return ibis.union(
        silent.filter(silent.text.notnull()).select(*keys, phrase=lambda t: t.text),
        items.select(*keys, phrase=items.items.unnest()),
    )


def per_user(mentions: Any) -> Any:
    """Return one row per user: user_id, entity_ids and times, arrays in time order (event and entity id break ties)."""
    import ibis

    whole = ibis.struct({"time": mentions.time, "event_id": mentions.event_id, "entity_id": mentions.entity_id})
    users = mentions.group_by("user_id").aggregate(mentions=whole.collect())
    ordered = users.mutate(mentions=users.mentions.sort())
    return ordered.select(
        "user_id",
        entity_ids=ordered.mentions.map(lambda mention: mention["entity_id"]),
        times=ordered.mentions.map(lambda mention: mention["time"]),
    ).order_by("user_id")


def arrays_per_user(table: pa.Table, *, engine: Engine = "duckdb") -> pa.Table:
    """Turn the long form into one row per user: user_id, entity_ids, times (see `per_user`)."""
    import ibis

    schema = pa.schema([("user_id", pa.string()), ("entity_ids", pa.list_(pa.string())),
                        ("times", pa.list_(pa.timestamp("us", "UTC")))])  # fmt: skip
    with open_engine(engine) as backend:
        return backend.to_pyarrow(per_user(ibis.memtable(table))).cast(schema)


def link_phrases(backend: Any, events: Any, linker: Linker) -> dict[str, list[str]]:
    """Return the columns phrase and entity_id: what each distinct phrase of the events names, a row for each entity."""
    distinct = phrases_of(events).select("phrase").distinct()
    found: dict[str, list[str]] = {"phrase": [], "entity_id": []}
    for phrase in backend.to_pyarrow(distinct).column("phrase").to_pylist():
        for entity in linker.link(phrase):
            found["phrase"].append(phrase)
            found["entity_id"].append(entity)
    return found


def _table(**columns: list[str]) -> Any:
    import ibis

    return ibis.memtable(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}))


def _number(backend: Any, expression: Any) -> int:
    return int(backend.execute(expression))


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table as Parquet: whole or not at all. Raises ConfigError when the folder is not there."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ConfigError(f"{path} is not a file in an existing folder")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        pq.write_table(table, part, compression="zstd")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
