"""Explored pairs: which they are, and how far behaviour bears them out; offsets of sources and of kinds of pairs."""

from __future__ import annotations

import numpy as np
import pytest

from audience_trainers.relations.alpc.explore import Asked, weigh
from audience_trainers.relations.alpc.offsets import common_offset, source_offsets
from audience_trainers.relations.calibrate import sigmoid
from audience_trainers.relations.linkpred.task import Values


def asked(count: int, shift: float, seed: int) -> Asked:
    """Pairs whose labels are drawn as if their logits were `shift` lower."""
    rng = np.random.default_rng(seed)
    margin: Values = rng.normal(0.0, 1.5, count)
    return Asked(margin, margin, (rng.random(count) < sigmoid(margin - shift)).astype(np.float64))


def test_explored_pairs_that_are_borne_out_less_are_discounted_until_their_score_holds() -> None:
    trial = weigh(asked(20_000, 2.5, 1), asked(20_000, 0.5, 2), cut=-1.0)
    assert trial.discount == pytest.approx(2.0, abs=0.15)  # 2.5, less what all labels lie below the scores
    kept = asked(20_000, 2.5, 1).margin - trial.discount > -1.0
    assert trial.explored == kept.sum()
    assert trial.explored_share == pytest.approx(asked(20_000, 2.5, 1).label[kept].mean())
    told = trial.to_dict()
    assert told["candidates"]["pairs"] == (asked(20_000, 0.5, 2).margin > -1.0).sum()
    share, expected = told["explored"]["borne_out"], told["explored"]["expected"]
    assert told["against_candidates"] == pytest.approx(share / expected)
    assert 0.1 < told["against_candidates"] < 0.6


def test_explored_pairs_as_right_as_candidates_keep_their_score() -> None:
    assert weigh(asked(20_000, 0.0, 1), asked(20_000, 1.0, 2), cut=0.0).discount == 0.0


def test_without_pairs_nothing_is_said_of_them() -> None:
    nothing = Asked(np.zeros(0), np.zeros(0), np.zeros(0))
    told = weigh(nothing, nothing, cut=0.0).to_dict()
    assert told["discount"] == 0.0
    assert told["explored"] == {"pairs": 0, "borne_out": None, "expected": None}
    assert told["against_candidates"] is None


def test_few_pairs_say_little_of_their_kind() -> None:
    margin, never = np.full(3, 2.0), np.zeros(3)
    assert 0.0 < common_offset(margin, never, ridge=1.0) < 3.0
    assert common_offset(margin, never, ridge=100.0) < 0.1


def test_the_offset_of_a_source_is_how_far_its_labels_lie_from_its_margins() -> None:
    rng = np.random.default_rng(3)
    true = np.array([-1.5, 0.0, 1.5, 0.0])
    source = np.repeat([0, 1, 2], 4_000)
    margin = rng.normal(0.0, 1.0, len(source))
    label = (rng.random(len(source)) < sigmoid(margin - 0.7 - true[source])).astype(np.float64)
    found = source_offsets(source, margin, label, 4, ridge=2.0)
    np.testing.assert_allclose(found, true, atol=0.15)  # 0.7, common to all, is left out
    assert found[3] == 0.0
    few = source_offsets(source[::400], margin[::400], label[::400], 4, ridge=20.0)
    assert np.all(np.abs(few) < 0.6)
    # the minimum of eq. 3: no direction is left to go
    common = common_offset(margin - found[source], label, ridge=0.0)
    slope = np.bincount(source, weights=sigmoid(margin - common - found[source]) - label, minlength=4)
    np.testing.assert_allclose(slope, 2.0 * found, atol=1e-2)
