"""Write one data set as a folder of the input contract, with its tasks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from shutil import copyfile

import duckdb

from audience_graph.errors import NotFoundError
from audience_trainers.users.tasks.labels import labels
from audience_trainers.users.tasks.parse import FILE, read_tasks
from audience_trainers.users.tasks.source import open_source

# Name of a set -> the folder of the data folder that it is made from.
SETS: dict[str, str] = {
    "completejourney": "completejourney",
    "online_retail": "online_retail",
    "ml_100k": "ml_100k",
    "ml_latest_small": "ml_latest_small",
    "amazon_musical_instruments": "amazon_musical_instruments",
    "amazon_beauty_seq": "amazon_beauty_seq",
    "hillstrom_email": "hillstrom_email",
    "demo": "world",
}

Write = Callable[[duckdb.DuckDBPyConnection, Path], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Made:
    """What was written: users known, events, and of each task its eligible users and positives."""

    name: str
    folder: Path
    users: int
    events: int
    tasks: dict[str, tuple[int, int]]


def make_tasks(name: str, data: Path, folder: Path) -> Made:
    """Write events, users, entities, outcomes (those that a set has) and tasks.toml of one set into `folder`.

    `data` is the folder of data sets, or the set's own. Raises NotFoundError for an unknown set or a missing source.
    """
    if name not in SETS:
        raise NotFoundError(f"no data set {name!r}", hint=f"sets: all, {', '.join(SETS)}")
    origin = data / SETS[name] if (data / SETS[name]).is_dir() else data
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'; SET threads = 1; SET memory_limit = '3GB'")
        write: Write = import_module(f"{__package__}.{name}").write
        try:
            values = write(con, origin)
        except (duckdb.IOException, FileNotFoundError) as exc:
            raise NotFoundError(f"{name} cannot be read from {origin}: {str(exc).splitlines()[0]}") from exc
        for table in ("events", "users", "entities", "outcomes"):
            file = folder / f"{table}.parquet"
            file.unlink(missing_ok=True)
            if con.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall()[0][0]:
                con.execute(f"COPY {table} TO '{str(file).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)")
    template = Path(__file__).with_name(f"{name}.toml")
    copyfile(template, folder / FILE)
    if values:
        text = template.read_text(encoding="utf-8")
        for key, value in values.items():
            text = text.replace(f"{{{key}}}", value)
        (folder / FILE).write_text(text, encoding="utf-8")
    return describe(name, folder)


def describe(name: str, folder: Path) -> Made:
    """Return the counts of a folder; also proves that every task of it can be read and labelled."""
    source = open_source(folder)
    counts = {}
    for task in read_tasks(folder).values():
        found = labels(task, source)
        counts[task.name] = (len(found.users), int(found.y.sum()))
    both = "SELECT count(*) FROM (SELECT user_id FROM events UNION SELECT user_id FROM profiles)"
    users, events = source.column(both)[0], source.column("SELECT count(*) FROM events")[0]
    return Made(name, folder, users, events, counts)
