"""Saved queries, and one's own: `query list`, `query run NAME --param key=value`, `query cypher TEXT`."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.ask_options import show_query_option
from audience_graph.cli.options import data_dir_option, format_options, print_rows


@click.group()
def query() -> None:
    """Run saved Cypher queries by name, or one of your own."""


@query.command("list")
@format_options
def list_(as_json: bool, as_csv: bool) -> None:
    """List the saved queries, the question that each answers, and its parameters.

    \b
    audience-graph query list
    """
    from audience_graph.saved.definition import saved_queries

    rows = [
        {"name": s.name, "question": s.question, "parameters": ", ".join(_words(p) for p in s.parameters)}
        for s in saved_queries()
    ]
    print_rows(rows, columns=["name", "question", "parameters"], as_json=as_json, as_csv=as_csv)


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
    print_answer(found, **asked)


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
        text = sys.stdin.read()
    with client(asked.pop("data_dir"), show_query) as ag:
        found = ag.cypher(text, given, timeout=timeout, max_rows=max_rows)
    print_answer(found, **asked)
    if found.more:
        click.echo(f"Note: there are more than {max_rows:,} rows (--max-rows)", err=True)


def _given(params: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for text in params:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--param")
        given[key] = value
    return given


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _words(parameter: Any) -> str:
    return parameter.name if parameter.default is None else f"{parameter.name}={parameter.default}"
