"""`audience-graph users tune | prompts | forget`: sentences tuned on a few seed users, kept by name."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.config import find_connections, find_home
from audience_graph.errors import InputError

if TYPE_CHECKING:
    from audience_trainers.users.prompt.in_space import Tuned

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("name")
@click.argument("sentence")
@click.option("--positive", "positives", multiple=True, metavar="USER", help="A user who is meant; may be repeated.")
@click.option("--negative", "negatives", multiple=True, metavar="USER", help="One who is not; may be repeated.")
@click.option("--positive-file", type=_FILE, help="File of users who are meant, one id a line.")
@click.option("--negative-file", type=_FILE, help="File of users who are not, one id a line.")
@click.option(
    "--hard", type=int, default=0, show_default=True, help="So many users near the sentence are negatives too."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
@click.option("--text-space", default=None, help="User-text space to tune in. [default: the current release's]")
@_JSON
@data_dir_option
def tune(
    name: str,
    sentence: str,
    positives: tuple[str, ...],
    negatives: tuple[str, ...],
    positive_file: Path | None,
    negative_file: Path | None,
    hard: int,
    overrides: tuple[str, ...],
    text_space: str | None,
    as_json: bool,
    data_dir: str | None,
) -> None:
    """Tune SENTENCE on a few seed users and keep it as NAME, to be used like a sentence: target NAME --method sentence.

    The seeds are left out of what it chooses. Whether they tell anything is measured on seeds left out in turn, and
    said; seeds that do not separate leave the sentence as it is.

    \b
    audience-graph users tune runners "people who will buy running shoes" --positive u12 --negative u7 --hard 5
    audience-graph users tune runners "people who will buy running shoes" \\
        --positive-file converted.txt --negative-file shown.txt
    """
    from audience_trainers.run import resolve_config
    from audience_trainers.users.prompt.config import PromptConfig
    from audience_trainers.users.prompt.in_space import Seeds, tune_in_space

    home = find_home(data_dir)
    connections = find_connections(home)
    seeds = Seeds(
        name,
        sentence,
        tuple(dict.fromkeys([*positives, *_lines(positive_file)])),
        tuple(dict.fromkeys([*negatives, *_lines(negative_file)])),
        config=resolve_config(PromptConfig, [f"hard={hard}", *overrides]),
    )
    _print(tune_in_space(connections, text_space, seeds, runs=home.runs), seeds.name, as_json)


def _print(found: Tuned, name: str, as_json: bool) -> None:
    verdict = found.prompt.verdict
    row = {
        "prompt": name,
        "space": found.space,
        "verdict": verdict.kind,
        "auc": None if isnan(verdict.auc) else round(verdict.auc, 3),
        "sentence_auc": None if isnan(verdict.plain) else round(verdict.plain, 3),
        "weight": found.prompt.weight,
        "leaned": found.prompt.leaned,
    }
    if found.without_vector:
        click.echo(f"without a vector in the space: {', '.join(found.without_vector[:10])}", err=True)
    if as_json:
        print_json(row | {"reason": verdict.reason, "without_vector": list(found.without_vector)})
        return
    click.echo(verdict.reason, err=True)
    print_rows([row], columns=list(row))


@click.command()
@_JSON
@data_dir_option
def prompts(as_json: bool, data_dir: str | None) -> None:
    """List the tuned prompts, by name.

    \b
    audience-graph users prompts
    """
    from audience_graph.user_text.prompts import read_prompts
    from audience_graph.vectors.store import open_store

    with open_store(find_connections(find_home(data_dir))).transaction(read_only=True) as tx:
        found = read_prompts(tx)
    rows = [
        {"prompt": one.name, "sentence": one.sentence, "space": one.space, "verdict": one.verdict.get("kind"),
         "auc": one.verdict.get("auc"), "created": str(one.created_at)[:19]}
        for one in found
    ]  # fmt: skip
    if as_json:
        print_json(rows)
    elif rows:
        print_rows(rows, columns=list(rows[0]))
    else:
        click.echo("no prompt yet: audience-graph users tune --help", err=True)


@click.command()
@click.argument("name")
@data_dir_option
def forget(name: str, data_dir: str | None) -> None:
    """Forget a tuned prompt, and which users it was tuned on.

    \b
    audience-graph users forget runners
    """
    from audience_graph.user_text.prompts import delete_prompt
    from audience_graph.vectors.store import open_store

    with open_store(find_connections(find_home(data_dir))).transaction() as tx:
        delete_prompt(tx, name)
    click.echo(f"forgot {name}", err=True)


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not UTF-8 text", hint="one user id a line") from exc
