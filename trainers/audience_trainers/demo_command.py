"""`audience-graph demo`: the whole loop on a generated world, told to a reader or as one JSON object."""

from __future__ import annotations

import shlex
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audience_graph.cli.options import data_dir_option, print_json
from audience_graph.config import find_home
from audience_graph.demo import FUTURE_DAYS
from audience_graph.demo.evaluation import summary
from audience_graph.demo.sizes import SIZES
from audience_trainers.demo_loop import DemoOptions, DemoResult, run_demo
from audience_trainers.demo_story import print_story

__all__ = ["demo"]

RANKINGS = (
    ("this release", "lift_median"),
    ("most active users, by events", "lift_most_events"),
    ("most active users, by distinct entities", "lift_most_entities"),
    ("chance", "lift_random"),
    ("their hidden interests (best possible)", "lift_oracle"),
)


@click.command()
@click.option("--size", type=click.Choice(list(SIZES)), default="small", show_default=True, help="Small: 5,000 users.")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Another seed, another world.")
@click.option("--phrase", help="Phrase to answer. [default: one of the world's service phrases]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else there.")
@data_dir_option
def demo(size: str, seed: int, phrase: str | None, as_json: bool, data_dir: str | None) -> None:
    """Generate a world whose truth is known, and run the whole loop on it.

    Starts the servers, loads entities, users and events, mines relations, publishes them, answers a phrase, and
    compares with what was planted. Safe to run again; refuses a folder that holds other data.

    \b
    audience-graph demo
    audience-graph demo --size medium --data-dir ./demo-medium
    audience-graph demo --json > result.json
    """
    home = find_home(data_dir)
    with redirect_stdout(sys.stderr):
        found = run_demo(home, DemoOptions(size, seed, phrase), tell=lambda text: click.echo(text, err=True))
    if as_json:
        print_json(found.to_dict())
    else:
        print_result(found, data_dir)


def print_result(found: DemoResult, data_dir: str | None) -> None:
    """Print what the demo found, how good it is, and where to look next."""
    console = Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 120, highlight=False)
    counts = found.counts
    console.print(
        f"\n[bold]World[/bold] {found.world['size']}, seed {found.world['seed']}: {counts['entities']:,} entities, "
        f"{counts['users']:,} users, {counts['events']:,} events before {found.world['as_of']}"
    )
    console.print(
        f"[bold]Release {found.release.id}[/bold], version {found.release.version}: {counts['relations']:,} relations, "
        f"{counts['scored_users']:,} users with a vector"
    )
    print_story(console, found.story)
    console.print("\n[bold]Against the planted truth[/bold]")
    console.print(_quality(found))
    console.print(
        f"\nLift: how much more often the best 5 % of users turn to what the phrase asks for in the next "
        f"{FUTURE_DAYS} days\nthan users on average do (1 = no better than chance; "
        f"median of {len(found.lifts)} phrases)"
    )
    console.print(_lifts(found))
    console.print(f"\n[bold]Seconds[/bold]: {', '.join(f'{name} {took:.1f}' for name, took in found.stages.items())}")
    console.print(f"\n[bold]Where to look[/bold]\n{escape(_next_steps(found, data_dir))}")


def _quality(found: DemoResult) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("relations")
    table.add_column("share", justify="right")
    table.add_column("meaning")
    relations = found.relations
    table.add_row("precision", f"{relations.precision:.3f}", f"of the {relations.found:,} found, so many were planted")
    table.add_row("recall", f"{relations.recall:.3f}", f"of the {relations.true:,} planted, so many were found")
    return table


def _lifts(found: DemoResult) -> Table:
    """Return the rankings of users side by side, the medians over phrases."""
    lifts, table = summary(found.lifts), Table(show_edge=False, pad_edge=False)
    table.add_column("users ranked by")
    table.add_column("lift", justify="right")
    for ranking, key in RANKINGS:
        table.add_row(ranking, f"{lifts[key]:.2f}")
    return table


def _next_steps(found: DemoResult, data_dir: str | None) -> str:
    phrase = found.story.phrase
    folder = "" if data_dir is None else f' --data-dir "{data_dir}"'
    browser = found.browser or "the Browser of your Neo4j"
    password = f"user and password: {found.home / 'stack' / 'connection.json'}"
    return "\n".join(
        (
            f"  {command_name()} console{folder}   (the page for marketers; type {phrase!r})",
            f"  {browser}   ({password})",
            f"      CALL audience.picture(['{phrase}'], {{hops: 2}})",
            f'  {command_name()} expand "{phrase}" --hops 2{folder}',
            f'  {command_name()} target "{phrase}" --size 1000 --out users.parquet{folder}',
            f"  {command_name()} release list{folder}",
            f"  {command_name()} down{folder}",
        )
    )


def command_name() -> str:
    """Return what to type for `audience-graph` here: its bare name when the shell finds it, else where it lies."""
    installed = Path(sys.executable).parent / "audience-graph"
    found = shutil.which("audience-graph")
    if not installed.exists() or (found is not None and Path(found).resolve() == installed.resolve()):
        return "audience-graph"
    inside = installed.is_relative_to(Path.cwd())
    return shlex.quote(str(installed.relative_to(Path.cwd()) if inside else installed))
