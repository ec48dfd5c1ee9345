"""`audience-graph users pairs`: what the user model will read, to look at."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from audience_graph.cli.options import data_dir_option, print_json
from audience_graph.config import find_home

if TYPE_CHECKING:
    from audience_graph.ingest.engines import Engine
    from audience_trainers.users.source import Source

__all__ = ["pairs"]


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for pairs.parquet.")
@click.option("--horizon", type=int, default=14, show_default=True, help="Days that a description tells of, from t1.")
@click.option("--step", type=int, default=7, show_default=True, help="Days between two training cuts.")
@click.option("--history", type=int, default=30, show_default=True, help="Days before t1 in which a user has an event.")
@click.option("--first", default="", metavar="DAY", help="Earliest t1. [default: a week after the first event]")
@click.option("--last", default="", metavar="DAY", help="Latest t1. [default: the last whose window is known]")
@click.option("--test-cuts", type=int, default=1, show_default=True, help="How many of the last cuts are for the test.")
@click.option("--present", is_flag=True, help="Describe the history instead of the future (an ablation).")
@click.option("--family", "families", multiple=True, metavar="CHANNEL=FAMILY", help="CHANNEL is purchase, browse, search, click or payment. Repeatable.")  # fmt: skip # noqa: E501
@click.option("--link/--no-link", default=True, show_default=True, help="Find entities in texts by name and alias.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change another setting; may be repeated.")
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Where facts are found.")  # fmt: skip # noqa: E501
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=7, show_default=True, help="Repeats the sentences.")
@click.option(
    "--show", type=click.IntRange(0, 1_000), default=10, show_default=True, help="Print so many descriptions."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of text.")
@data_dir_option
def pairs(
    folder: Path | None,
    out: Path | None,
    horizon: int,
    step: int,
    history: int,
    first: str,
    last: str,
    test_cuts: int,
    present: bool,
    families: tuple[str, ...],
    link: bool,
    overrides: tuple[str, ...],
    engine: str,
    seed: int,
    show: int,
    as_json: bool,
    data_dir: str | None,
) -> None:
    """Make forecastable pairs: what users did up to t1, and a sentence about what they do from t1 to t2.

    FOLDER holds events.parquet, .csv or .jsonl, and users and entities where there are any, in the forms that `load`
    takes. Without FOLDER the loaded events are read, and the servers asked for the names of entities.

    \b
    audience-graph users pairs world --show 10
    audience-graph users pairs world --horizon 28 --step 7 --test-cuts 0 --out pairs
    audience-graph users pairs --family coupon=purchase --set describe.when=0.5 --out pairs --json
    """
    from audience_trainers.run import resolve_config
    from audience_trainers.users.pairs.build import PairsConfig
    from audience_trainers.users.pairs.families import FamilyMap
    from audience_trainers.users.pairs.write import PairsOutput, make_pairs

    windows = {"horizon_days": horizon, "step_days": step, "history_days": history, "first": first, "last": last,
               "test_cuts": test_cuts, "present": present}  # fmt: skip
    given = [f"windows.{name}={value}" for name, value in windows.items()]
    config = resolve_config(PairsConfig, [*given, f"link={link}", *overrides])
    chosen = FamilyMap.parse(families)
    output = PairsOutput(folder=out, seed=seed, show=show)
    with _opened(folder, "spark" if engine == "spark" else "duckdb", data_dir) as source:
        found = make_pairs(source, config, output, families=chosen, progress=_say)
    if as_json:
        print_json(found)
        return
    for sentence in found["shown"]:
        click.echo(sentence)
    counted = ", ".join(f"{n:,} {name}" for name, n in found["pairs"].items())
    place = f" -> {found['out']}" if out is not None else ""
    click.echo(f"{counted} pairs of {found['users']:,} users at {len(found['cuts'])} cuts{place}", err=True)


def _opened(folder: Path | None, engine: Engine, data_dir: str | None) -> AbstractContextManager[Source]:
    from audience_trainers.users.source import open_folder, open_home

    if folder is not None:
        return open_folder(folder, engine=engine)
    return open_home(find_home(data_dir), engine=engine)


def _say(step: str, done: int, total: int) -> None:
    click.echo(f"{step}: {done:,}/{total:,}", err=True)
