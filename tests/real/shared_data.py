"""Find the folder of real data sets that lies beside the repository, and write files of the input contract from it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
NAMES = ("AUDIENCE_GRAPH_SHARED_DATA", "../shared/data", "../../shared/data")


@dataclass(frozen=True, slots=True)
class Files:
    """A data set in the input contract: a folder with entities, events and users, and the last day of its events."""

    folder: Path
    last_day: date
    entities: int
    events: int


def find_shared_data(name: str) -> Path | None:
    """Return the folder of a data set, None when no place that may hold it does."""
    named = os.environ.get(NAMES[0])
    places = [Path(named)] if named else [ROOT / place for place in NAMES[1:]]
    return next((place / name for place in places if (place / name).is_dir()), None)


def why_absent(name: str) -> str:
    """Return the reason that a test is skipped with."""
    return f"no folder {name} in {NAMES[1]} or {NAMES[2]} of the repository; {NAMES[0]} names another place"


def write_files(folder: Path, **frames: pd.DataFrame) -> None:
    """Write frames as `<name>.parquet`; columns of missing values only become text."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        zoned = [c for c in frame.columns if isinstance(frame[c].dtype, pd.DatetimeTZDtype)]
        plain = frame.assign(**{c: frame[c].dt.tz_convert(None) for c in zoned})
        table = pa.Table.from_pandas(plain, preserve_index=False).replace_schema_metadata(None)
        for at, field in enumerate(table.schema):
            if field.name in zoned:
                table = table.set_column(at, field.name, table.column(at).cast(pa.timestamp("us", tz="UTC")))
            elif pa.types.is_null(field.type):
                table = table.set_column(at, field.name, table.column(at).cast(pa.string()))
        pq.write_table(table, folder / f"{name}.parquet")
