"""`audience-graph relation`: confirm, reject, withdraw, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.options import F, data_dir_option, format_options

if TYPE_CHECKING:
    from audience_graph.audience.learn.decide import Decisions


@click.group()
def relation() -> None:
    """Say which relations are right and which are wrong, for every week to come.

    SOURCE and TARGET are ids, names or aliases. A decision takes effect at once, wherever anything is expanded, and the
    next mining run follows it; deciding otherwise takes the old decision back. Every one is in the audit log.

    \b
    audience-graph relation confirm "women's football" "Alex Morgan" --note "same fans"
    audience-graph relation reject spa "day trip"
    audience-graph relation list
    """


def _pair(command: F) -> F:
    command = click.argument("target")(command)
    return click.argument("source")(command)


_note_option = click.option("--note", default="", help="Why: kept with the decision.")


@relation.command()
@_pair
@_note_option
@data_dir_option
@format_options
def confirm(source: str, target: str, note: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Confirm that SOURCE leads to TARGET: expansions hold it, and mining keeps it whatever the week's data say.

    Its score is that of the current version, .7 where that lacks it.
    """
    with client(data_dir, False) as ag:
        _print(ag.decisions.confirm(source, target, note=note), as_json, as_csv)


@relation.command()
@_pair
@_note_option
@data_dir_option
@format_options
def reject(source: str, target: str, note: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Reject that SOURCE leads to TARGET: it is never shown again, and never mined again."""
    with client(data_dir, False) as ag:
        _print(ag.decisions.reject(source, target, note=note), as_json, as_csv)


@relation.command()
@_pair
@data_dir_option
@format_options
def withdraw(source: str, target: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Forget what was decided about SOURCE -> TARGET, whoever decided it: the data speak again."""
    with client(data_dir, False) as ag:
        _print(ag.decisions.withdraw(source, target), as_json, as_csv)


@relation.command("list")
@data_dir_option
@format_options
def list_(data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Show all that is decided, latest first, with who decided and why."""
    with client(data_dir, False) as ag:
        _print(ag.decisions.list(), as_json, as_csv)


def _print(found: Decisions, as_json: bool, as_csv: bool) -> None:
    print_answer(found, as_json=as_json, as_csv=as_csv)
