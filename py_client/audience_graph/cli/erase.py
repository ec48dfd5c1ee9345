"""`audience-graph erase`: users leave every table, cache and file that we wrote, and stay out."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from audience_graph.cli.options import data_dir_option, print_json, print_note, print_rows
from audience_graph.cli.steps import Steps
from audience_graph.config import find_connections, find_home
from audience_graph.errors import ConfigError, InputError


@click.command()
@click.argument("users", nargs=-1, metavar="USER...")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="File of users, one id a line.")  # fmt: skip # noqa: E501
@click.option("--because", required=True, metavar="TEXT", help="Why; kept in the audit log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")
@data_dir_option
def erase(
    users: tuple[str, ...], file: Path | None, because: str, yes: bool, as_json: bool, data_dir: str | None
) -> None:
    """Remove each USER from both databases and the data folder, and prove it. It cannot be undone.

    Rows, vectors, events, texts and log lines go; members of snapshots and exports stay as a number that names nobody.
    Files that name an erased user again are loaded without those rows. What nothing of ours reaches is listed: files
    that were exported, models that learned from the user.

    Exits with 1 when the proof finds a trace. Stopped on the way, the same command goes on.

    \b
    audience-graph erase u000123 --because "request of 3 May"
    audience-graph erase --file ids.txt --because "end of the contract" --yes --json
    """
    from audience_graph.erase import erase_users
    from audience_graph.graph.runner import open_runner
    from audience_graph.vectors.store import open_store

    wanted = tuple(dict.fromkeys((*users, *_lines(file))))
    if not wanted:
        raise ConfigError("no user to erase", hint="name one, or a file of ids with --file")
    _confirm(len(wanted), yes)
    home = find_home(data_dir)
    connections = find_connections(home)
    with Steps() as progress, open_runner(connections) as runner:
        found = erase_users(runner, open_store(connections), home, wanted, because=because, progress=progress)
    for note in found.notes:
        print_note(note)
    if as_json:
        print_json(found.to_dict())
    else:
        print_rows(list(found.rows()), columns=("what", "where", "rows"))
        click.echo(
            f"{found.users:,} users, {found.known:,} known; {found.columns:,} columns and {found.files:,} files looked "
            f"through in {found.seconds:.1f} s; traces: {len(found.traces)}"
        )
    if found.traces:
        sys.exit(1)


def _confirm(count: int, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError("erasing cannot be undone", hint="say --yes where nobody can be asked")
    click.confirm(f"Erase {count:,} user{'' if count == 1 else 's'} for good?", abort=True, err=True)


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not UTF-8 text", hint="one user id a line") from exc
