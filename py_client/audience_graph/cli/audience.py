"""Audiences on the command line: save, size, look at, freeze, compare. Each is one call of the Python client."""

from __future__ import annotations

from typing import Any

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.ask_options import sensitive_option, show_query_option
from audience_graph.cli.audience_options import audience_of, definition_options
from audience_graph.cli.options import data_dir_option, format_options, print_json, print_note


@click.group()
def audience() -> None:
    """Define, size, save, freeze and compare audiences.

    \b
    audience-graph audience size "skin care" --width balanced --where "age_band = 20-29|30-39"
    audience-graph audience save spring "skin care" --size 5000 --without-event "spa facial:7d"
    audience-graph audience take spring
    """


@audience.command()
@click.argument("phrases", nargs=-1)
@definition_options
@click.option("--no-entities", is_flag=True, help="Leave out the rows of picked entities.")
@show_query_option
@format_options
@data_dir_option
def size(phrases: tuple[str, ...], show_query: bool, no_entities: bool, **asked: Any) -> None:
    """Count the users of an audience, step by step: a saved one by `--among NAME`, or one that is defined here.

    \b
    audience-graph audience size "skin care" --size 5000 --where "has_child = 1"
    audience-graph audience size --among spring
    """
    with client(asked.pop("data_dir"), show_query, asked.pop("sensitive_because")) as ag:
        found = audience_of(ag, phrases, asked).size(entities=not no_entities)
    print_answer(found, **asked, extra={"users": found.users, "score_at_cut": found.score_at_cut}, most=found._MOST)


@audience.command()
@click.argument("name")
@click.argument("phrases", nargs=-1)
@definition_options
@click.option("--note", default="", help="What this revision is for.")
@show_query_option
@data_dir_option
def save(name: str, phrases: tuple[str, ...], note: str, show_query: bool, **asked: Any) -> None:
    """Save an audience under a name: a new revision, unless the newest one says the same.

    \b
    audience-graph audience save spring "skin care" --size 5000 --where "city_tier <= 2"
    """
    with client(asked.pop("data_dir"), show_query, asked.pop("sensitive_because")) as ag:
        found = audience_of(ag, phrases, asked)
        revision = found.save(name, note=note)
    click.echo(repr(found))
    click.echo(f"saved {name!r}, revision {revision.number} ({revision.status})", err=True)


@audience.command()
@click.argument("name")
@click.option("--count", type=int, default=20, show_default=True, help="How many users.")
@sensitive_option
@format_options
@data_dir_option
def preview(name: str, count: int, data_dir: str | None, **asked: Any) -> None:
    """Show the first users of a saved audience, best first."""
    with client(data_dir, False, asked.pop("sensitive_because")) as ag:
        found = ag.audiences.get(name).preview(count)
    print_answer(found, **asked)


@audience.command()
@click.argument("name")
@click.option("--revision", type=int, default=None, help="Of this revision. [default: the newest]")
@click.option("--note", default="", help="Kept with the revision, where one is written.")
@sensitive_option
@format_options
@data_dir_option
def take(name: str, revision: int | None, note: str, data_dir: str | None, **asked: Any) -> None:
    """Freeze who is in a saved audience now: a snapshot with members, scores, release and model."""
    with client(data_dir, False, asked.pop("sensitive_because")) as ag:
        found = ag.audiences.take(name, revision, note=note)
    print_answer(found, **asked)
    for line in found.notes:
        print_note(line)


@audience.command("list")
@click.option("--archived", is_flag=True, help="Archived ones too.")
@format_options
@data_dir_option
def list_(archived: bool, data_dir: str | None, **asked: Any) -> None:
    """List the saved audiences with their newest revision and snapshot."""
    with client(data_dir, show_query=False) as ag:
        found = ag.audiences.list(archived=archived)
    print_answer(found, **asked)


@audience.command()
@click.argument("name")
@click.option("--revision", type=int, default=None, help="This revision. [default: the newest]")
@click.option("--definition", is_flag=True, help="Print the definition as JSON alone.")
@click.option("--snapshots", is_flag=True, help="List its snapshots in place of its revisions.")
@format_options
@data_dir_option
def show(
    name: str, revision: int | None, definition: bool, snapshots: bool, data_dir: str | None, **asked: Any
) -> None:
    """Show a saved audience in words, with its revisions and what each changed."""
    with client(data_dir, show_query=False) as ag:
        if definition:
            print_json(ag.audiences.definition(name, revision).to_json())
            return
        told = ag.audiences.describe(name, revision)
        found = ag.audiences.snapshots(name) if snapshots else ag.audiences.revisions(name)
    click.echo("\n".join(told), err=True)
    print_answer(found, **asked, extra={"definition": told})


@audience.command()
@click.argument("user")
@click.argument("name")
@click.option("--snapshot", type=int, default=None, help="As this snapshot of it was. [default: as it is now]")
@click.option("--purpose", default=None, help="Also whether the user may be sent for it.")
@sensitive_option
@format_options
@data_dir_option
def explain(
    user: str, name: str, snapshot: int | None, purpose: str | None, data_dir: str | None, **asked: Any
) -> None:
    """Show why a user is in a saved audience, or is not: step by step, with the shares of the score. Audited.

    \b
    audience-graph audience explain u123 spring
    audience-graph audience explain u123 spring --snapshot 4 --purpose marketing --json
    """
    with client(data_dir, False, asked.pop("sensitive_because")) as ag:
        of = ag.audiences.get(name) if snapshot is None else ag.audiences.snapshot(snapshot, name)
        found = ag.explain(user, of, purpose=purpose)
    print_answer(found, **asked, extra=found.to_json(), most=found._MOST)


@audience.command()
@click.argument("name")
@click.argument("before", type=int)
@click.argument("after", type=int, required=False)
@data_dir_option
def diff(name: str, before: int, after: int | None, data_dir: str | None) -> None:
    """Show what changed from one revision to another (the newest by default), line by line."""
    with client(data_dir, show_query=False) as ag:
        changed = ag.audiences.diff(name, before, after)
    click.echo("\n".join(changed) if changed else "the same")


@audience.command()
@click.argument("before", type=int)
@click.argument("after", type=int)
@format_options
@data_dir_option
def changes(before: int, after: int, data_dir: str | None, **asked: Any) -> None:
    """Show how many users came and went from one snapshot to another."""
    with client(data_dir, show_query=False) as ag:
        found = ag.audiences.changes(before, after)
    print_answer(found, **asked)


@audience.command()
@click.argument("names", nargs=-1)
@sensitive_option
@format_options
@data_dir_option
def overlap(names: tuple[str, ...], data_dir: str | None, **asked: Any) -> None:
    """Show what audiences have in common, pair by pair; without names: saved ones that are nearly the same users."""
    with client(data_dir, False, asked.pop("sensitive_because")) as ag:
        found = ag.audiences.overlap(names) if names else ag.audiences.near_duplicates()
    print_answer(found, **asked)


@audience.command()
@click.argument("name")
@click.option("--column", "columns", multiple=True, help="This column; may be repeated. [default: all]")
@click.option("--against", default=None, help="Compare with the users of this audience. [default: everyone]")
@sensitive_option
@format_options
@data_dir_option
def composition(name: str, columns: tuple[str, ...], against: str | None, data_dir: str | None, **asked: Any) -> None:
    """Show which values of columns and which entities its users have more often than others, with lift."""
    with client(data_dir, False, asked.pop("sensitive_because")) as ag:
        base = None if against is None else ag.audiences.get(against)
        found = ag.audiences.get(name).composition(columns, against=base)
    print_answer(found, **asked)


@audience.command()
@click.argument("phrases", nargs=-1)
@definition_options
@format_options
@data_dir_option
def widths(phrases: tuple[str, ...], **asked: Any) -> None:
    """Show the named widths of a ranking: how many users each takes, and the score at its cut."""
    with client(asked.pop("data_dir"), False, asked.pop("sensitive_because")) as ag:
        found = ag.audiences.widths(audience_of(ag, phrases, asked))
    print_answer(found, **asked)


@audience.command()
@click.argument("name")
@click.option("--revision", type=int, default=None, help="This revision. [default: the newest]")
@data_dir_option
def approve(name: str, revision: int | None, data_dir: str | None) -> None:
    """Approve a revision of an audience; with approval switched on only approved ones are exported."""
    with client(data_dir, show_query=False) as ag:
        found = ag.audiences.approve(name, revision)
    click.echo(f"approved {name!r}, revision {found.number}, by {found.approved_by}", err=True)


@audience.command()
@click.argument("name")
@data_dir_option
def archive(name: str, data_dir: str | None) -> None:
    """Leave an audience out of lists; its revisions and snapshots stay, saving to the name brings it back."""
    with client(data_dir, show_query=False) as ag:
        ag.audiences.archive(name)
    click.echo(f"archived {name!r}", err=True)


@audience.command()
@click.option("--limit", type=int, default=100, show_default=True, help="How many lines, newest first.")
@click.option("--about", default=None, help='Of one object alone, such as "audience spring".')
@format_options
@data_dir_option
def log(limit: int, about: str | None, data_dir: str | None, **asked: Any) -> None:
    """Show the audit log: who did what, when, from which release."""
    with client(data_dir, show_query=False) as ag:
        found = ag.audiences.log(about=about, limit=limit)
    print_answer(found, **asked)
