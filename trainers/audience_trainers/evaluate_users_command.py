"""`audience-graph evaluate users` and `evaluate make-tasks`: who finds the users that a sentence asks for."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.config import find_home
from audience_graph.errors import ConfigError, NotFoundError

if TYPE_CHECKING:
    from audience_trainers.users.evaluate import Judged
    from audience_trainers.users.tasks.sets.writing import Made

__all__ = ["make_tasks", "users"]

DATA_VARIABLE = "AUDIENCE_GRAPH_SHARED_DATA"
CLEAR = "\r\033[K"  # back to the start of the line, and empty it


@click.command()
@click.option("--dataset", required=True, help="A folder with tasks.toml, or the name of a set (see make-tasks).")
@click.option(
    "--from",
    "data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=DATA_VARIABLE,
    help=f"Folder of data sets, for a set by name. [default: {DATA_VARIABLE}]",
)
@click.option("--tasks", "names", help="Comma-separated tasks. [default: all]")
@click.option(
    "--models", default="all", show_default=True, help="Comma-separated names, or all; zero_shot trains for minutes."
)
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Splits and fits: seeds 0, 1, ...")
@click.option("--replicates", type=click.IntRange(10), default=1_000, show_default=True, help="Bootstrap replicates.")
@click.option("--few", type=click.IntRange(1), default=5, show_default=True, help="Few-shot: so many of each label.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the user model (align.epochs=5), or of a row by its name (msdp.epochs=5); may be repeated.",
)
@click.option("--reference", default="bm25", show_default=True, help="The model that differences are taken against.")
@click.option(
    "--measure",
    type=click.Choice(["auc", "ks", "lift", "accuracy", "precision", "recall", "uplift"]),
    default="auc",
    show_default=True,
    help="What the table shows; --json has all.",
)
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for pictures of users and sentences by t-SNE; zero_shot must be among the models.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")
@data_dir_option
def users(
    dataset: str,
    data: Path | None,
    names: str | None,
    models: str,
    seeds: int,
    replicates: int,
    few: int,
    reference: str,
    measure: str,
    pictures: Path | None,
    as_json: bool,
    overrides: tuple[str, ...],
    data_dir: str | None,
) -> None:
    """Judge user targeting on tasks with a future window: AUC, KS, lift, accuracy, precision, recall, with intervals.

    Users are split 1:4. Cuts and labelled seeds come from the first part, numbers from the second; scorers read what
    was known at a task's cut. Intervals are 95 % bootstrap over users and seeds.

    \b
    audience-graph evaluate users --dataset online_retail --from data
    audience-graph evaluate users --dataset tasks/mine --models bm25,text_mean --tasks baby_food --json
    """
    from audience_trainers.users.evaluate import EvaluateOptions, choose_tasks, evaluate_users
    from audience_trainers.users.report import budget, to_json
    from audience_trainers.users.scoring import choose_models

    home = find_home(data_dir).path
    chosen = choose_models(models)
    choose_models(reference)
    if pictures is not None and "zero_shot" not in chosen:
        raise ConfigError("--pictures shows the space of zero_shot", hint="add zero_shot to --models")
    if dataset == "demo" and data is None and (home / "demo").is_dir():
        data = home / "demo"  # the world that `audience-graph demo` wrote
    folder = _folder(dataset, data, home / "tasks")
    options = EvaluateOptions(seeds, replicates, few, home / "text_vectors", reference, overrides, _say)
    if pictures is not None:
        from audience_trainers.users.pictures.cut import Pictures

        options = replace(options, at_cut=Pictures(pictures, few, progress=_say))
    judged = evaluate_users(folder, choose_tasks(folder, names), chosen, options)
    if as_json:
        print_json(to_json(dataset, judged, chosen, options))
    else:
        _print(judged, measure)
        shown = {name: budget(model, few) for name, model in chosen.items() if model.labels != "none"}
        if shown:
            click.echo("labels: " + ", ".join(f"{name} {told}" for name, told in shown.items()) + "; the others none")


@click.command(name="make-tasks")
@click.argument("name")
@click.option(
    "--from",
    "data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=DATA_VARIABLE,
    required=True,
    help=f"Folder of data sets, or of the one. [default: {DATA_VARIABLE}]",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder that gets a folder per set: events, users, entities and tasks.toml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")
def make_tasks(name: str, data: Path, out: Path, as_json: bool) -> None:
    """Write a data set in the input contract, with its targeting tasks, to evaluate on. NAME may be all.

    \b
    audience-graph evaluate make-tasks online_retail --from data --out tasks
    audience-graph evaluate make-tasks all --from data --out tasks
    """
    from audience_trainers.users.tasks.sets.writing import SETS, make_tasks

    made = []
    for one in SETS if name == "all" else [name]:
        try:
            made.append(make_tasks(one, data, out / one))
        except NotFoundError as exc:
            if name != "all":
                raise
            click.echo(f"{one} is left out: {exc.message}", err=True)
    if not made:
        raise NotFoundError(f"no data set in {data}", hint=f"sets: {', '.join(SETS)}")
    rows = [row for one in made for row in _task_rows(one)]
    if as_json:
        print_json(rows)
    else:
        print_rows(rows, columns=list(rows[0]))


def _task_rows(made: Made) -> list[dict[str, object]]:
    return [
        {
            "set": made.name,
            "users": made.users,
            "events": made.events,
            "task": task,
            "eligible": eligible,
            "positives": positives,
            "share": round(positives / eligible, 4),
        }
        for task, (eligible, positives) in made.tasks.items()
    ]


def _folder(dataset: str, data: Path | None, kept: Path) -> Path:
    """Return the folder of a data set: the one named, or the set of that name, written anew under the data folder."""
    from audience_trainers.users.tasks.sets.writing import SETS, make_tasks

    if dataset not in SETS:
        if not Path(dataset).is_dir():
            raise NotFoundError(f"no folder and no set {dataset!r}", hint=f"sets: {', '.join(SETS)}")
        return Path(dataset)
    if data is None:
        raise ConfigError(f"where is {dataset}?", hint=f"name the folder of data sets: --from, or {DATA_VARIABLE}")
    make_tasks(dataset, data, kept / dataset)
    return kept / dataset


def _print(judged: dict[str, Judged], measure: str) -> None:
    from audience_trainers.users.report import domain_rows, table_rows

    rows = table_rows(judged, measure)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    rows += domain_rows(judged, measure)
    click.echo(f"{measure}, mean over seeds (95 % interval)")
    print_rows(rows, columns=columns)
    for note in dict.fromkeys(found.task.note for found in judged.values() if found.task.note):
        click.echo(f"sample: {note}")
    reasons = {(model, why) for found in judged.values() for model, why in found.left_out.items()}
    for model, why in sorted(reasons):
        click.echo(f"left out: {model}: {why}", err=True)


def _say(step: str, done: int, total: int) -> None:
    click.echo(f"{CLEAR if sys.stderr.isatty() else ''}[{done}/{total}] {step}", err=True)
