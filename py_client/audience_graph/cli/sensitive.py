"""`audience-graph entities sensitive`: which entities are asked for with a reason only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from audience_graph.cli.options import data_dir_option, format_options, print_json, print_rows
from audience_graph.config import find_connections, find_home
from audience_graph.errors import ConfigError

if TYPE_CHECKING:
    from audience_graph.entities.dictionary import Entity
    from audience_graph.graph.runner import Runner
    from audience_graph.vectors.store import Store

COLUMNS = ("id", "name", "type", "category", "decided_by")


@click.group()
def sensitive() -> None:
    """Say which entities are sensitive: they are asked for with a reason only, which is audited.

    Health, faith, politics, debt, addiction and the like, by a list of words that comes with this package. `load
    entities` flags what is on it, unless the file has a column `sensitive`, which decides.
    """


@sensitive.command("list")
@click.option("--words", is_flag=True, help="Show the list of words itself; needs no server.")
@format_options
@data_dir_option
def list_(words: bool, as_json: bool, as_csv: bool, data_dir: str | None) -> None:
    """Show which loaded entities are flagged, why, and who decided it.

    \b
    audience-graph entities sensitive list
    audience-graph entities sensitive list --words
    """
    from audience_graph.audience.safety.marks import flagged_entities

    if words:
        _print(_words(), ("category", "kind", "text"), as_json, as_csv)
        return
    with _stores(data_dir) as (runner, _):
        _print(_rows(flagged_entities(runner)), COLUMNS, as_json, as_csv)


@sensitive.command()
@click.option("--descriptions", is_flag=True, help="Read descriptions too: more is found, and more of it wrongly.")
@format_options
@data_dir_option
def check(descriptions: bool, as_json: bool, as_csv: bool, data_dir: str | None) -> None:
    """Show which loaded entities are on the list and carry no flag, with the words that match.

    `decided_by` tells who cleared one: `mark --from-list` leaves these alone.

    \b
    audience-graph entities sensitive check
    audience-graph entities sensitive check --descriptions --csv
    """
    from audience_graph.audience.safety.marks import unflagged_entities

    with _stores(data_dir) as (runner, _):
        found = unflagged_entities(runner, descriptions=descriptions)
    rows = [
        {**_row(one.entity), "category": one.hit.category, "said": one.hit.said, "cleared": one.cleared}
        for one in found
    ]
    _print(rows, ("id", "name", "type", "category", "said", "cleared", "decided_by"), as_json, as_csv)


@sensitive.command()
@click.argument("ids", nargs=-1)
@click.option("--from-list", is_flag=True, help="All that is on the list and nobody cleared.")
@click.option("--category", default=None, help="Why. [default: what the list says, if anything]")
@click.option("--because", default="", help="A note for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def mark(
    ids: tuple[str, ...], from_list: bool, category: str | None, because: str, as_json: bool, data_dir: str | None
) -> None:
    """Flag entities: from now on they are asked for with a reason only. Written to the audit log first.

    \b
    audience-graph entities sensitive mark ent000397 --category financial_hardship
    audience-graph entities sensitive mark --from-list
    """
    from audience_graph.audience.safety import marks

    if from_list == bool(ids):
        raise ConfigError("name entities by id, or use --from-list: one of them")
    if from_list and category is not None:
        raise ConfigError("--category goes with ids: the list knows its own")
    with _stores(data_dir) as (runner, store):
        if from_list:
            found = marks.mark_listed(runner, store, because=because or "on the list")
        else:
            found = marks.mark(runner, store, ids, category=category, because=because)
    _print(_rows(found), ("id", "name", "type"), as_json, False)
    click.echo(f"{len(found):,} newly flagged", err=True)


@sensitive.command()
@click.argument("ids", nargs=-1, required=True)
@click.option("--because", required=True, help="Why they are not sensitive; written to the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@data_dir_option
def unmark(ids: tuple[str, ...], because: str, as_json: bool, data_dir: str | None) -> None:
    """Say that entities are not sensitive: anybody reaches them, and the list leaves them alone. Audited.

    \b
    audience-graph entities sensitive unmark ent000042 --because "a brand of shoes"
    """
    from audience_graph.audience.safety.marks import unmark as run

    with _stores(data_dir) as (runner, store):
        found = run(runner, store, ids, because=because)
    _print(_rows(found), ("id", "name", "type"), as_json, False)
    click.echo(f"{len(found):,} lost their flag", err=True)


@contextmanager
def _stores(data_dir: str | None) -> Iterator[tuple[Runner, Store]]:
    from audience_graph.graph.runner import open_runner
    from audience_graph.vectors.store import open_store

    found = find_connections(find_home(data_dir))
    with open_runner(found) as runner:
        yield runner, open_store(found)


def _row(entity: Entity) -> dict[str, Any]:
    return {name: getattr(entity, name) for name in COLUMNS}


def _rows(entities: Sequence[Entity]) -> list[dict[str, Any]]:
    return [_row(entity) for entity in entities]


def _words() -> list[dict[str, Any]]:
    from audience_graph.entities.sensitive import sensitive_list

    return [
        {"category": category.name, "kind": kind, "text": text}
        for category in sensitive_list().categories
        for kind, texts in (("type", category.types), ("word", category.words))
        for text in texts
    ]


def _print(rows: list[dict[str, Any]], columns: Sequence[str], as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json([{name: row[name] for name in columns} for row in rows])
    else:
        print_rows([{name: row[name] for name in columns} for row in rows], columns=columns, as_csv=as_csv)
