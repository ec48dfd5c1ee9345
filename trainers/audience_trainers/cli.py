"""Commands that the trainers add to `audience-graph`."""

from __future__ import annotations

from datetime import datetime
from typing import cast

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.cli.terms import terms_of, terms_options
from audience_graph.config import Connections, Home, find_connections, find_home
from audience_graph.errors import GateError
from audience_graph.ingest.engines import Engine
from audience_graph.release import Release, Terms, notes
from audience_trainers.push import publish_release, stage_run
from audience_trainers.relations.config import MineConfig
from audience_trainers.relations.mine import MineOptions, mine_week
from audience_trainers.run import RunFolder, resolve_config

__all__ = ["mine"]


@click.command()
@click.option("--week", help="ISO week of the version, e.g. 2026-W30. [default: the week of the last day]")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day that is read. [default: the Sunday of --week, else the last day with an event; at most today]",
)
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="Where sequences are built.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=7, show_default=True, help="Repeats a run exactly.")
@click.option("--stage/--no-stage", default=True, show_default=True, help="Write the result to the stores.")
@click.option("--publish/--no-publish", default=True, show_default=True, help="Make the staged release current.")
@terms_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")
@data_dir_option
def mine(
    week: str | None,
    as_of: datetime | None,
    engine: str,
    overrides: tuple[str, ...],
    seed: int,
    stage: bool,
    publish: bool,
    gate: tuple[str, ...],
    force: bool,
    reason: str | None,
    as_json: bool,
    data_dir: str | None,
) -> None:
    """Mine a week's relations from the last 30 days of events.

    `--set days=60` takes another window; the release keeps it, for daily refreshes and explanations too. A version that
    is worse than the current one by a gate stays staged, and the command ends with 1.

    \b
    audience-graph mine
    audience-graph mine --week 2026-W30 --no-publish
    audience-graph mine --as-of 2026-07-26 --set top_co=80 --no-stage --json
    """
    terms = terms_of(gate, force, reason)
    config = resolve_config(MineConfig, overrides)
    home = find_home(data_dir)
    connections = find_connections(home)
    day = None if as_of is None else as_of.date()
    options = MineOptions(week=week, as_of=day, engine=cast("Engine", engine), seed=seed, config=config)
    run = mine_week(home, connections, options, progress=_say)
    row = _told(run)
    refused: GateError | None = None
    if stage:
        release = stage_run(home, connections, run, progress=_say)
        if publish:
            release, refused = _publish(home, connections, release, terms)
        row |= {"version": release.version, "status": release.status}
        for note in () if refused else notes(release):
            click.echo(note, err=True)
    if as_json:
        print_json(row | {"metrics": run.read_json("metrics")})
    else:
        print_rows([row], columns=list(row))
    if refused is not None:
        raise refused


def _told(run: RunFolder) -> dict[str, object]:
    """Return what a person wants to know of a run: where it is, and how much and how well it found."""
    row = {"run_id": run.run_id, "folder": str(run.path), "week": run.week, "as_of": run.as_of.isoformat()}
    metrics = run.read_json("metrics")
    row |= {key: metrics[key] for key in ("entities", "candidates", "relations")}
    return row | {key: metrics[key] for key in ("held_out_auc", "validation_auc") if metrics.get(key) is not None}


def _publish(home: Home, connections: Connections, release: Release, terms: Terms) -> tuple[Release, GateError | None]:
    """Publish a staged release, or return it with the gate that refused it, to be told after what was mined."""
    try:
        return publish_release(connections, release, home=home, terms=terms, progress=_say), None
    except GateError as exc:
        return release, exc


def _say(step: str, done: int, total: int) -> None:
    if done == total or total <= 20:
        click.echo(f"{step}: {done:,}/{total:,}", err=True)
