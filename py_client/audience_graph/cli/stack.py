"""`up`, `down`, `status`, `doctor`: the embedded servers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from audience_graph import local
from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.config import find_home

COLUMNS = ("name", "state", "version", "address", "pid", "detail")


class Spoken:
    """Progress on stderr: a line for each step, a bar for a download."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, soft_wrap=True, highlight=False)

    def say(self, text: str) -> None:
        """Print one step."""
        self._console.print(text, markup=False)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """Draw a bar of `total` bytes."""
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=self._console, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task(title, total=total)
            yield lambda count: progress.advance(task, count)


@click.command()
@data_dir_option
@click.option("--heap", metavar="SIZE", help="Memory for Neo4j's heap, e.g. 2g. [default: a sixth of the machine's]")
@click.option("--json", "as_json", is_flag=True, help="Print the state as one JSON object.")
def up(data_dir: str | None, heap: str | None, as_json: bool) -> None:
    """Start Neo4j with GDS and Postgres with pgvector, and bring their schemas up to date.

    Safe to run again at any time. Starts nothing when NEO4J_URI, NEO4J_USERNAME, NEO4J_PASSWORD and DATABASE_URL
    name existing servers.

    \b
    audience-graph up
    audience-graph up --data-dir ./data --heap 2g
    """
    home = find_home(data_dir)
    spoken = Spoken()
    found = local.up(home, heap=heap, progress=spoken)
    if not found.embedded:
        spoken.say("the environment names existing servers: nothing was started")
    elif found.started:
        spoken.say(f"started {' and '.join(found.started)}; data in {home.path}")
    else:
        spoken.say(f"already running; data in {home.path}")
    _show(found, as_json)


@click.command()
@data_dir_option
def down(data_dir: str | None) -> None:
    """Stop the embedded servers; their data stays.

    \b
    audience-graph down
    """
    home = find_home(data_dir)
    spoken = Spoken()
    stopped = local.down(home, progress=spoken)
    spoken.say(f"stopped {' and '.join(stopped)}" if stopped else "nothing to stop")


@click.command()
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print the state as one JSON object.")
def status(data_dir: str | None, as_json: bool) -> None:
    """Show whether both servers answer; exits with 1 when one does not.

    \b
    audience-graph status --json
    """
    found = local.status(find_home(data_dir))
    _show(found, as_json)
    if not found.running:
        raise click.exceptions.Exit(1)


@click.command()
@data_dir_option
@click.option("--json", "as_json", is_flag=True, help="Print the checks as one JSON list.")
def doctor(data_dir: str | None, as_json: bool) -> None:
    """Name what is wrong with the servers or this machine, and what to do; exits with 1 when something is.

    \b
    audience-graph doctor
    """
    checks = local.doctor(find_home(data_dir))
    rows = [asdict(check) for check in checks]
    print_rows(rows, columns=("name", "verdict", "found", "advice"), as_json=as_json)
    if any(check.verdict == "wrong" for check in checks):
        raise click.exceptions.Exit(1)


def _show(found: local.StackStatus, as_json: bool) -> None:
    if as_json:
        print_json(found.to_dict())
        return
    print_rows([asdict(found.neo4j), asdict(found.postgres)], columns=COLUMNS)
    if found.browser is not None:
        click.echo(
            f"Neo4j Browser: {found.browser} (user and password: {found.home / 'stack' / 'connection.json'})", err=True
        )
