"""The annotation file: a CSV that a spreadsheet opens, or Parquet. One row is one pair for one annotator.

    pair        id of the pair in its sample (absent in a file of your own)
    source_id*  source_name  source_type  target_id*  target_name  target_type
    score*      0 uncorrelated, 0.5 medium, 1 highly correlated; empty = not annotated yet
    annotator*  who scored the pair
    stratum     weight          (of a file of your own; those of a sample are in its key)
    week        ISO week of the relations

`*` = the column must be there. Commas, semicolons or tabs; UTF-8 with or without a byte-order mark; `0,5` is 0.5.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audience_graph.errors import ConfigError, InputError
from audience_graph.ingest.sequences import write_table
from audience_trainers.relations.annotation.check import Annotation, broken, check_rows
from audience_trainers.relations.annotation.key import key_path, pair_id, stratum_codes
from audience_trainers.relations.annotation.population import Population
from audience_trainers.relations.annotation.sample import Sample

COLUMNS = (
    "pair", "source_id", "source_name", "source_type", "target_id", "target_name", "target_type", "score", "annotator",
    "stratum", "weight", "week",
)  # fmt: skip
REQUIRED = ("source_id", "target_id", "score", "annotator")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def annotation_rows(population: Population, sample: Sample) -> list[dict[str, Any]]:
    """Return the rows of a sample to be filled in: each annotator's pairs together, in shuffled order, no score."""
    codes, draws, rows = stratum_codes(sample), sample.first_draws().tolist(), []
    for annotator in dict.fromkeys(name for names in sample.assigned for name in names):
        for pair, i in enumerate(draws):
            if annotator not in sample.assigned[pair]:
                continue
            row: dict[str, Any] = {"pair": pair_id(sample.name, pair)}
            for side, place in (("source", sample.source[i]), ("target", sample.target[i])):
                row[f"{side}_id"] = population.ids[place]
                row[f"{side}_name"] = population.names[place]
                row[f"{side}_type"] = population.types[place]
            row |= {"score": None, "annotator": annotator, "week": population.week}
            row |= {"stratum": codes[sample.part[i], sample.stratum[i]], "weight": round(float(sample.weight[i]), 6)}
            rows.append(row)
    return rows


def write_annotations(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to a CSV or a Parquet file, by its ending; whole or not at all.

    Names that a spreadsheet would run as a formula are written with an apostrophe in front; ids are left as they are.
    """
    if path.suffix == ".parquet":
        kinds = {"score": pa.float64(), "weight": pa.float64()}
        schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
        write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), path)
        return
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows([[_cell(name, row[name]) for name in COLUMNS] for row in rows])
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def check_target(path: Path, *, replace: bool) -> None:
    """Refuse a path that is no CSV or Parquet file in a folder, or that holds scores or anything else of worth.

    Raises ConfigError. `replace` allows to overwrite an annotation file without a single score.
    """
    if path.suffix not in {".csv", ".parquet"}:
        raise ConfigError(f"--out {path}: its name must end in .csv or .parquet")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ConfigError(f"--out {path} is not a file in an existing folder")
    if not path.exists():
        if key_path(path).exists() and not replace:
            raise ConfigError(
                f"{key_path(path)} is the key of another sample", hint="choose another --out; its scores need that key"
            )
        return
    try:
        filled = sum(row["score"].strip() != "" for row in read_cells(path))
    except InputError as exc:
        raise ConfigError(f"{path} exists and is not an annotation file", hint="choose another --out") from exc
    if filled:
        raise ConfigError(f"{path} holds {filled:,} scores: it is not overwritten", hint="choose another --out")
    if not replace:
        raise ConfigError(f"{path} exists", hint="choose another --out, or --replace it: no score is filled in")


def read_annotations(path: Path, *, known: frozenset[str] | None = None) -> list[Annotation]:
    """Return the rows of a file that hold a score, checked. `known`: ids that entities may have.

    Raises InputError with file, row and column of what is wrong, or when no row holds a score.
    """
    return check_rows(path.name, read_cells(path), known)


def read_cells(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV or Parquet file as texts by column; absent cells are ''.

    Raises InputError when it cannot be read, has no rows, or lacks a required column.
    """
    try:
        names, rows = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist", hint="`evaluate annotate` writes one") from None
    except (OSError, ValueError, csv.Error, pa.ArrowException) as exc:
        raise broken(path.name, "an annotation file: CSV in UTF-8, or Parquet", str(exc)) from exc
    missing = [name for name in REQUIRED if name not in names]
    if missing:
        found = f"columns {', '.join(map(repr, names))}" if names else "an empty file"
        raise broken(path.name, f"the columns {', '.join(REQUIRED)}", found)
    if not rows:
        raise broken(path.name, "a row for each annotated pair", "a header and no rows")
    return rows


def _read_csv(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    text = path.read_text(encoding="utf-8-sig")
    header = text.lstrip().split("\n", 1)[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    lines = [line for line in reader if any(cell.strip() for cell in line)]
    if not lines:
        return [], []
    names = [name.strip().lower() for name in lines[0]]
    for place, line in enumerate(lines[1:], 1):
        if len(line) > len(names) and any(cell.strip() for cell in line[len(names) :]):
            raise broken(path.name, f"{len(names)} cells", f"{len(line)}", row=place)
    return names, [dict(zip(names, [*line, *[""] * len(names)], strict=False)) for line in lines[1:]]


def _read_parquet(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    table = pq.read_table(path)
    rows = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in table.to_pylist()]
    return list(table.column_names), rows


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    text = name.endswith("_name") and isinstance(value, str) and value.startswith(_FORMULA)
    return f"'{value}" if text else f"{value:g}" if name == "score" else value
