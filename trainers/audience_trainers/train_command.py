"""`audience-graph train`: models that other commands use; one subcommand a model."""

from __future__ import annotations

import click

from audience_trainers.entities.command import tagger
from audience_trainers.users.next_item.command import next_item
from audience_trainers.users.rewriter.command import rewriter

__all__ = ["train"]


@click.group()
def train() -> None:
    """Train a model and write it into a folder that other commands take."""


train.add_command(tagger)
train.add_command(next_item)
train.add_command(rewriter)
