"""`audience-graph users train | stage | publish | refresh | retire`: a user model and its space."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.cli.steps import Steps
from audience_graph.config import Home, find_connections, find_home
from audience_graph.errors import NotFoundError
from audience_trainers.users.commands.space import tell_retired, weight_of

_AS_OF = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last day that is read. [default: the last day with an event, at most today (UTC)]",
)
_KEEP = click.option(
    "--keep", type=click.IntRange(1), default=2, show_default=True, help="Published spaces to keep, this one included."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")


@click.command()
@_AS_OF
@click.option("--small", is_flag=True, help="A small model: minutes on a CPU. [default: one of the paper's size]")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=7, show_default=True, help="Repeats a run exactly.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True, help="Where.")
@click.option("--stage/--no-stage", default=True, show_default=True, help="Write all users' vectors to the store.")
@click.option("--publish/--no-publish", default=False, show_default=True, help="Make the space the current one.")
@_KEEP
@_JSON
@data_dir_option
def train(
    as_of: datetime | None,
    small: bool,
    overrides: tuple[str, ...],
    seed: int,
    device: str,
    stage: bool,
    publish: bool,
    keep: int,
    as_json: bool,
    data_dir: str | None,
) -> None:
    """Train users and sentences into one space on all loaded events, and stage the vectors of all users.

    A new model is a new space. Staged, it can be asked beside the current one: `target ... --text-space SPACE`. Stopped
    anywhere, the same command goes on from the last whole epoch.

    \b
    audience-graph users train --small --publish
    audience-graph users train --device cuda --set align.epochs=5 --json
    """
    from audience_trainers.push import publish_users, stage_users
    from audience_trainers.run import resolve_config
    from audience_trainers.users.config import SMALL, UsersConfig
    from audience_trainers.users.train_users import TrainUsersOptions, future_config, train_home

    home = find_home(data_dir)
    connections = find_connections(home)
    config = future_config(resolve_config(UsersConfig, [*(SMALL if small else ()), *overrides]))
    with Steps() as progress:
        options = TrainUsersOptions(_day(as_of), seed, device, config)
        run = train_home(home, connections, options, progress=progress)
        metrics = run.read_json("metrics")
        row: dict[str, object] = {"run_id": run.run_id, "as_of": run.as_of.isoformat(), "status": "trained"}
        row |= {name: metrics[name] for name in ("users", "events", "valid_loss")}
        if stage or publish:
            space, updated = stage_users(home, connections, run, as_of=run.as_of, progress=progress)
            row |= {"space": space.space, "dims": space.dims, "users": updated.users, "status": "staged"}
        if publish:
            found, retired = publish_users(home, connections, run.run_id, keep=keep, progress=progress)
            row |= {"release": found.id, "status": "current", "retired": list(retired.spaces)}
    if stage or publish:
        row |= weight_of(connections, str(row["space"]))
    if publish:
        tell_retired(retired)
    _print(row, as_json)


@click.command()
@click.argument("run")
@_AS_OF
@_JSON
@data_dir_option
def stage(run: str, as_of: datetime | None, as_json: bool, data_dir: str | None) -> None:
    """Write the vectors of all users that a trained RUN gives (its id, or its folder) into a space of their own.

    \b
    audience-graph users stage users-2026-W30-20260727T080000-1a2b
    """
    from audience_trainers.push import stage_users
    from audience_trainers.run import open_run

    home = find_home(data_dir)
    with Steps() as progress:
        found = open_run(_folder(home, run))
        space, updated = stage_users(home, find_connections(home), found, as_of=_day(as_of), progress=progress)
    _print({"space": space.space, "as_of": space.as_of.isoformat(), "computed": updated.recomputed,
            "dropped": updated.dropped, "users": updated.users,
            **weight_of(find_connections(home), space.space)}, as_json)  # fmt: skip


@click.command()
@click.argument("space")
@_KEEP
@_JSON
@data_dir_option
def publish(space: str, keep: int, as_json: bool, data_dir: str | None) -> None:
    """Make a staged SPACE (or the run that made it) the user-text space of the current release.

    Spaces that were published before are dropped then, all but the last ones; never one that is only staged, that a
    release of a kept week names, or that prompts were tuned in.

    \b
    audience-graph users publish text_2026_w30_1a2b3c4d
    audience-graph users publish text_2026_w30_1a2b3c4d --keep 3
    """
    from audience_trainers.push import publish_users

    home = find_home(data_dir)
    connections = find_connections(home)
    with Steps() as progress:
        found, retired = publish_users(home, connections, space, keep=keep, progress=progress)
    tell_retired(retired)
    _print({"release": found.id, "version": found.version, "space": found.user_text_space,
            "as_of": str(found.user_text_as_of), **weight_of(connections, str(found.user_text_space)),
            "retired": list(retired.spaces)}, as_json)  # fmt: skip


@click.command()
@_AS_OF
@click.option("--force", is_flag=True, help="Publish even if more than half of the users, or all, lose their vector.")
@_JSON
@data_dir_option
def refresh(as_of: datetime | None, force: bool, as_json: bool, data_dir: str | None) -> None:
    """Compute the vectors of users with anything new, by the current model, and publish them in one transaction.

    \b
    audience-graph users refresh
    audience-graph users refresh --as-of 2026-07-27
    """
    from audience_trainers.push import refresh_users

    home = find_home(data_dir)
    with Steps() as progress:
        found = refresh_users(home, find_connections(home), as_of=_day(as_of), force=force, progress=progress)
    updated = found.updated
    _print({"release": found.release.id, "space": found.release.user_text_space,
            "as_of": str(found.release.user_text_as_of), "computed": updated.recomputed, "dropped": updated.dropped,
            "users": updated.users}, as_json)  # fmt: skip


@click.command()
@click.argument("space")
@_JSON
@data_dir_option
def retire(space: str, as_json: bool, data_dir: str | None) -> None:
    """Drop a SPACE with its vectors, encoder and prompts; never one that a release still reads.

    \b
    audience-graph users retire text_2026_w29_0a0b0c0d
    """
    from audience_graph.release import retire_user_text
    from audience_graph.vectors.store import open_store

    found = retire_user_text(open_store(find_connections(find_home(data_dir))), space)
    _print({"space": found.space, "as_of": found.as_of.isoformat(), "status": "retired"}, as_json)


def _print(row: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(row)
    else:
        print_rows([row], columns=list(row))


def _day(value: datetime | None) -> date | None:
    return None if value is None else value.date()


def _folder(home: Home, run: str) -> Path:
    for path in (home.runs / run, Path(run)):
        if (path / "run.json").is_file():
            return path
    raise NotFoundError(f"no run {run!r}", hint=f"name a folder under {home.runs}")
