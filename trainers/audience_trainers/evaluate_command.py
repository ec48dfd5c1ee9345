"""`audience-graph evaluate`: how good are the relations, and who is targeted; one subcommand a question."""

from __future__ import annotations

import click

from audience_trainers.evaluate_annotations_command import annotate, evaluate_accuracy
from audience_trainers.evaluate_relations_command import relations
from audience_trainers.evaluate_users_command import make_tasks, users

__all__ = ["evaluate"]


@click.group()
def evaluate() -> None:
    """Measure relations (models on one split, or against what people say of them) and user targeting."""


evaluate.add_command(relations)
evaluate.add_command(annotate)
evaluate.add_command(evaluate_accuracy)
evaluate.add_command(users)
evaluate.add_command(make_tasks)
