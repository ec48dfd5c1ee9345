"""Saved queries: `query list`, `query run NAME --param key=value`."""

from __future__ import annotations

from typing import Any

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.ask_options import show_query_option
from audience_graph.cli.options import data_dir_option, format_options, print_rows


@click.group()
def query() -> None:
    """Run saved Cypher queries by name."""


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
    given: dict[str, str] = {}
    for text in params:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--param")
        given[key] = value
    with client(asked.pop("data_dir"), show_query) as ag:
        found = ag.query(name, **given)
    print_answer(found, **asked)


def _words(parameter: Any) -> str:
    return parameter.name if parameter.default is None else f"{parameter.name}={parameter.default}"
