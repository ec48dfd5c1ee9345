"""Saved queries, and one's own: `query list`, `query run NAME --param key=value`, `query cypher TEXT`."""

from __future__ import annotations

import json
import sys
from typing import Any, TextIO

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.ask_options import show_query_option
from audience_graph.cli.options import data_dir_option, format_options, print_note, print_rows
from audience_graph.saved.shelf import FORMATS


@click.group()
def query() -> None:
    """Run saved Cypher queries by name, or one of your own."""


@query.command("list")
@format_options
@data_dir_option
def list_(as_json: bool, as_csv: bool, data_dir: str | None) -> None:
    """List the saved queries, the question that each answers, its parameters, and who keeps it.

    \b
    audience-graph query list
    """
    from audience_graph.errors import ConfigError, StoreError
    from audience_graph.saved.definition import saved_queries
    from audience_graph.saved.kept import Kept, Listed

    try:
        with client(data_dir, False) as ag:
            found = ag.queries.list()
    except (ConfigError, StoreError) as exc:
        print_note(f"the package's queries alone: {exc.message}")
        found = Listed(Kept(one) for one in saved_queries())
    rows = [
        {
            "name": kept.query.name,
            "question": kept.query.question,
            "parameters": ", ".join(_words(p) for p in kept.query.parameters),
            "by": kept.by or "",
        }
        for kept in found
    ]
    print_rows(rows, columns=["name", "question", "parameters", "by"], as_json=as_json, as_csv=as_csv)
    for one in found.unreadable:
        print_note(str(one))


@query.command()
@click.argument("name")
@data_dir_option
def show(name: str, data_dir: str | None) -> None:
    """Print a saved query as its file has it, to read, to paste into Browser, or to share.

    \b
    audience-graph query show similar_services > similar_services.cypher
    """
    with client(data_dir, False) as ag:
        click.echo(ag.queries.get(name).query.text, nl=False)


@query.command()
@click.argument("name")
@click.argument("file", required=False, type=click.File(encoding="utf-8"))
@click.option("--of", default=None, metavar="QUERY", help="Save this query with other defaults; no FILE then.")
@click.option("--param", "-p", "params", multiple=True, metavar="KEY=VALUE", help="A default; may be repeated.")
@click.option("--title", default=None, help="What it is called.")
@click.option("--question", default=None, help="What it answers.")
@data_dir_option
def save(
    name: str,
    file: TextIO | None,
    of: str | None,
    params: tuple[str, ...],
    title: str | None,
    question: str | None,
    data_dir: str | None,
) -> None:
    """Keep a query as NAME, for everybody who uses these servers: a FILE that `show` printed or you wrote, or another
    query with your defaults.

    \b
    audience-graph query save near_spa --of similar_services --param phrase=spa --title "Near spa"
    audience-graph query save ours ours.cypher
    """
    if (file is None) == (of is None):
        raise click.UsageError("give a FILE, or --of a query that there is")
    if of is not None and title is None:
        raise click.UsageError("--of needs a --title")
    if of is None and (params or title or question):
        raise click.UsageError("--param, --title and --question belong to --of: a FILE has its own")
    with client(data_dir, False) as ag:
        if file is not None:
            found = ag.queries.save(name, _read(file, file.name))
        else:
            found = ag.queries.save_as(name, str(of), _given(params), title=str(title), question=question)
    click.echo(f"saved query {name!r}: {found.question}", err=True)


@query.command()
@click.argument("name")
@data_dir_option
def remove(name: str, data_dir: str | None) -> None:
    """Remove a query that somebody keeps; those of the package stay."""
    with client(data_dir, False) as ag:
        ag.queries.remove(name)
    click.echo(f"removed query {name!r}", err=True)


@query.command()
@click.argument("kind", metavar="FORMAT", type=click.Choice(FORMATS))
@click.argument("file")
@data_dir_option
def export(kind: str, file: str, data_dir: str | None) -> None:
    """Write all saved queries, kept ones too, to FILE in the FORMAT of another tool.

    \b
    browser   a zip of saved scripts: drop the zip on Browser's page as it is
    guide     slides for Browser as one page: put it on a web server that Browser may ask, then `:guide URL` there
    style     colours of entity types and widths of scores for Browser (FILE.grass): drop the file on it
    neodash   a NeoDash 2.4 dashboard with a selector for each parameter: "Load dashboard" there
    bloom     a perspective with search phrases that draw: "Import perspective" there
    """
    with client(data_dir, False) as ag:
        count = ag.queries.export(kind, file, note=print_note)  # type: ignore[arg-type]  # click has checked it
    click.echo(f"colours and widths -> {file}" if kind == "style" else f"{count} queries -> {file}", err=True)


@query.command("run")
@click.argument("name")
@click.option("--param", "-p", "params", multiple=True, metavar="KEY=VALUE", help="A parameter; may be repeated.")
@show_query_option
@format_options
@data_dir_option
def run(name: str, params: tuple[str, ...], show_query: bool, **asked: Any) -> None:
    """Run a saved query on the current release, with READ access.

    \b
    audience-graph query run similar_services --param phrase=spa --param limit=5
    """
    with client(asked.pop("data_dir"), show_query) as ag:
        found = ag.query(name, **_given(params))
    print_answer(found, extra={"more": found.more} if found.more else None, **asked)
    for note in found.notes:
        print_note(note)


@query.command("cypher")
@click.argument("text")
@click.option("--param", "-p", "params", multiple=True, metavar="KEY=VALUE", help="A parameter, as JSON where it is that, else as text; may be repeated.")  # fmt: skip # noqa: E501
@click.option("--timeout", default=30.0, show_default=True, metavar="SECONDS", help="Stop the query after so long.")
@click.option("--max-rows", default=10_000, show_default=True, metavar="N", help="Bring no more rows.")
@show_query_option
@format_options
@data_dir_option
def cypher(text: str, params: tuple[str, ...], timeout: float, max_rows: int, show_query: bool, **asked: Any) -> None:
    """Run Cypher of your own: TEXT, or - to read it from the standard input.

    It is planned first, and refused unless all of it reads: no writes, no LOAD CSV, no procedures but those that only
    read. It runs once, never again by itself.

    \b
    audience-graph query cypher 'MATCH (e:Entity {type: $type}) RETURN e.name AS name LIMIT 5' -p type=brand
    """
    given = {key: _json_or_text(value) for key, value in _given(params).items()}
    if text == "-":
        text = _read(sys.stdin, "the standard input")
    with client(asked.pop("data_dir"), show_query) as ag:
        found = ag.cypher(text, given, timeout=timeout, max_rows=max_rows)
    print_answer(found, **asked)
    if found.more:
        print_note(f"there are more than {max_rows:,} rows (--max-rows)")


def _given(params: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in params:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--param")
        if key in given:
            raise click.BadParameter(f"{key} is given twice", param_hint="--param")
        given[key] = value
    return given


def _read(file: TextIO, name: str) -> str:
    try:
        return file.read()
    except UnicodeDecodeError as exc:
        raise click.ClickException(f"{name} is no UTF-8: {exc.reason} at byte {exc.start:,}") from exc


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _words(parameter: Any) -> str:
    return parameter.name if parameter.default is None else f"{parameter.name}={parameter.default}"
