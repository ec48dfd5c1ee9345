"""`audience-graph users list | weigh`: the user-text spaces that are kept, and the graph's weight beside each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audience_graph.cli.options import data_dir_option, print_json, print_rows
from audience_graph.cli.steps import Steps
from audience_graph.config import Connections, find_connections, find_home
from audience_graph.errors import NotFoundError

if TYPE_CHECKING:
    from audience_graph.release import RetiredText

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON value instead of a table.")


@click.command(name="list")
@_JSON
@data_dir_option
def list_spaces(as_json: bool, data_dir: str | None) -> None:
    """List the user-text spaces that are kept, newest first: what their models reached, how much the graph counts.

    \b
    audience-graph users list
    """
    from audience_graph.audience.weighing import weighing
    from audience_graph.release import current, published_spaces
    from audience_graph.user_text.space import count_users, read_spaces
    from audience_graph.vectors.store import open_store

    store = open_store(find_connections(find_home(data_dir)))
    with store.transaction(read_only=True) as tx:
        spaces = [(one, count_users(tx, one.space), weighing(tx, one.space, None)) for one in read_spaces(tx)]
        once = published_spaces(tx)
    try:
        now = current(store).user_text_space
    except NotFoundError:
        now = None
    rows = [
        {
            "space": one.space,
            "status": "current" if one.space == now else "published" if one.space in once else "staged",
            "users": users,
            "dims": one.dims,
            "as_of": one.as_of.isoformat(),
            "valid_loss": one.metrics.get("valid_loss"),
            "graph_weight": weighed.weight,
            "weight_from": weighed.told,
            "run": one.model,
        }
        for one, users, weighed in spaces
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_rows(rows, columns=list(rows[0]))
    else:
        click.echo("no user-text space yet: audience-graph users train --small --publish", err=True)


@click.command()
@click.argument("space", required=False)
@_JSON
@data_dir_option
def weigh(space: str | None, as_json: bool, data_dir: str | None) -> None:
    """Fit how much the graph counts where both ways are asked, for SPACE. [default: that of the current release]

    Measured on users whom the model did not train on, at past moments: sentences about entities, and who went on to
    meet them for the first time. Staging and publishing do this by themselves, once for a space and the relations.

    \b
    audience-graph users weigh
    """
    from audience_trainers.push import weigh_users

    home = find_home(data_dir)
    connections = find_connections(home)
    with Steps() as progress:
        found, weight = weigh_users(home, connections, space, progress=progress)
    grid = weight.measured.get("grid", [])
    told = {"space": found.space, "version": weight.version, **weight_of(connections, found.space)}
    if as_json:
        print_json(told | {"measured": weight.measured})
        return
    click.echo(f"{found.space}: {told['graph_weight']:g}, {told['weight_from']}", err=True)
    print_rows([{"weight": p["weight"], "lift": p["lift"], "low": p["ci"][0], "high": p["ci"][1]} for p in grid],
               columns=["weight", "lift", "low", "high"])  # fmt: skip


def weight_of(connections: Connections, space: str) -> dict[str, object]:
    """Return the weight that is used in a space, and where it comes from."""
    from audience_graph.audience.weighing import weighing
    from audience_graph.vectors.store import open_store

    with open_store(connections).transaction(read_only=True) as tx:
        found = weighing(tx, space, None)
    return {"graph_weight": found.weight, "weight_from": found.told}


def tell_retired(retired: RetiredText) -> None:
    """Say which spaces were dropped, and which stay for their prompts."""
    for space in retired.spaces:
        click.echo(f"retired space {space}", err=True)
    for space, prompts in retired.held.items():
        names = ", ".join(map(repr, prompts))
        click.echo(f"kept space {space} for its prompts {names}: tune them again, or `users retire {space}`", err=True)
