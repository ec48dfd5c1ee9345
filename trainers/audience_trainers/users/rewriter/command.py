"""`audience-graph train rewriter`."""

from __future__ import annotations

from pathlib import Path

import click

from audience_graph.cli.options import print_json
from audience_graph.cli.steps import Steps

__all__ = ["rewriter"]


@click.command()
@click.argument("source", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--model",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="A causal language model, any Hugging Face class.",
)
@click.option("--random-config", "size", type=click.Choice(["tiny"]), help="A small random one instead, to try it out.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="RUN", help="Where the run goes.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change one setting; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=7, show_default=True, help="Repeats a run exactly.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def rewriter(
    source: Path,
    model: Path | None,
    size: str | None,
    out: Path,
    overrides: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Train a language model to rewrite demands into the sentences that the user model was trained with.

    SOURCE is a folder with events, and entities where there are any. Stage one learns conversations about what is sold,
    stage two questions of targeting with their answers, both made from SOURCE. With --model LoRA is trained and
    merged; a random model learns all its weights. Stopped anywhere, the same command goes on from the last whole epoch.

    \b
    audience-graph train rewriter world --random-config tiny --out rewriter
    audience-graph train rewriter world --model qwen2-1.5b-instruct --out rewriter --set intents.epochs=2 --json
    """
    from audience_trainers.run import resolve_config
    from audience_trainers.users.rewriter.config import RewriterConfig
    from audience_trainers.users.rewriter.train import train_rewriter

    config = resolve_config(RewriterConfig, overrides)
    with Steps() as progress:
        report = train_rewriter(source, out, base=model, size=size or "", config=config, seed=seed, progress=progress)
    if as_json:
        print_json(report)
        return
    click.echo(
        f"{report['conversations']:,} conversations, {report['questions']:,} questions; of {report['judged']:,} "
        f"held-out questions {report['exact_match']:.1%} answered word by word -> {report['folder']}"
    )
