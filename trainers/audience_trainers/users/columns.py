"""Fetch an ibis expression as columns: numbers as arrays, texts as codes; no Python loop over rows.

The engine writes its answer to a temporary Parquet file, which is read in batches: rows beyond memory never stand in
memory as text, only as codes, and each distinct text once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

_BATCH_ROWS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """Texts as codes: `code` (m,) int32 points into `words`, distinct texts."""

    code: npt.NDArray[np.int32]
    words: tuple[str, ...]

    def mapped(self, words: Sequence[str]) -> Coded:
        """Return the same rows with `words[i]` in place of word i; equal words become one."""
        encoded = pa.array(words, pa.string()).dictionary_encode()
        code = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
        return Coded(_take(code, self.code), tuple(encoded.dictionary.to_pylist()))

    def ordered(self, order: npt.NDArray[np.int64]) -> Coded:
        """Return the same rows with the words in another order: word `order[i]` becomes word i."""
        place = np.empty(len(order), np.int32)
        place[order] = np.arange(len(order), dtype=np.int32)
        return Coded(_take(place, self.code), tuple(self.words[i] for i in order.tolist()))

    def sorted(self) -> Coded:
        """Return the same rows with the words in the order of their code points."""
        if all(a < b for a, b in zip(self.words, self.words[1:], strict=False)):
            return self
        return self.ordered(np.array(sorted(range(len(self.words)), key=self.words.__getitem__), np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The rows of an answer: texts in `coded`, numbers and flags in `values`, all (m,)."""

    coded: Mapping[str, Coded]
    values: Mapping[str, npt.NDArray[Any]]


def fetch(backend: Any, expression: Any, *, coded: Sequence[str]) -> Columns:
    """Run an expression without NULLs and return its columns in the order of its rows; those in `coded` as codes."""
    names = tuple(expression.columns)
    found: dict[str, list[Any]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory(prefix="columns-") as folder:
        path = Path(folder) / "rows.parquet"
        backend.to_parquet(expression, str(path))
        for part in sorted(path.glob("part-*.parquet")) if path.is_dir() else [path]:
            with pq.ParquetFile(part, read_dictionary=list(coded)) as file:
                for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                    for name in names:
                        column = batch.column(name)
                        found[name].append(_dictionary(column) if name in coded else _numbers(column))
    return Columns(
        coded={name: _unified(found[name]) for name in names if name in coded},
        values={name: _joined(found[name], expression[name].type()) for name in names if name not in coded},
    )


def concatenated(parts: Sequence[Columns]) -> Columns:
    """Return the rows of several answers of one expression, one after the other."""
    if len(parts) == 1:
        return parts[0]
    coded: dict[str, Coded] = {}
    for name in parts[0].coded:
        words = tuple(dict.fromkeys(word for part in parts for word in part.coded[name].words))
        place = {word: i for i, word in enumerate(words)}
        tables = [np.array([place[word] for word in part.coded[name].words], np.int32) for part in parts]
        code = [_take(table, part.coded[name].code) for table, part in zip(tables, parts, strict=True)]
        coded[name] = Coded(np.concatenate(code), words)
    return Columns(coded, {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values})


def _take(table: npt.NDArray[np.int32], code: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    return table[code] if len(table) else code


def _dictionary(column: pa.Array) -> pa.DictionaryArray:
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return encoded.cast(pa.dictionary(pa.int32(), pa.string()))


def _numbers(column: pa.Array) -> npt.NDArray[Any]:
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _unified(chunks: list[pa.DictionaryArray]) -> Coded:
    if not chunks:
        return Coded(np.empty(0, np.int32), ())
    whole = pa.chunked_array(chunks).unify_dictionaries()
    code = np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in whole.chunks]).astype(np.int32)
    return Coded(code, tuple(whole.chunk(0).dictionary.to_pylist()))


def _joined(chunks: list[npt.NDArray[Any]], kind: Any) -> npt.NDArray[Any]:
    # DuckDB's sum of whole numbers is wider than int64, and Parquet keeps such as floats
    dtype = kind.to_numpy()
    return np.concatenate(chunks).astype(dtype, copy=False) if chunks else np.empty(0, dtype)
