"""`audience-graph suppress`: the users who are never sent."""

from __future__ import annotations

from pathlib import Path

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.options import data_dir_option, format_options


@click.group()
def suppress() -> None:
    """Users who are never sent, whatever the audience. Numbers are rounded, and none is shown under 100."""


@suppress.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--reason", required=True, help="Why, such as 'asked not to be contacted'.")
@format_options
@data_dir_option
def add(file: Path, reason: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Never send the users of a text file again, one id in each line; ids that are not known count from now on.

    \b
    audience-graph suppress add unsubscribed.txt --reason "asked not to be contacted"
    """
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.suppress(file, reason)
    print_answer(found, as_json=as_json, as_csv=as_csv, extra={"given": found.given, "users": found.users})


@suppress.command()
@click.argument("file", type=click.Path(path_type=Path))
@format_options
@data_dir_option
def remove(file: Path, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Take the users of a text file off the list, one id in each line.

    \b
    audience-graph suppress remove came_back.txt
    """
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.release(file)
    print_answer(found, as_json=as_json, as_csv=as_csv, extra={"given": found.given, "users": found.users})


@suppress.command("list")
@format_options
@data_dir_option
def list_reasons(data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Show how many users are suppressed, by reason.

    \b
    audience-graph suppress list
    """
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.suppressed()
    print_answer(found, as_json=as_json, as_csv=as_csv, extra={"users": found.users})
