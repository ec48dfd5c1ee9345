"""L_th: a threshold per source, learned from the same labels (EGL eq. 3)."""

from __future__ import annotations

from torch import Tensor

from audience_trainers.relations.alpc.losses.prediction import prediction_loss


def threshold_loss(s: Tensor, eps_u: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the weighted cross-entropy of sigma(s_uv - eps_u): the margin must have the sign of the label.

    `s` (p,), `eps_u` (p,) the threshold of each pair's source, a logit like s. It moves both: the threshold goes
    between a source's true and false pairs, and they move apart.
    """
    return prediction_loss(s - eps_u, y, weight)
