"""A store that tells what it runs: the text and the parameters, for `--show-query`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt

from audience_graph.vectors.store import Row, Store, Transaction

Tell = Callable[[str, str, Any], None]


class TracedTransaction(Transaction):
    """Transaction that hands (name, text, parameters) to `tell` before each statement."""

    def __init__(self, inner: Transaction, tell: Tell) -> None:
        self._inner = inner
        self._tell = tell

    def rows(self, query: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> list[Row]:
        self._tell("sql", query, parameters)
        return self._inner.rows(query, parameters)

    def execute(self, query: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> int:
        self._tell("sql", query, parameters)
        return self._inner.execute(query, parameters)

    def packed(
        self, query: str, types: Mapping[str, str], parameters: Sequence[Any] | dict[str, Any] | None = None
    ) -> list[npt.NDArray[Any]]:
        self._tell("sql", query, parameters)
        return self._inner.packed(query, types, parameters)

    def copy_in(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, types: Sequence[str] = ()
    ) -> int:
        self._tell("sql", f"COPY {table} ({', '.join(columns)}) FROM STDIN", None)
        return self._inner.copy_in(table, columns, rows, types=types)

    def copy_out(self, query: str, parameters: Sequence[Any] | dict[str, Any] | None = None) -> Iterator[bytes]:
        self._tell("sql", query, parameters)
        return self._inner.copy_out(query, parameters)

    def copy_blocks(
        self,
        table: str,
        columns: Sequence[str],
        blocks: Iterable[bytes | memoryview],
        *,
        csv: bool = False,
        frozen: bool = False,
    ) -> None:
        self._tell("sql", f"COPY {table} ({', '.join(columns)}) FROM STDIN", None)
        self._inner.copy_blocks(table, columns, blocks, csv=csv, frozen=frozen)


class TracedStore(Store):
    """Store whose transactions are traced."""

    def __init__(self, inner: Store, tell: Tell) -> None:
        super().__init__(inner.url)
        self._inner = inner
        self._tell = tell

    @contextmanager
    def transaction(
        self, *, read_only: bool = False, snapshot: bool = False, vectors: bool = True
    ) -> Iterator[Transaction]:
        with self._inner.transaction(read_only=read_only, snapshot=snapshot, vectors=vectors) as tx:
            yield TracedTransaction(tx, self._tell)

    def close(self) -> None:
        self._inner.close()
