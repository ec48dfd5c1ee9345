"""h_e: an entity's vectors of all weeks side by side (EGL eq. 6), for the preference r_u . h_e (eq. 7).

Each week's block has length 1 and the whole is divided by sqrt(T): r_u . h_e is then the mean over weeks of cosines
within a week, and no week counts for more because its model has longer vectors. A gap (an entity that is new, a week
that was not mined) must not be filled with another week's vector as it is: weeks are trained apart, their spaces are
turned against each other, and such a product means nothing. Left at zero, a gap makes all preferences for the entity
small for no reason of its own. So a gap takes the entity's nearest known week, turned into the missing week's space
by the orthogonal map between both that the entities known in both weeks tell (Procrustes, EGL's weeks of one
dictionary). Where too few tell, or no week knows the entity, it is zero.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError
from audience_trainers.relations.ensemble.weeks import Aligned, Floats
from audience_trainers.relations.topn import unit_rows

MOST_DIMS = 2_000  # a row with its vector lies on one page of Postgres


def concatenated(aligned: Aligned) -> Floats:
    """Return h_e (n, T d) float32: rows of length 1 where every week is known or told, 0 where none is.

    A week that knows nobody has no space to turn into and is left out, and so are columns of a narrower week that hold
    nothing but zeros. Raises ConfigError when more than 2,000 dimensions are left.
    """
    lived = np.flatnonzero(aligned.mask.any(axis=0))
    blocks = [unit_rows(aligned.h[:, t]) for t in lived]
    known = aligned.mask[:, lived]
    filled = [_filled(blocks, known, t) for t in range(len(lived))]
    used = [block[:, : _width(block)] for block in filled]
    dims = sum(block.shape[1] for block in used)
    if dims > MOST_DIMS:
        raise ConfigError(
            f"{len(used)} weeks of vectors make h_e {dims:,} dimensions wide: a row of Postgres holds {MOST_DIMS:,}",
            hint="take fewer weeks or smaller vectors",
        )
    if not used:
        return np.zeros((len(aligned.h), 1), np.float32)
    return np.asarray(np.concatenate(used, axis=1) / np.sqrt(len(used)), np.float32)


def rotation(source: Floats, target: Floats) -> npt.NDArray[np.float64]:
    """Return the orthogonal R (d, d) that brings rows of `source` (m, d) closest to those of `target` (m, d)."""
    left, _, right = np.linalg.svd(source.T.astype(np.float64) @ target.astype(np.float64))
    return np.asarray(left @ right)


def _filled(blocks: list[Floats], known: npt.NDArray[np.bool_], week: int) -> Floats:
    """Return one week's block with its gaps taken from the nearest week that knows the entity; the later of two."""
    block = blocks[week].copy()
    gap = ~known[:, week]
    for other in sorted(range(len(blocks)), key=lambda t: (abs(t - week), -t)):
        taken = gap & known[:, other]
        shared = known[:, week] & known[:, other]
        if other == week or not taken.any() or shared.sum() < 2 * max(_width(blocks[week]), _width(blocks[other])):
            continue
        turned = blocks[other][taken] @ rotation(blocks[other][shared], blocks[week][shared])
        turned[:, _width(blocks[week]) :] = 0.0
        block[taken] = unit_rows(turned)
        gap &= ~taken
    return block


def _width(block: Floats) -> int:
    """Return how many leading columns hold anything, at least one."""
    used = np.flatnonzero(np.abs(block).max(axis=0, initial=0.0))
    return int(used[-1]) + 1 if len(used) else 1
