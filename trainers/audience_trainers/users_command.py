"""`audience-graph users`: the user model, one subcommand a step."""

from __future__ import annotations

import click

from audience_trainers.users.commands import compare, model, prompt, space
from audience_trainers.users.pairs.command import pairs

__all__ = ["users"]


@click.group()
def users() -> None:
    """Learn users from their past and a sentence about their future."""


_MODEL = (
    model.train,
    model.stage,
    model.publish,
    model.refresh,
    model.retire,
    space.list_spaces,
    space.weigh,
    compare.compare,
)
for command in (pairs, *_MODEL, prompt.tune, prompt.prompts, prompt.forget):
    users.add_command(command)
