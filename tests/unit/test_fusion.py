"""Fusion by rank: written out user by user, and what it must never do."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner

from audience_graph.audience.fusion import GRAPH_WEIGHT, fuse
from audience_graph.cli import audience_graph
from audience_graph.errors import ConfigError


def side(scores: dict[int, float]) -> tuple[np.ndarray, np.ndarray]:
    keys = np.array(sorted(scores), np.int64)
    return keys, np.array([scores[k] for k in keys], np.float64)


def written_out(graph: dict[int, float], sentence: dict[int, float], w: float) -> dict[int, float]:
    everyone = sorted(set(graph) | set(sentence))
    n = len(everyone)

    def share(own: dict[int, float], user: int) -> float:
        score = own.get(user, -np.inf)
        others = [own.get(o, -np.inf) for o in everyone]
        better, equal = sum(o > score for o in others), sum(o == score for o in others)
        return np.log((better + (equal + 1) / 2) / n)

    return {u: -(w * share(graph, u) + (1 - w) * share(sentence, u)) / np.log(n) for u in everyone}


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_the_fused_score_is_the_formula(weight: float) -> None:
    rng = np.random.default_rng(3)
    graph = {int(k): float(np.round(rng.normal(), 1)) for k in rng.choice(60, 40, replace=False)}  # with ties
    sentence = {int(k): float(rng.normal()) for k in rng.choice(60, 45, replace=False)}
    fused = fuse(side(graph), side(sentence), weight=weight)
    want = written_out(graph, sentence, weight)
    assert fused.keys.tolist() == sorted(want, key=lambda u: (-round(want[u], 12), u))
    assert fused.scores == pytest.approx([want[u] for u in fused.keys.tolist()], abs=1e-9)
    assert ((fused.scores >= 0) & (fused.scores <= 1)).all()
    there = np.array([u in graph for u in fused.keys.tolist()])
    assert (np.isnan(fused.graph) == ~there).all()


def test_only_the_order_of_a_side_counts() -> None:
    rng = np.random.default_rng(4)
    graph, sentence = ({u: float(rng.normal()) for u in range(30)} for _ in range(2))
    plain = fuse(side(graph), side(sentence))
    stretched = fuse(side({u: np.exp(9 * s) for u, s in graph.items()}), side(sentence))
    assert plain.keys.tolist() == stretched.keys.tolist()
    assert plain.scores == pytest.approx(stretched.scores)


def test_one_user_and_wrong_weights() -> None:
    assert fuse(side({7: 1.0}), side({})).scores.tolist() == [0.0]
    assert fuse(side({}), side({})).keys.tolist() == []
    for weight in (-0.1, 1.1, float("nan"), True):
        with pytest.raises(ConfigError, match="from 0 to 1"):
            fuse(side({1: 1.0}), side({1: 1.0}), weight=weight)


def test_the_help_tells_the_weight_that_is_used() -> None:
    shown = CliRunner().invoke(audience_graph, ["target", "--help"], terminal_width=100).stdout
    assert f"[default: fitted for the space, else {GRAPH_WEIGHT}]" in " ".join(shown.split())
