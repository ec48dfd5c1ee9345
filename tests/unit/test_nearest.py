"""Exact nearest neighbours: ties, groups, blocks, zero rows, centring."""

from __future__ import annotations

import numpy as np
import pytest

from audience_trainers.relations.topn import best_of_rows, centred, top_n, unit_rows


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("columns", "n"), [(1_000, 5), (1_003, 40), (50, 7), (9, 9), (700, 43), (700, 44)])
def test_best_of_rows_equals_a_full_sort_also_among_ties(seed: int, columns: int, n: int) -> None:
    values = np.random.default_rng(seed).integers(-6, 7, (20, columns)).astype(np.float32)
    order = np.argsort(-values, axis=1, kind="stable")[:, :n]
    expected = [(r, int(c)) for r in range(20) for c in order[r] if values[r, c] > 3]
    row, column = best_of_rows(values, n, 3.0)
    assert list(zip(row.tolist(), column.tolist(), strict=True)) == expected


@pytest.mark.parametrize("block_bytes", [1, 4 * 900 * 50, 1 << 24])
def test_top_n_of_vectors_with_equals_in_any_block(block_bytes: int) -> None:
    rng = np.random.default_rng(5)
    vectors = unit_rows(rng.choice([-1.0, 1.0], (900, 4)))  # 16 different rows; products are exact
    source, target = top_n(vectors, 12, minimum=0.4, block_bytes=block_bytes)
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    order = np.argsort(-similar, axis=1, kind="stable")[:, :12]
    expected = [(u, int(v)) for u in range(900) for v in order[u] if similar[u, v] > 0.4]
    assert list(zip(source.tolist(), target.tolist(), strict=True)) == expected


@pytest.mark.parametrize("block_bytes", [1, 4 * 60 * 7, 1 << 24])
def test_top_n_without_some_pairs_finds_what_lies_behind_them(block_bytes: int) -> None:
    rng = np.random.default_rng(5)
    vectors = unit_rows(rng.normal(size=(60, 3)))
    without = rng.integers(60, size=(2, 500))
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    similar[without[0], without[1]] = -np.inf
    order = np.argsort(-similar, axis=1, kind="stable")[:, :9]
    expected = [(u, int(v)) for u in range(60) for v in order[u] if similar[u, v] > 0]
    source, target = top_n(vectors, 9, without=without, block_bytes=block_bytes)
    assert list(zip(source.tolist(), target.tolist(), strict=True)) == expected


def test_centring_takes_away_what_all_share_and_leaves_the_unseen_alone() -> None:
    rng = np.random.default_rng(1)
    vectors = np.vstack([rng.normal([5.0, 0, 0], 0.1, (6, 3)), np.zeros((1, 3))]).astype(np.float32)
    found = centred(vectors)
    np.testing.assert_allclose(found[:6].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found[:6] - found[0], vectors[:6] - vectors[0], atol=1e-5)
    assert not found[6].any()
    assert not centred(np.zeros((2, 3), np.float32)).any()
