"""What users are learnt from: their events, what is known of them and since when, and the names of entities.

A source is a folder in the input contract (events, users?, entities?; see `audience_graph.ingest.contract`) or a home,
with its warehouse of events, its Postgres and its Neo4j. Both give the same `Source`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.config import Connections, Home, find_connections
from audience_graph.entities.dictionary import Dictionary, Entity, read_dictionary
from audience_graph.errors import ConfigError, InputError
from audience_graph.graph.runner import open_runner
from audience_graph.ingest.contract import ENTITIES, EVENTS, USERS, Kind
from audience_graph.ingest.engines import Engine, open_engine
from audience_graph.ingest.warehouse import MENTIONS, warehouse
from audience_graph.vectors.store import open_store
from audience_trainers.users.files import as_parquet, checked, find_file
from audience_trainers.users.profile_rows import no_profiles, stored_profiles, typed_profiles

# Beyond this DuckDB spills into its temporary folder: many more events take longer, not more memory.
_MEMORY = "2GB"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """An open source. `name` is what messages call it.

    `events`: an ibis expression on `backend` with every column of the contract; times as they lie there, absent columns
    as NULL. `mentions`: event_id, entity_id that a tagger found, None without one. `read_profiles` gives the rows of
    users (see `profile_rows`). `dictionary`: the entities, in the order of their ids.
    """

    name: str
    backend: Any
    events: Any
    dictionary: Dictionary
    read_profiles: Callable[[], pa.Table]
    mentions: Any = None
    names: Mapping[str, str] = field(init=False)  # entity id -> name

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", {entity.id: entity.name for entity in self.dictionary.entities})


@contextmanager
def open_folder(folder: Path, *, engine: Engine = "duckdb") -> Iterator[Source]:
    """Open a folder in the input contract; what was unpacked is removed when the `with` ends.

    An event id that comes twice with one content counts once. Raises InputError when there are no events, when a file
    breaks the contract, or when an event id comes twice with different content.
    """
    files = {contract.what: find_file(folder, contract) for contract in (EVENTS, USERS, ENTITIES)}
    if not folder.is_dir() or files["events"] is None:
        raise InputError(
            f"{folder} holds no events", hint="expected events.parquet, events.csv or events.jsonl in this folder"
        )
    with tempfile.TemporaryDirectory(prefix="source-") as made, _engine(engine) as backend:
        work = Path(made)
        path = as_parquet(files["events"], EVENTS, work)
        events = whole_events(backend.read_parquet(str(path)))
        if _has_gaps(backend, events):
            events = whole_events(backend.read_parquet(str(checked(files["events"], EVENTS, work))))
        events = _each_id_once(backend, events, files["events"].name)
        users = files["users"]
        yield Source(
            name=str(folder),
            backend=backend,
            events=events,
            dictionary=_dictionary(files["entities"], work),
            read_profiles=lambda: no_profiles() if users is None else typed_profiles(as_parquet(users, USERS, work)),
        )


@contextmanager
def open_home(home: Home, connections: Connections | None = None, *, engine: Engine = "duckdb") -> Iterator[Source]:
    """Open a home: batches of the warehouse, the dictionary in Neo4j, profiles in Postgres (read when asked for).

    Raises InputError when nothing was loaded, ConfigError or StoreUnavailable without servers.
    """
    files = warehouse(home).batches("events")
    if not files:
        raise InputError(
            f"{home.path} holds no events", hint="load some: audience-graph load events FILE, or name a folder"
        )
    servers = connections if connections is not None else find_connections(home)
    with open_runner(servers) as runner:
        dictionary = read_dictionary(runner)
    with _engine(engine) as backend:
        found = warehouse(home).batches(MENTIONS)
        yield Source(
            name=str(home.path),
            backend=backend,
            events=whole_events(_read(backend, files)),
            dictionary=dictionary,
            read_profiles=lambda: stored_profiles(open_store(servers)),
            mentions=_read(backend, found).select("event_id", "entity_id") if found else None,
        )


def whole_events(events: Any) -> Any:
    """Return events with exactly the columns of the contract; absent ones are NULL."""
    import ibis

    types = {Kind.AMOUNT: "float64", Kind.LIST: "array<string>"}
    cells: dict[str, Any] = {}
    for column in EVENTS.columns:
        if column.name in events.columns:
            cell = events[column.name]
            cells[column.name] = cell.cast("float64") if column.kind is Kind.AMOUNT else cell
        else:
            cells[column.name] = ibis.null().cast(types.get(column.kind, "string"))
    return events.select(**cells)


def seconds_of(time: Any) -> Any:
    """Return an ibis expression of whole seconds since 1970 UTC, int64: an event is never moved to a later second."""
    return time.truncate("s").epoch_seconds().cast("int64")


@contextmanager
def _engine(engine: Engine) -> Iterator[Any]:
    with open_engine(engine) as backend:
        if engine == "duckdb":
            backend.raw_sql(f"SET memory_limit = '{_MEMORY}'")
        yield backend


def _read(backend: Any, files: Sequence[Path]) -> Any:
    # Spark takes a folder, not a list of files
    return backend.read_parquet(str(files[0].parent) if backend.name == "pyspark" else [str(path) for path in files])


def _has_gaps(backend: Any, events: Any) -> bool:
    needed = (events.user_id.nullif(""), events.time, events.channel.nullif(""))
    gaps = [cell.isnull() for cell in needed]
    return bool(backend.execute(events.filter(gaps[0] | gaps[1] | gaps[2]).count()))


def _each_id_once(backend: Any, events: Any, file: str) -> Any:
    if not _repeats(backend, events):
        return events
    named = events.filter(events.event_id.notnull()).distinct()
    if _repeats(backend, named):
        ids = named.group_by("event_id").aggregate(n=named.count())
        ids = ids.filter(ids.n > 1).order_by("event_id").limit(3)
        shown = ", ".join(repr(row["event_id"]) for row in backend.to_pyarrow(ids).to_pylist())
        raise InputError(
            f"{file}: event ids come again with other content: {shown}", hint="give every event an id of its own"
        )
    return named.union(events.filter(events.event_id.isnull()))


def _repeats(backend: Any, events: Any) -> bool:
    answer = events.aggregate(rows=events.event_id.count(), ids=events.event_id.nunique())
    row = backend.to_pyarrow(answer).to_pylist()[0]
    return bool(row["rows"] > row["ids"])


def _dictionary(path: Path | None, work: Path) -> Dictionary:
    if path is None:
        return Dictionary(())
    rows = pq.read_table(as_parquet(path, ENTITIES, work)).to_pylist()
    if any(row["id"] is None or row["name"] is None for row in rows):
        rows = pq.read_table(checked(path, ENTITIES, work)).to_pylist()
    entities = [
        Entity(row["id"], row["name"], row["type"] or "", tuple(row.get("aliases") or ()), row.get("description"))
        for row in rows
    ]
    if len({entity.id for entity in entities}) < len(entities):
        raise ConfigError(f"{path}: an entity id comes twice", hint="give every entity an id of its own")
    return Dictionary.of(entities)
