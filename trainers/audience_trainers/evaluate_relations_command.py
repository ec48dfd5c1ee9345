"""`audience-graph evaluate relations`: Table II, on a folder or on the live graph."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.config import find_connections, find_home

if TYPE_CHECKING:
    from audience_trainers.relations.linkpred.evaluate import Compared
    from audience_trainers.relations.linkpred.report import Negatives
    from audience_trainers.relations.linkpred.task import LinkTask

__all__ = ["relations"]

CLEAR = "\r\033[K"  # back to the start of the line, and empty it


@click.command()
@click.argument("path", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--from-store", is_flag=True, help="Take the relations of the current release instead of PATH.")
@click.option(
    "--sample",
    "samples",
    type=click.FloatRange(0, 1, min_open=True),
    multiple=True,
    help="With --from-store: a sample with this share of the entities; may be repeated. [default: all of them]",
)
@click.option(
    "--truth",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Parquet with source_id, target_id[, grade] of true pairs: gives ACC. [default: PATH/truth.parquet, if any]",
)
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
    from_store: bool,
    samples: tuple[float, ...],
    truth: Path | None,
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

    PATH holds edges.parquet, linkpred_split.parquet and, if there are any, features.npz. With --from-store 10 % of the
    current relations are the test, and the rest is for training. A model's setting is chosen on validation. The model
    fastrp asks Neo4j, and starts the embedded servers when they are down.

    \b
    audience-graph evaluate relations data/amazon_photo --models walk,deepwalk --seeds 5
    audience-graph evaluate relations data/amazon_photo --negatives both --out results --json
    audience-graph evaluate relations --from-store --sample 0.5 --sample 0.2 --truth truth/relations.parquet
    """
    from audience_trainers.relations.linkpred.evaluate import EvaluateOptions, evaluate_models
    from audience_trainers.relations.linkpred.models import choose_models
    from audience_trainers.relations.linkpred.read import read_task
    from audience_trainers.relations.linkpred.report import write_results
    from audience_trainers.run import choose_device

    _check_source(path, from_store, samples)
    chosen = choose_models(models)
    choose_models(reference)
    plan = EvaluateOptions(seeds=seeds, device=choose_device(device), tune=tune, folder=out, data_dir=data_dir)
    options = replace(plan, lenient=models == "all", progress=_say, inside=_pass_by)
    tasks = _stored(samples, truth, data_dir) if path is None else {"": read_task(path, truth=truth)}
    with _saying_where(out):
        compared = {name: evaluate_models(task, chosen, options) for name, task in tasks.items()}
    told = _told(compared, cast("Negatives", negatives), reference, sampled=bool(samples))
    if out is not None:
        write_results(out, list(compared.values()), told)
    if as_json:
        print_json(told)
    else:
        _print_tables(compared, negatives, reference)


def _told(compared: Mapping[str, Compared], negatives: Negatives, reference: str, *, sampled: bool) -> dict[str, Any]:
    """Return what `--json` prints: of the one task, or of each sample by its name."""
    from audience_trainers.relations.linkpred.report import to_json

    every = {name: to_json(found, negatives, reference=reference) for name, found in compared.items()}
    return {"samples": every} if sampled else every[""]


def _check_source(path: Path | None, from_store: bool, samples: Sequence[float]) -> None:
    if (path is None) != from_store or (samples and not from_store):
        raise click.UsageError("name a folder, or ask for --from-store (with --sample or without)")


@contextmanager
def _saying_where(out: Path | None) -> Iterator[None]:
    """When a person stops it, say where the finished fits are."""
    try:
        yield
    except KeyboardInterrupt:
        if out is not None:
            click.echo(f"stopped; finished fits are in {out}, the same command goes on from there", err=True)
        raise


def _stored(samples: Sequence[float], truth: Path | None, data_dir: str | None) -> dict[str, LinkTask]:
    """Return the task of the live graph by the name of its sample, `` for all of it."""
    from audience_trainers.relations.linkpred.from_store import read_stored_graph, stored_task

    home = find_home(data_dir)
    graph = read_stored_graph(home, find_connections(home), progress=_pass_by)
    if not samples:
        return {"": stored_task(graph, truth=truth)}
    return {f"{ratio:g}": stored_task(graph, ratio=ratio, truth=truth) for ratio in samples}


def _print_tables(compared: Mapping[str, Compared], negatives: str, reference: str) -> None:
    from audience_trainers.relations.linkpred.report import MEASURES, table_rows

    kinds = ["random", "hard"] if negatives == "both" else [negatives]
    for name, found in compared.items():
        for kind in kinds:
            if name or len(kinds) > 1:
                click.echo(f"{kind} negatives{f', sample {name}' if name else ''}")
            rows = table_rows(found, kind, reference=reference)
            columns = ["model", *(m for m in MEASURES if any(m in row for row in rows)), "fits"]
            columns += [column for column in (f"auc - {reference}",) if any(column in row for row in rows)]
            print_rows(rows, columns=columns)


def _say(step: str, done: int, total: int) -> None:
    """Show a finished fit as a line."""
    click.echo(f"{CLEAR if sys.stderr.isatty() else ''}[{done}/{total}] {step}", err=True)


def _pass_by(step: str, done: int, total: int) -> None:
    """Show a step inside something larger to a person at a terminal, each over the last."""
    if sys.stderr.isatty():
        click.echo(f"{CLEAR}{step} {done:,}/{total:,}", err=True, nl=False)
