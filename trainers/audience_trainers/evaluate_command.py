"""`audience-graph evaluate`: how good are the relations; one subcommand a question."""

from __future__ import annotations

import click

from audience_trainers.evaluate_annotations_command import annotate, evaluate_accuracy
from audience_trainers.evaluate_relations_command import relations

__all__ = ["evaluate"]


@click.group()
def evaluate() -> None:
    """Measure relations: models on one split, or relations against what people say of them."""


evaluate.add_command(relations)
evaluate.add_command(annotate)
evaluate.add_command(evaluate_accuracy)
