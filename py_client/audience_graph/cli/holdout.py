"""`audience-graph holdout`: who of an audience is held out of its exports, and A/B arms."""

from __future__ import annotations

import click

from audience_graph.cli.ask import client, print_answer
from audience_graph.cli.options import data_dir_option, format_options
from audience_graph.errors import ConfigError


@click.group()
def holdout() -> None:
    """Arms of an audience, by a salted hash of the user id: the same user keeps the same arm in every export."""


@holdout.command("set")
@click.argument("audience")
@click.option("--share", type=float, default=None, help="Share of users to hold out, such as 0.1.")
@click.option("--arm", "arms", multiple=True, metavar="NAME=SHARE", help="An arm and its share, may be repeated; the one called holdout is never sent.")  # fmt: skip # noqa: E501
@click.option("--new-salt", is_flag=True, help="Deal users anew, although the audience was exported.")
@format_options
@data_dir_option
def set_arms(
    audience: str,
    share: float | None,
    arms: tuple[str, ...],
    new_salt: bool,
    data_dir: str | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Hold users of an audience out of its exports, or split them into arms.

    \b
    audience-graph holdout set spring --share 0.1
    audience-graph holdout set spring --arm a=0.45 --arm b=0.45 --arm holdout=0.1
    """
    pairs = [_pair(text) for text in arms]
    if len(dict(pairs)) != len(pairs):
        raise ConfigError("an arm is named once")
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.hold_out(audience, share, arms=dict(pairs) or None, new_salt=new_salt)
    print_answer(found, as_json=as_json, as_csv=as_csv)


@holdout.command()
@click.argument("audience")
@format_options
@data_dir_option
def show(audience: str, data_dir: str | None, as_json: bool, as_csv: bool) -> None:
    """Show the arms of an audience.

    \b
    audience-graph holdout show spring
    """
    with client(data_dir, show_query=False) as ag:
        found = ag.exports.holdout(audience)
    print_answer(found, as_json=as_json, as_csv=as_csv)


def _pair(text: str) -> tuple[str, float]:
    name, sep, share = text.rpartition("=")
    try:
        return name, float(share if sep and name else "")
    except ValueError:
        raise ConfigError(f"--arm {text!r} is not NAME=SHARE", hint="such as --arm holdout=0.1") from None
