"""`audience-graph users compare`: two user-text spaces side by side, before one of them is published."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.options import data_dir_option, format_options
from audience_graph.errors import InputError


@click.command()
@click.argument("space_a")
@click.argument("space_b")
@click.option("--sentence", "sentences", multiple=True, help="A sentence to ask in both; may be repeated.")
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of sentences, one a line.",
)
@click.option(
    "--size", type=int, default=1000, show_default=True, help="How many users each audience has, 100 or more."
)
@click.option("--guess", is_flag=True, help="Rank although nothing in a sentence is known.")
@format_options
@data_dir_option
def compare(
    space_a: str,
    space_b: str,
    sentences: tuple[str, ...],
    path: Path | None,
    size: int,
    guess: bool,
    as_json: bool,
    as_csv: bool,
    data_dir: str | None,
) -> None:
    """Show how audiences of sentences differ between SPACE_A and SPACE_B (their names, or their runs).

    Either may be staged only. Without sentences: demands about the entities that most users met, and the sentences of
    the prompts. No number is shown about fewer than 100 users, counts are rounded to 10. With --json some of the users
    who leave (`left`) and who come in (`joined`) too.

    \b
    audience-graph users compare text_2026_w29_0a0b0c0d text_2026_w30_1a2b3c4d
    audience-graph users compare text_2026_w29_0a0b0c0d text_2026_w30_1a2b3c4d \\
        --sentence "people who will buy running shoes" --size 5000 --json
    """
    from audience_graph.audience.ask import SentenceOptions

    asked = (*sentences, *_lines(path))
    if path is not None and not asked:
        raise InputError(f"{path} holds no sentence", hint="one sentence a line")
    with client(data_dir, False) as ag:
        found = ag.compare_spaces(space_a, space_b, asked, size=size, sentence=SentenceOptions(guess=guess))
    extra = {"a": asdict(found.a), "b": asdict(found.b), "size": found.size}
    print_answer(found, as_json=as_json, as_csv=as_csv, extra=extra)


def _lines(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not UTF-8 text", hint="one sentence a line") from exc
