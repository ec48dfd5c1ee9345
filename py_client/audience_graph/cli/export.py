"""`audience-graph export`: send snapshots of audiences to files and webhooks."""

from __future__ import annotations

from typing import Any

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.options import data_dir_option, format_options
from audience_graph.errors import ConfigError


@click.group()
def export() -> None:
    """Send audiences: suppression, consent and arms are applied last, per user; under 100 users nothing leaves."""


@export.command()
@click.argument("audience")
@click.option("--to", required=True, help="A .csv, .parquet or .jsonl file, or a webhook: https://HOST/PATH.")
@click.option("--snapshot", type=int, default=None, help="Number of a snapshot of the audience. [default: the newest]")
@click.option("--purpose", default="marketing", show_default=True, help="Only users whose consent for it is granted.")
@click.option(
    "--mode",
    type=click.Choice(["replace", "append", "delta"]),
    default="replace",
    show_default=True,
    help="The whole audience, whom the destination lacks, or who was added and removed.",
)
@click.option("--format", "file_format", type=click.Choice(["csv", "parquet", "jsonl"]), default=None, help="Of the file. [default: by its ending]")  # fmt: skip # noqa: E501
@click.option("--column", "columns", multiple=True, help="user_id, hashed_id, score, place or arm; may be repeated. [default: user_id, without --hashed]")  # fmt: skip # noqa: E501
@click.option("--hashed", multiple=True, metavar="COLUMN=FORM", help="Column of users as SHA-256 of google-email, google-phone, meta-email or meta-phone; may be repeated.")  # fmt: skip # noqa: E501
@click.option("--chunk-rows", type=int, default=None, help="Rows of a numbered file, or of a webhook's request. [default: one file; 5,000]")  # fmt: skip # noqa: E501
@click.option("--destination", default=None, help="Name to count appends and deltas under. [default: the file or URL]")
@format_options
@data_dir_option
def send(
    audience: str,
    snapshot: int | None,
    columns: tuple[str, ...],
    hashed: tuple[str, ...],
    file_format: str | None,
    data_dir: str | None,
    as_json: bool,
    as_csv: bool,
    **asked: Any,
) -> None:
    """Send a snapshot of an audience; the same command after a stop goes on with it.

    A webhook's requests are signed where AUDIENCE_GRAPH_WEBHOOK_SECRET is set.

    \b
    audience-graph export send spring --to spring.csv
    audience-graph export send spring --to spring.parquet --hashed mail=google-email --mode delta
    audience-graph export send spring --to https://example.com/audiences --purpose marketing
    """
    from audience_graph.cli.steps import Steps

    hashes = dict(map(_pair, hashed))
    chosen = columns or (() if hashes else ("user_id",))
    with client(data_dir, show_query=False) as ag, Steps() as steps:
        which = audience if snapshot is None else ag.exports.check_snapshot(audience, snapshot)
        found = ag.exports.send(which, columns=chosen, hashed=hashes, format=file_format, progress=steps, **asked)
    print_answer(found, as_json=as_json, as_csv=as_csv, extra=_facts(found))


@export.command("list")
@click.argument("audience")
@format_options
@data_dir_option
def list_exports(audience: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Show the exports of an audience, newest first.

    \b
    audience-graph export list spring
    """
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.list(audience)
    print_answer(found, as_json=as_json, as_csv=as_csv)


@export.command()
@click.argument("number", type=int)
@format_options
@data_dir_option
def show(number: int, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Show an export: how many users each step left out, and how far it is.

    \b
    audience-graph export show 12
    """
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.show(number)
    print_answer(found, as_json=as_json, as_csv=as_csv, extra=_facts(found))


@export.command()
@click.argument("number", type=int)
@format_options
@data_dir_option
def resume(number: int, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Go on with an export that was stopped: only what its receiver did not acknowledge is sent.

    \b
    audience-graph export resume 12
    """
    from audience_graph.cli.steps import Steps

    with client(data_dir, show_query=False) as ag, Steps() as steps:
        found = ag.exports.resume(number, progress=steps)
    print_answer(found, as_json=as_json, as_csv=as_csv, extra=_facts(found))


@export.command()
@click.argument("number", type=int)
@format_options
@data_dir_option
def abandon(number: int, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Give up an export that was stopped, so that another one may go there; what was tried counts as sent.

    \b
    audience-graph export abandon 12
    """
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.abandon(number)
    print_answer(found, as_json=as_json, as_csv=as_csv, extra=_facts(found))


@export.command()
@click.argument("required", type=click.Choice(["on", "off"]))
@data_dir_option
def approval(required: str, data_dir: str | None) -> None:
    """Let only approved revisions leave from now on, or drafts too.

    \b
    audience-graph export approval on
    """
    with client(data_dir, show_query=False) as ag:
        ag.exports.require_approval(required == "on")
    said = "only approved revisions leave" if required == "on" else "drafts leave too"
    click.echo(f"from now on {said}", err=True)


def _pair(text: str) -> tuple[str, str]:
    column, sep, form = text.rpartition("=")
    if not sep or not column:
        raise ConfigError(f"--hashed {text!r} is not COLUMN=FORM", hint="such as --hashed mail=google-email")
    return column, form


def _facts(found: object) -> dict[str, object]:
    names = ("id", "audience", "snapshot", "to", "format", "mode", "purpose", "status", "compared_with", "note")
    return {name: getattr(found, name) for name in (*names, "chunks", "chunks_sent", "made_by", "made_at")}
