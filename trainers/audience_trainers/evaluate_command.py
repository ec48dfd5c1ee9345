"""`audience-graph evaluate`: how good are the relations; one subcommand a question."""

from __future__ import annotations

import click

__all__ = ["evaluate"]


@click.group()
def evaluate() -> None:
    """Measure relations: models on one split, or relations against what people say of them."""
