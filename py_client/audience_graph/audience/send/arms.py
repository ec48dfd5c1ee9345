"""Which arm a user is in: SHA-256(salt, 0x1f, user id), its first 8 bytes as a number in [0, 1), cut at the shares.

The hash needs nothing but the salt and the id, so a user keeps an arm across exports, processes and machines. Postgres
computes it for a whole audience (`arm_sql`), numpy for ids at hand (`arms_of`); both compare 64 bits exactly.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError

HOLDOUT = "holdout"
TREATMENT = "treatment"
LEAST_SHARE = 0.001
_LONGEST = 100
_WIDTH = 8  # bytes of the hash that count


@dataclass(frozen=True, slots=True)
class Arms:
    """A split of users: the salt, and (name, share) in order; shares add up to 1, `holdout` is never sent."""

    salt: str
    shares: tuple[tuple[str, float], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.shares)

    @property
    def bounds(self) -> tuple[int, ...]:
        """Where each arm but the last one ends, in units of 2^-64: hash < bound."""
        ends = accumulate(exact(share) for _, share in self.shares[:-1])
        return tuple(math.ceil(end * 2 ** (8 * _WIDTH)) for end in ends)


def exact(share: float) -> Fraction:
    """Return a share as the decimal number that was written: .45 + .45 + .1 is 1."""
    return Fraction(repr(float(share)))


def checked_shares(share: float | None, arms: Mapping[str, float] | None) -> tuple[tuple[str, float], ...]:
    """Return the arms of a holdout share, or arms by name. Raises ConfigError for shares that split nothing."""
    if (share is None) == (arms is None):
        raise ConfigError("pass a share to hold out, or arms", hint="share=0.1, or arms={'a': 0.5, 'b': 0.5}")
    if arms is None:
        held = _checked(HOLDOUT, share)
        arms = {TREATMENT: float(1 - exact(held)), HOLDOUT: held}
    found = tuple((name, _checked(name, value)) for name, value in arms.items())
    if sum(exact(value) for _, value in found) != 1:
        raise ConfigError(f"the shares of the arms add up to {sum(v for _, v in found):g}, not to 1")
    if len(found) < 2:
        raise ConfigError("one arm alone splits nothing", hint="arms={'treatment': 0.9, 'holdout': 0.1}")
    return found


def places(salt: str, user_ids: Sequence[str]) -> npt.NDArray[np.uint64]:
    """Return where users fall, (n,) in units of 2^-64."""
    start = hashlib.sha256(salt.encode() + b"\x1f")
    data = bytearray()
    for user_id in user_ids:
        one = start.copy()
        one.update(user_id.encode())
        data += one.digest()[:_WIDTH]
    return np.frombuffer(bytes(data), ">u8").astype(np.uint64)


def arms_of(arms: Arms, user_ids: Sequence[str]) -> npt.NDArray[np.str_]:
    """Return the name of each user's arm, (n,)."""
    bounds = np.array(arms.bounds, np.uint64)
    return np.array(arms.names)[np.searchsorted(bounds, places(arms.salt, user_ids), side="right")]


def arm_sql(user_id: str) -> str:
    """Return the SQL of a user's arm; its parameters are those of `arm_parameters`."""
    hashed = f"sha256(convert_to(%(salt)s::text || chr(31) || {user_id}, 'UTF8'))"
    return f"(%(arms)s::text[])[width_bucket(substr({hashed}, 1, {_WIDTH}), %(bounds)s::bytea[]) + 1]"


def arm_parameters(arms: Arms) -> dict[str, Any]:
    """Return the parameters of `arm_sql`. Bytes of a number compare as the number does."""
    bounds = [bound.to_bytes(_WIDTH, "big") for bound in arms.bounds]
    return {"salt": arms.salt, "arms": list(arms.names), "bounds": bounds}


def _checked(name: object, share: object) -> float:
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST or not name.isprintable():
        raise ConfigError(f"an arm is named by up to {_LONGEST} characters, not {name!r}")
    if isinstance(share, bool) or not isinstance(share, int | float) or not math.isfinite(share):
        raise ConfigError(f"the share of an arm is a number between 0 and 1, not {share!r}")
    if not LEAST_SHARE <= share <= 1 - LEAST_SHARE:
        raise ConfigError(f"the share of an arm is from {LEAST_SHARE} to {1 - LEAST_SHARE}, not {share!r}")
    return float(share)
