"""`audience-graph evaluate relations`: Table II, on a folder or on the live graph."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows

if TYPE_CHECKING:
    from audience_trainers.relations.linkpred.evaluate import Compared
    from audience_trainers.relations.linkpred.report import Negatives

__all__ = ["relations"]

CLEAR = "\r\033[K"  # back to the start of the line, and empty it


@click.command()
@click.argument("path", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--models", default="all", show_default=True, help="Comma-separated names, or all.")
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Fits per model: seeds 0, 1, ...")
@click.option(
    "--negatives",
    type=click.Choice(["random", "hard", "both"]),
    default="random",
    show_default=True,
    help="Test against random strangers, near ones, or both.",
)
@click.option("--tune/--no-tune", default=True, show_default=True, help="Choose each model's setting on validation.")
@click.option("--reference", default="alpc", show_default=True, help="The model that differences are taken against.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for results.json, results.csv and finished fits; the same command goes on from it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")
@data_dir_option
def relations(
    path: Path | None,
    models: str,
    seeds: int,
    negatives: str,
    tune: bool,
    reference: str,
    device: str,
    out: Path | None,
    as_json: bool,
    data_dir: str | None,
) -> None:
    """Compare link-prediction models on one split: AUC, AP, Hits@K, mean and 95% interval over seeds.

    PATH holds edges.parquet, linkpred_split.parquet and, if there are any, features.npz.

    \b
    audience-graph evaluate relations data/amazon_photo --models walk,deepwalk --seeds 5
    audience-graph evaluate relations data/amazon_photo --negatives both --out results --json
    """
    from audience_trainers.relations.linkpred.evaluate import EvaluateOptions, evaluate_models
    from audience_trainers.relations.linkpred.models import choose_models
    from audience_trainers.relations.linkpred.read import read_task
    from audience_trainers.relations.linkpred.report import REFERENCE, to_json, write_results
    from audience_trainers.run import choose_device

    if path is None:
        raise click.UsageError("name a folder")
    chosen = choose_models(models)
    if reference != REFERENCE:
        choose_models(reference)
    options = EvaluateOptions(
        seeds=seeds,
        device=choose_device(device),
        tune=tune,
        folder=out,
        lenient=models == "all",
        data_dir=data_dir,
        progress=_say,
    )
    compared = evaluate_models(read_task(path), chosen, options)
    kind = cast("Negatives", negatives)
    told = to_json(compared, kind, reference=reference)
    if out is not None:
        write_results(out, compared, told)
    if as_json:
        print_json(told)
    else:
        _print_tables(compared, ["random", "hard"] if negatives == "both" else [negatives], reference)


def _print_tables(compared: Compared, kinds: Sequence[str], reference: str) -> None:
    from audience_trainers.relations.linkpred.report import MEASURES, table_rows

    for kind in kinds:
        if len(kinds) > 1:
            click.echo(f"{kind} negatives")
        rows = table_rows(compared, kind, reference=reference)
        columns = ["model", *(m for m in MEASURES if any(m in row for row in rows)), "fits"]
        columns += [column for column in (f"auc - {reference}",) if any(column in row for row in rows)]
        print_rows(rows, columns=columns)


def _say(step: str, done: int, total: int) -> None:
    """Show finished fits as lines; steps inside a fit only to a person at a terminal, on one line."""
    person = sys.stderr.isatty()
    if " seed " in step or "not measured" in step:
        click.echo(f"{CLEAR if person else ''}[{done}/{total}] {step}", err=True)
    elif person:
        click.echo(f"{CLEAR}{step} {done:,}/{total:,}", err=True, nl=False)
