"""`audience-graph train tagger`."""

from __future__ import annotations

from pathlib import Path

import click

from audience_graph.cli.options import print_json, print_note
from audience_graph.cli.steps import Steps

__all__ = ["tagger"]


@click.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FOLDER", help="Where the tagger goes.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=7, show_default=True, help="Repeats a run exactly.")
@click.option("--ignore-split", multiple=True, metavar="NAME", help="Leave rows of this split unread; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def tagger(
    data: Path, out: Path, overrides: tuple[str, ...], seed: int, ignore_split: tuple[str, ...], as_json: bool
) -> None:
    """Train an entity tagger (BERT-CRF) on DATA, for `load events --tagger FOLDER`.

    DATA is a .parquet or .jsonl file with split (train, dev, test), tokens and tags (BIO), a CoNLL file, or a folder
    with train, dev and test files. Without a dev split a tenth of train is held out. Stopped anywhere, the same
    command goes on from the last whole epoch; a finished one is not trained again.

    \b
    audience-graph train tagger queries.parquet --out tagger
    audience-graph train tagger queries.parquet --out tagger --set epochs=8 --set rate=2e-4 --json
    audience-graph train tagger chinese.jsonl --out tagger-zh --set tokenizer=character
    """
    from audience_trainers.entities.config import TaggerConfig
    from audience_trainers.entities.train_tagger import train_tagger
    from audience_trainers.run import resolve_config

    config = resolve_config(TaggerConfig, overrides)
    with Steps() as progress:
        report = train_tagger(data, out, config=config, seed=seed, ignore=ignore_split, progress=progress)
    if as_json:
        print_json(report)
        return
    if report["repaired_tags"]:
        print_note(f"{report['repaired_tags']:,} tags I- that begin a span were read as B-")
    test = f", test F1 {report['test_f1']:.4f}" if "test_f1" in report else ""
    click.echo(
        f"{report['train']:,} sentences, best of {report['epochs']} epochs: {report['best_epoch']}, "
        f"dev F1 {report['dev_f1']:.4f}{test} -> {report['folder']}"
    )
