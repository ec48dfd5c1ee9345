"""From a walk score to a probability: a logistic curve fitted on users that the walk did not see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Logistic:
    """sigmoid(slope * x + intercept), slope >= 0."""

    slope: float
    intercept: float

    def logit(self, x: Values) -> Values:
        """Return s = slope * x + intercept."""
        return self.slope * x + self.intercept


def fit_logistic(x: Values, y: Values, *, steps: int = 50, ridge: float = 1e-3) -> Logistic:
    """Fit by Newton's method with Platt's smoothed targets; a falling curve becomes flat (slope 0)."""
    positive, negative = float(y.sum()), float(len(y) - y.sum())
    target = np.where(y > 0, (positive + 1) / (positive + 2), 1 / (negative + 2))
    weight = np.zeros(2)
    design = np.column_stack([x, np.ones(len(x))])  # (p, 2)
    for _ in range(steps):
        chance = sigmoid(design @ weight)
        gradient = design.T @ (chance - target) + ridge * weight
        hessian = (design * (chance * (1 - chance))[:, None]).T @ design + ridge * np.eye(2)
        move = np.linalg.solve(hessian, gradient)
        weight = weight - move
        if np.abs(move).max() < 1e-9:
            break
    if weight[0] < 0:
        mean = float(np.clip(y.mean(), 1e-6, 1 - 1e-6)) if len(y) else 0.5
        return Logistic(0.0, float(np.log(mean / (1 - mean))))
    return Logistic(float(weight[0]), float(weight[1]))


def sigmoid(x: Values) -> Values:
    """Return 1 / (1 + exp(-x)) without overflow."""
    return np.exp(-np.logaddexp(0.0, -x))
