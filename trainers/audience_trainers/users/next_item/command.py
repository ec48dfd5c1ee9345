"""`audience-graph train next-item`."""

from __future__ import annotations

from pathlib import Path

import click

from audience_graph.cli.options import print_json, print_rows
from audience_graph.cli.steps import Steps

__all__ = ["next_item"]


@click.command(name="next-item")
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="RUN", help="Where the run goes.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=7, show_default=True, help="Repeats a run exactly.")
@click.option("--top", type=click.IntRange(1, 1_000), default=10, show_default=True, help="Items that a user gets.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def next_item(source: Path, out: Path, overrides: tuple[str, ...], seed: int, top: int, as_json: bool) -> None:
    """Train the behaviour encoder to tell what a user does next, and write that for every user.

    SOURCE is a folder with events; what is said of an event (its text, else its items) is the item. Each user's last
    event is the test, the one before it the validation, ranked among all items that the user has not had; popularity
    and item cosine are shown beside. RUN/next.parquet holds the best items of each user after all their events.
    Stopped anywhere, the same command goes on from the last whole epoch; a finished one is not trained again.

    \b
    audience-graph train next-item world --out next
    audience-graph train next-item world --out sasrec --set kind=sasrec --set texts=true --json
    """
    from audience_trainers.run import resolve_config
    from audience_trainers.users.next_item.config import NextItemConfig
    from audience_trainers.users.next_item.train_next_item import train_next_item

    config = resolve_config(NextItemConfig, overrides)
    with Steps() as progress:
        report = train_next_item(source, out, config=config, seed=seed, top=top, progress=progress)
    if as_json:
        print_json(report)
        return
    rows = [
        {"model": name, **{f"{split} {at}": f"{report[split][name][measure]['mean']:.4f}"
                           for split in ("valid", "test") for measure, at in _TOLD.items()}}
        for name in report["test"]
    ]  # fmt: skip
    print_rows(rows, columns=list(rows[0]))
    click.echo(f"{report['users']:,} users, {report['items']:,} items -> {report['folder']}", err=True)


_TOLD = {"hr": "HR@10", "ndcg": "NDCG@10", "mrr": "MRR"}
