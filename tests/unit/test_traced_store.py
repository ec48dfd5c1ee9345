"""A traced transaction offers all that a transaction does, and tells each statement before it runs."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from audience_graph.vectors.store import Transaction
from audience_graph.vectors.trace import TracedTransaction


class Inner(Transaction):
    def __init__(self) -> None:
        self.rows_in: list[Sequence[Any]] = []

    def copy_in(
        self,
        table: str,  # noqa: ARG002 - the signature of a transaction
        columns: Sequence[str],  # noqa: ARG002
        rows: Iterable[Sequence[Any]],
        *,
        types: Sequence[str] = (),  # noqa: ARG002
    ) -> int:
        self.rows_in = list(rows)
        return len(self.rows_in)


def test_rows_that_are_copied_in_are_told_and_arrive() -> None:
    told: list[str] = []
    inner = Inner()
    traced = TracedTransaction(inner, lambda _name, text, _parameters: told.append(text))
    assert traced.copy_in("given", ("a", "b"), [(1, 2)]) == 1
    assert told == ["COPY given (a, b) FROM STDIN"]
    assert inner.rows_in == [(1, 2)]


def test_nothing_of_a_transaction_is_left_untraced() -> None:
    told_through = {"columns"}  # which asks `packed`
    methods = {n for n, m in vars(Transaction).items() if inspect.isfunction(m) and not n.startswith("_")}
    assert methods - told_through <= set(vars(TracedTransaction))
