"""Rows a second of `load events`, from CSV, Parquet and JSON lines, validation and warehouse write included.

    python tests/bench/bench_load.py [rows]

The peer is a bare copy of the same file to Parquet by DuckDB: no checks, no ids, no order, columns as they come.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from audience_graph.config import Home
from audience_graph.entities import Dictionary, Entity, Linker
from audience_graph.ingest import load_events

FORMATS = ("csv", "parquet", "jsonl")


def make_events(rows: int, *, seed: int = 0) -> pa.Table:
    """Return made-up events: 100,000 users, texts of five words, no event ids, a third of them with an amount."""
    rng = np.random.default_rng(seed)
    words = np.array([f"word{i}" for i in range(2000)])
    texts = words[rng.integers(0, len(words), (rows, 5))]
    seconds = rng.integers(0, 30 * 86_400, rows).astype("timedelta64[s]")
    times = np.datetime_as_string(np.datetime64("2026-01-01T00:00:00") + seconds)
    channels = np.array(["search", "visit", "purchase"])[rng.integers(0, 3, rows)]
    amounts = np.round(rng.random(rows) * 100, 2)
    return pa.table(
        {
            "user_id": [f"u{i}" for i in rng.integers(0, 100_000, rows)],
            "time": [f"{t}Z" for t in times],
            "channel": channels,
            "text": [" ".join(row) for row in texts],
            "merchant": [f"m{i}" for i in rng.integers(0, 500, rows)],
            "amount": pa.array(amounts, mask=channels != "purchase"),
        }
    )


def write(table: pa.Table, path: Path) -> None:
    """Write the events in the format that the name asks for."""
    if path.suffix == ".csv":
        pacsv.write_csv(table, path)
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with path.open("w", encoding="utf-8") as file:
            for row in table.to_pylist():
                file.write(json.dumps({k: v for k, v in row.items() if v is not None}) + "\n")


def main(rows: int) -> None:
    """Print a line for each format, and one for linking."""
    table = make_events(rows)
    print(f"{rows:,} events\nformat    load rows/s   again rows/s   bare copy rows/s   load / bare copy")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for fmt in FORMATS:
            path = folder / f"events.{fmt}"
            write(table, path)
            start = time.monotonic()
            duckdb.sql(f"COPY (FROM '{path}') TO '{folder / 'bare.parquet'}' (COMPRESSION zstd)")
            bare = rows / (time.monotonic() - start)
            home = Home(folder / f"home-{fmt}")
            first, again = load_events(path, home=home), load_events(path, home=home)
            assert (first.written, again.written) == (rows, 0)
            print(f"{fmt:8} {first.rate:12,.0f} {again.rate:14,.0f} {bare:18,.0f} {first.rate / bare:18.2f}")
    linker = Linker(Dictionary.of(Entity(f"e{i}", f"word{i}", "t") for i in range(2000)))
    texts = table.column("text").to_pylist()[:200_000]
    start = time.monotonic()
    for text in texts:
        linker.link(text)
    print(f"linking: {len(texts) / (time.monotonic() - start):,.0f} distinct short texts/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
