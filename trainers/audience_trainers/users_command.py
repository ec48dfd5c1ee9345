"""`audience-graph users`: the user model, one subcommand a step."""

from __future__ import annotations

import click

from audience_trainers.users.commands import model
from audience_trainers.users.pairs.command import pairs

__all__ = ["users"]


@click.group()
def users() -> None:
    """Learn users from their past and a sentence about their future."""


for command in (pairs, model.train, model.stage, model.publish, model.refresh, model.list_spaces, model.retire):
    users.add_command(command)
