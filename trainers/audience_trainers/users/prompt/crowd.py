"""What the unlabelled users of a space know that a few seeds do not: how users differ at all, and what is usual."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]
RIDGE = 0.1  # of the mean variance, added to every one: users may be fewer than dimensions
USUAL = 0.8  # how far negative seeds are moved to the mean user: most users are negatives


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """The mean (d,) of users of a space, their covariance (d, d) with a ridge, and that to the power -1/2 (d, d)."""

    mean: Floats
    covariance: Floats
    whitening: Floats

    def lean(self, vector: Vectors, positives: Vectors, negatives: Vectors, strength: float) -> Vectors:
        """Return a unit vector (d,) leaned toward positive seeds (p, d) and away from negatives (q, d); q may be 0.

        The way is S^-1/2 (mean+ - mean-), S the covariance of the crowd: between the difference of means and that of
        linear discriminant analysis (S^-1), which trusts what a few seeds say of quiet directions too much. Most users
        are negatives, so mean- is nearer to the mean user than to the mean of a few seeds. Of the way counts only what
        the vector does not say itself: over the crowd the two are uncorrelated. Scores of both have deviation 1 there,
        and min(1, `strength` sqrt(n)) of the second is added for n seeds of the rarer label, because what seeds say
        grows sure with sqrt(n).
        """
        own = np.asarray(vector, np.float64)
        usual = self.mean
        if len(negatives):
            usual = USUAL * usual + (1.0 - USUAL) * negatives.mean(axis=0, dtype=np.float64)
        way = self.whitening @ (positives.mean(axis=0, dtype=np.float64) - usual)
        spread = self.covariance @ own
        way -= own * (way @ spread) / (own @ spread)
        wide = float(np.sqrt(max(way @ self.covariance @ way, 0.0)))
        if wide < 1e-9:  # the seeds are as the crowd is
            return np.asarray(vector, np.float32)
        few = min(len(positives), len(negatives) or len(positives))
        found = own / np.sqrt(own @ spread) + min(1.0, strength * float(np.sqrt(few))) * way / wide
        return np.asarray(found / np.linalg.norm(found), np.float32)


def read_crowd(users: Vectors) -> Crowd:
    """Return the crowd of unlabelled users (n, d), n >= 2."""
    mean = users.mean(axis=0, dtype=np.float64)
    apart = users - mean
    covariance = apart.T @ apart / (len(users) - 1)
    covariance[np.diag_indices_from(covariance)] += RIDGE * max(float(np.trace(covariance)) / len(mean), 1e-12)
    variance, axes = np.linalg.eigh(covariance)
    return Crowd(mean, covariance, (axes / np.sqrt(variance)) @ axes.T)
