"""Area under the ROC curve, with ties; and lift over random users."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audience_graph.demo.evaluation import lift_at

__all__ = ["auc", "lift_at"]


def auc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the chance that a positive outranks a negative, ties counting half. NaN when one side is empty."""
    hits, misses = int(positive.sum()), int((~positive).sum())
    if not hits or not misses:
        return float("nan")
    ranks = pd.Series(scores).rank(method="average").to_numpy()
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * misses))
