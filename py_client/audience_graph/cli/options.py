"""Options that many commands share, and how results are printed."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from audience_graph.answer import cell_text

F = TypeVar("F", bound=Callable[..., Any])


def data_dir_option(command: F) -> F:
    """Add `--data-dir`."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False),
        default=None,
        help="Folder of servers, data and runs. [default: AUDIENCE_GRAPH_HOME, else a per-user folder]",
    )(command)


def format_options(command: F) -> F:
    """Add `--json` and `--csv`; the command receives `as_json` and `as_csv`."""
    command = click.option("--csv", "as_csv", is_flag=True, help="Print CSV instead of a table.")(command)
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")(command)


def print_json(value: Any) -> None:
    """Print one JSON value on stdout; what JSON has no number for, such as infinity, is null."""
    json.dump(_finite(value), sys.stdout, ensure_ascii=False, indent=2, default=str)
    sys.stdout.write("\n")


def print_note(words: str) -> None:
    """Print a line on stderr that tells what an answer does not show."""
    click.echo(f"Note: {words}", err=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(own) for key, own in value.items()}
    return [_finite(own) for own in value] if isinstance(value, (list, tuple)) else value


def print_rows(
    rows: Sequence[Mapping[str, Any]], *, columns: Sequence[str], as_json: bool = False, as_csv: bool = False
) -> None:
    """Print rows on stdout: a table, one JSON list, or CSV with a header."""
    if as_json:
        print_json([{c: row.get(c) for c in columns} for row in rows])
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[row.get(c) for c in columns] for row in rows])
    else:
        table = Table(show_edge=False, pad_edge=False)
        for column in columns:
            table.add_column(column)
        for row in rows:
            table.add_row(*(Text(cell_text(row.get(c))) for c in columns))  # names may hold [markup]
        Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 200).print(table)
