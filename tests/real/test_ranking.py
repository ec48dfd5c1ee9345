"""AUC by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ranking import auc


def test_auc_counts_ties_half() -> None:
    positive = np.array([True, False, True, False])
    # pairs: 3>2 yes, 3>1 yes, 1=1 half, 1>2 no -> 2.5 of 4
    assert auc(np.array([3.0, 2.0, 1.0, 1.0]), positive) == pytest.approx(2.5 / 4)


def test_auc_of_users_without_a_score_and_of_one_side_only() -> None:
    scores = np.array([-np.inf, 1.0, -np.inf])
    assert auc(scores, np.array([False, True, False])) == 1.0
    assert auc(scores, np.array([True, False, False])) == pytest.approx(0.25)
    assert math.isnan(auc(scores, np.zeros(3, dtype=bool)))
