"""Account security in the demo world: what risky users leave behind, and users who only look like them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.demo.behaviour import SECONDS
from audience_graph.demo.services import FloatArray, IntArray, Services
from audience_graph.demo.sizes import DAYS, HISTORY_DAYS
from audience_graph.demo.users import RISKS, Users

# risk -> (what is seen before, what it ends in, channel of both)
TRACES: dict[str, tuple[tuple[str, ...], tuple[str, ...], str]] = {
    "takeover": (
        ("sign in from a new device", "password reset requested", "sign in failed, wrong password", "新设备登录"),
        ("account locked after takeover report", "identity check failed, sign in blocked"),
        "visit",
    ),
    "mule": (
        ("small incoming transfer from a stranger", "new payee added", "withdrawal right after deposit", "陌生人转账"),
        ("transfer frozen by risk control", "incoming funds returned to sender"),
        "payment",
    ),
    "stolen_card": (
        ("card added and removed", "card payment declined", "payment from an unusual city", "刷卡被拒"),
        ("payment reported as fraud", "chargeback by card holder"),
        "payment",
    ),
    "coupon_abuse": (
        ("new customer coupon opened again", "invite reward claimed", "second account on this phone", "新人券"),
        ("coupon order cancelled by rules", "invite reward withdrawn"),
        "click",
    ),
}
# Users with these wants leave the same traces and end well: the hard negatives of the risk.
LOOKALIKES = {
    "takeover": ("phone upgrade", "phone repair", "business hotels"),
    "mule": ("small business loans", "used car selling"),
    "stolen_card": ("cheap flights", "island resorts"),
    "coupon_abuse": ("cafe delivery", "fried chicken delivery"),
}


@dataclass(frozen=True, slots=True)
class Traces:
    """Security events of a chunk: who, when, which risk, whether it is the outcome, text and channel."""

    user: IntArray
    second_of: IntArray
    risk: IntArray
    outcome: IntArray
    text: list[str]
    channel: list[str]


def lookalike(users: Users, services: Services, risk: str) -> IntArray:
    """Return 1 for users whose wants make them look like the risk without having it."""
    wanted = np.isin(users.service, services.named(*LOOKALIKES[risk])).any(axis=1)
    return np.asarray(wanted & (users.risk[:, RISKS.index(risk)] == 0), dtype=np.int64)


def make_traces(rng: np.random.Generator, users: Users, services: Services) -> Traces:
    """Return the security events of a chunk: traces on all days, outcomes in the future window and a few before."""
    parts: list[tuple[IntArray, IntArray, int, int]] = []
    for r, risk in enumerate(RISKS):
        held = users.risk[:, r]
        seen = 0.05 + 4.0 * held + 2.0 * lookalike(users, services, risk)
        parts.append((*_moments(rng, seen, 0, DAYS), r, 0))
        parts.append((*_moments(rng, 0.15 * held, 0, HISTORY_DAYS), r, 1))
        parts.append((*_moments(rng, 0.01 + 1.3 * held, HISTORY_DAYS, DAYS), r, 1))
    user = np.concatenate([p[0] for p in parts])
    moment = np.concatenate([p[1] for p in parts])
    risk_of = np.concatenate([np.full(len(p[0]), p[2]) for p in parts])
    outcome = np.concatenate([np.full(len(p[0]), p[3]) for p in parts])
    order = np.lexsort((moment, user))
    draw = rng.random(len(user))
    text, channel = [], []
    for i in order:
        before, after, where = TRACES[RISKS[risk_of[i]]]
        options = after if outcome[i] else before
        text.append(options[int(draw[i] * len(options))])
        channel.append(where)
    return Traces(user[order], moment[order], risk_of[order], outcome[order], text, channel)


def _moments(rng: np.random.Generator, mean: FloatArray, first: int, last: int) -> tuple[IntArray, IntArray]:
    count = rng.poisson(mean)
    user = np.repeat(np.arange(len(mean)), count)
    return user, rng.integers(first * SECONDS, last * SECONDS, len(user))
