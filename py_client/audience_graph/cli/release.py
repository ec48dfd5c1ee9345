"""`audience-graph release`: stage, publish, list, compare, roll back, retire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from audience_graph import release as releases
from audience_graph.cli.options import data_dir_option, format_options, print_json, print_rows
from audience_graph.cli.steps import Steps
from audience_graph.cli.terms import terms_of, terms_options
from audience_graph.config import Home, find_connections, find_home
from audience_graph.errors import AudienceGraphError, NotFoundError, ReleaseError, RunError
from audience_graph.graph.runner import Runner, open_runner
from audience_graph.vectors.store import Store, open_store

COLUMNS = ("id", "status", "version", "preference_space", "preference_as_of", "relations", "users", "published_at")
_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group()
def release() -> None:
    """Stage a mining run, publish it, look back, roll back, retire.

    A RELEASE is its number, its version (2026-W30-1a2b3c4d), the version's hash (1a2b3c4d) or a week (2026-W30).

    \b
    audience-graph release stage
    audience-graph release publish 2026-W30
    audience-graph release diff 2026-W29 2026-W30
    """


@release.command()
@click.argument("run", required=False)
@data_dir_option
@_json_option
def stage(run: str | None, data_dir: str | None, as_json: bool) -> None:
    """Write a finished mining run to both stores; publish nothing.

    RUN is a run's id or its folder. [default: the newest finished run]. Staging the same content again changes
    nothing; a staging that was killed goes on.
    """
    home = find_home(data_dir)
    folder = _run_folder(home, run)
    with _opened(home) as (runner, store), Steps() as steps:
        found = releases.stage(runner, store, folder, warehouse=home.warehouse, home=home, progress=steps)
    _show(found, "staged", as_json)


@release.command()
@click.argument("release", required=False)
@click.option(
    "--keep-weeks",
    default=releases.RETENTION_WEEKS,
    show_default=True,
    type=click.IntRange(min=0),
    help="Retire versions of older weeks afterwards, in the background; 0 keeps all.",
)
@terms_options
@data_dir_option
@_json_option
def publish(
    release: str | None,
    keep_weeks: int,
    gate: tuple[str, ...],
    force: bool,
    reason: str | None,
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Make a release current, in one step. [default: the newest staged one]

    A version that is worse than the current one stays staged: its validation AUC or its coverage (share of entities
    with relations) fell, or its number of relations changed, by more than a gate lets pass. The environment variable
    AUDIENCE_GRAPH_GATES holds other limits, with spaces between them.

    \b
    audience-graph release publish 2026-W30 --gate auc_drop=0.02 --gate relation_change=off
    audience-graph release publish 2026-W30 --force --reason "the dictionary was halved"
    """
    terms = terms_of(gate, force, reason)
    home = find_home(data_dir)
    with _opened(home) as (runner, store), Steps() as steps:
        name = release if release is not None else _newest(store)
        found, going = releases.publish_and_retire(
            runner,
            store,
            name,
            connections=find_connections(home),
            home=home,
            weeks=keep_weeks,
            terms=terms,
            progress=steps,
        )
    _show(found, "current", as_json)
    for note in releases.notes(found):
        click.echo(note, err=True)
    _tell_background(home, going)


@release.command()
@click.argument("release", required=False)
@data_dir_option
@_json_option
def rollback(release: str | None, data_dir: str | None, as_json: bool) -> None:
    """Make an older release current again. [default: the version that was current before this one]

    User vectors are kept for the latest day of a version, so this goes back to another version, not to yesterday's
    user vectors.
    """
    with _opened(find_home(data_dir)) as (runner, store), Steps() as steps:
        found = releases.rollback(runner, store, release, progress=steps)
    _show(found, "current", as_json)


@release.command("list")
@click.option("--all", "show_all", is_flag=True, help="Show retired releases too.")
@data_dir_option
@format_options
def list_(show_all: bool, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Show releases, newest first.

    `retiring` is one that is being deleted; if that stopped, the next publish goes on with it.
    """
    with _opened(find_home(data_dir)) as (_, store):
        found = [r for r in releases.list_releases(store) if show_all or r.status != "retired"]
    columns = (*COLUMNS, "reason", "gates") if as_json else COLUMNS
    print_rows([_row(r) for r in found], columns=columns, as_json=as_json, as_csv=as_csv)


@release.command()
@click.argument("release", required=False)
@data_dir_option
@_json_option
def show(release: str | None, data_dir: str | None, as_json: bool) -> None:
    """Show all that is known of a release: counts, metrics, gates, why it was forced. [default: the current one]"""
    with _opened(find_home(data_dir)) as (_, store):
        found = releases.current(store) if release is None else releases.find(store, release)
    if as_json:
        print_json(asdict(found))
    else:
        print_rows([{"field": name, "value": value} for name, value in _told(found)], columns=("field", "value"))


@release.command()
@click.argument("before")
@click.argument("after")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(min=0), help="Relations to list.")
@data_dir_option
@_json_option
def diff(before: str, after: str, limit: int, data_dir: str | None, as_json: bool) -> None:
    """Compare the relations of two releases: counts, and the largest changes of score."""
    with _opened(find_home(data_dir)) as (runner, store):
        found = releases.diff(runner, store, before, after, limit=limit)
    if as_json:
        print_json(asdict(found))
        return
    click.echo(
        f"{found.before} -> {found.after}: {found.added:,} added, {found.removed:,} removed, "
        f"{found.changed:,} changed, {found.unchanged:,} unchanged",
        err=True,
    )
    print_rows([asdict(c) for c in found.changes], columns=("kind", "source", "target", "before", "after"))


@release.command()
@click.argument("versions", metavar="[VERSION]...", nargs=-1)
@click.option("--expired", "older", is_flag=True, help="Retire every version past retention instead.")
@click.option(
    "--keep-weeks", default=releases.RETENTION_WEEKS, show_default=True, type=click.IntRange(min=1), help="Retention."
)
@click.option("--background", is_flag=True, help="Return at once; a process of its own deletes, see logs/retire.log.")
@data_dir_option
@_json_option
def retire(
    versions: tuple[str, ...], older: bool, keep_weeks: int, background: bool, data_dir: str | None, as_json: bool
) -> None:
    """Delete versions' relations, vectors and tables; never the current one's. Goes on where it was stopped."""
    if bool(versions) == older:
        raise click.UsageError("name a VERSION, or give --expired")
    home = find_home(data_dir)
    with _opened(home) as (runner, store), Steps() as steps:
        names = releases.expired(store, weeks=keep_weeks) if older else [_version(store, v) for v in versions]
        if background:
            for name in names:
                releases.mark_retiring(runner, store, name)
            releases.retire_in_background(find_connections(home), names, home)
            _tell_background(home, names)
            return
        done, failed = _retire_each(runner, store, names, steps)
    if as_json:
        print_json([asdict(one) for one in done])
    else:
        print_rows([asdict(one) for one in done], columns=("version", "relations", "vectors"))
    if failed:
        raise failed[0]


def _retire_each(
    runner: Runner, store: Store, names: Sequence[str], steps: Steps
) -> tuple[list[releases.Retired], list[AudienceGraphError]]:
    """Retire what can be: one version that is in use does not keep the others."""
    done: list[releases.Retired] = []
    failed: list[AudienceGraphError] = []
    for name in names:
        try:
            done.append(releases.retire(runner, store, name, progress=steps))
        except (NotFoundError, ReleaseError) as exc:
            failed.append(exc)
    return done, failed


def _tell_background(home: Home, versions: Sequence[str]) -> None:
    for version in versions:
        click.echo(f"retiring {version} in the background, see {releases.log_of(home)}", err=True)


@contextmanager
def _opened(home: Home) -> Iterator[tuple[Runner, Store]]:
    connections = find_connections(home)
    with open_runner(connections) as runner:
        yield runner, open_store(connections)


def _run_folder(home: Home, run: str | None) -> Path:
    if run is not None:
        folder = home.runs / run
        return folder if folder.is_dir() else Path(run)
    done = [p.parent for p in home.runs.glob("*/done") if (p.parent / "relations.parquet").is_file()]
    if not done:
        raise RunError(f"no finished mining run in {home.runs}", hint="run `audience-graph mine`")
    return max(done, key=lambda folder: (folder / "done").stat().st_mtime_ns)


def _newest(store: Store) -> int:
    found = [r for r in releases.list_releases(store) if r.status not in {"retired", "retiring"}]
    if not found:
        raise RunError("nothing is staged", hint="run `audience-graph release stage`")
    return found[0].id


def _version(store: Store, name: str) -> str:
    """A version may be unfinished, and so without a release: a full version name is taken as it is."""
    return name if name.count("-") == 2 else releases.find(store, name).version


def _row(found: releases.Release) -> dict[str, Any]:
    return {**asdict(found), **found.counts}


def _told(found: releases.Release) -> Iterator[tuple[str, Any]]:
    """Yield name and value of every field; one line per count, metric and gate."""
    for name, value in asdict(found).items():
        if name == "gates":
            for check in releases.checks_of(found):
                yield f"gate {check.gate}", str(check) + ("" if check.passed is not False else ": refused")
        elif isinstance(value, Mapping):
            yield from ((f"{name} {key}", json.dumps(v) if isinstance(v, dict) else v) for key, v in value.items())
        else:
            yield name, value


def _show(found: releases.Release, state: str, as_json: bool) -> None:
    if as_json:
        print_json(asdict(found))
    else:
        click.echo(f"release {found.id} is {state}: version {found.version}, user vectors of {found.preference_as_of}")
