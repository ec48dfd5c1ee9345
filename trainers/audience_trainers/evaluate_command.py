"""`audience-graph evaluate`: how good are the relations; one subcommand a question."""

from __future__ import annotations

import click

from audience_trainers.evaluate_relations_command import relations

__all__ = ["evaluate"]


@click.group()
def evaluate() -> None:
    """Measure relations: models on one split, or relations against what people say of them."""


evaluate.add_command(relations)
