"""Users of the demo world: hidden interests over time, activity, risks, habits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.demo.entities import REGIONS
from audience_graph.demo.services import FloatArray, IntArray, Services
from audience_graph.demo.sizes import DAYS, HISTORY_DAYS, WorldSize, stream

MAX_INTERESTS = 8
SPREAD = 0.7  # of log activity: the busiest 5 % of users make about a fifth of the events
RISKS = ("takeover", "mule", "stolen_card", "coupon_abuse")
CHANNELS = ("search", "visit", "purchase", "click", "payment")
PAYMENT_CHANNELS = ("balance", "debit_card", "credit_card", "instalment", "bank_transfer")


@dataclass(frozen=True, slots=True)
class Users:
    """Hidden truth about users [first, first + n). Interests are padded to MAX_INTERESTS columns; service -1 = none.

    An interest is in force on days since <= day < until. `risk` holds one column per name of RISKS.
    """

    first: int
    service: IntArray  # (n, MAX_INTERESTS)
    weight: FloatArray  # (n, MAX_INTERESTS), rows of the regular interests sum to 1
    since: IntArray
    until: IntArray
    sessions_per_day: FloatArray  # (n,)
    risk: FloatArray  # (n, len(RISKS)) 0 or 1
    chinese: IntArray  # (n,) 1 = writes Chinese
    channel: FloatArray  # (n, len(CHANNELS)) shares of channels
    payment: IntArray  # (n,) preferred payment channel
    region: IntArray  # (n,) where the user lives; what is popular differs by region

    def __len__(self) -> int:
        return len(self.service)

    @property
    def ids(self) -> list[str]:
        return [f"u{u:07d}" for u in range(self.first, self.first + len(self))]

    def interest_on(self, day: int) -> FloatArray:
        """Return the weights in force on a day, rows summing to 1 (0 for a user who wants nothing)."""
        live = np.where((self.since <= day) & (day < self.until) & (self.service >= 0), self.weight, 0.0)
        return np.asarray(live / np.maximum(live.sum(axis=1, keepdims=True), 1e-12))


def make_users(size: WorldSize, seed: int, services: Services, chunk: int) -> Users:
    """Return the users of one chunk; chunks are independent, so that a large world needs the memory of one."""
    rng = np.random.default_rng(stream(seed, 5, chunk))
    first = chunk * size.users_per_chunk
    n = min(size.users, first + size.users_per_chunk) - first
    service, count = _interests(rng, services, n)
    held = np.arange(MAX_INTERESTS) < count[:, None]
    weight = np.where(held, rng.gamma(1.2, 1.0, held.shape) + 0.05, 0.0)
    weight /= weight.sum(axis=1, keepdims=True)
    since, until = _change(rng, count)
    service = np.where(held, service, -1)
    activity = rng.lognormal(0.0, SPREAD, n)
    mean = size.sessions_per_user / HISTORY_DAYS / np.exp(SPREAD**2 / 2)
    risk = (rng.random((n, len(RISKS))) < np.array([0.05, 0.04, 0.04, 0.06])).astype(np.float64)
    return Users(
        first=first,
        service=service,
        weight=weight,
        since=since,
        until=until,
        sessions_per_day=np.clip(activity, 0.05, 12.0) * mean,
        risk=risk,
        chinese=(rng.random(n) < 0.15).astype(np.int64),
        channel=rng.dirichlet(np.array([3.5, 3.5, 1.5, 3.0, 1.2]), n),
        payment=rng.choice(len(PAYMENT_CHANNELS), n, p=[0.35, 0.25, 0.25, 0.1, 0.05]),
        region=rng.integers(0, REGIONS, n),
    )


def _interests(rng: np.random.Generator, services: Services, n: int) -> tuple[IntArray, IntArray]:
    """Return services (n, MAX_INTERESTS) and how many each user has (1 to 7): near ones go together."""
    count = np.minimum(1 + rng.poisson(2.0, n), 7)
    cumulative = np.cumsum(services.mass)
    chosen = np.searchsorted(cumulative, rng.random((n, MAX_INTERESTS)) * cumulative[-1]).astype(np.int64)
    jump = rng.random((n, MAX_INTERESTS)) < 0.45
    for k in range(1, MAX_INTERESTS):
        origin = chosen[np.arange(n), (rng.random(n) * k).astype(np.int64)]
        chosen[:, k] = np.where(jump[:, k], neighbour(rng, services, origin), chosen[:, k])
    return chosen, count


def neighbour(rng: np.random.Generator, services: Services, origin: IntArray) -> IntArray:
    """Return one random neighbour of each service."""
    width = max(len(near) for near in services.near)
    table = np.array([np.resize(near, width) for near in services.near])
    degree = np.array([len(near) for near in services.near])
    return np.asarray(table[origin, (rng.random(len(origin)) * degree[origin]).astype(np.int64)], dtype=np.int64)


def _change(rng: np.random.Generator, count: IntArray) -> tuple[IntArray, IntArray]:
    """Return when interests begin and end: 15 % of users with several gain one around the as-of day, 8 % lose one."""
    n = len(count)
    since = np.zeros((n, MAX_INTERESTS), dtype=np.int64)
    until = np.full((n, MAX_INTERESTS), DAYS, dtype=np.int64)
    several = count > 1
    gains = several & (rng.random(n) < 0.15)
    since[gains, count[gains] - 1] = rng.integers(HISTORY_DAYS - 10, HISTORY_DAYS + 4, int(gains.sum()))
    loses = several & ~gains & (rng.random(n) < 0.08)
    until[loses, 0] = rng.integers(HISTORY_DAYS - 20, HISTORY_DAYS - 2, int(loses.sum()))
    return since, until
