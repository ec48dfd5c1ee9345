"""Weeks of behaviour whose distribution shifts, over one planted truth: what makes a weekly model fluctuate.

The demo world's plan (entities, hidden services, true relations) stays as it is. Every week has users of its own, and

    topics      each topic's events are thinned by a weight of the week (log-normal): what is in fashion
    channels    each channel's too, and each channel mixes in entities at random, at a rate of the week
    bursts      in some weeks a campaign or a bot shows bundles of unrelated entities, in a row, to many users

Nothing of the truth is used but to make the events and, afterwards, to judge.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from audience_graph.demo.behaviour import make_behaviour
from audience_graph.demo.relations import true_relations
from audience_graph.demo.sizes import HISTORY_DAYS, WorldSize, stream
from audience_graph.demo.users import CHANNELS, make_users
from audience_graph.demo.world import Plan, plan_world
from audience_trainers.relations.behaviour import Behaviour

Ints = npt.NDArray[np.int64]
DAYS = 30
SHOWN = 5  # entities of a bundle that a user of a burst meets in a row


@dataclass(frozen=True, slots=True)
class Shift:
    """How far weeks lie apart."""

    topic: float = 1.0  # standard deviation of a topic's log weight
    channel: float = 0.7  # and of a channel's
    noise: tuple[float, float] = (0.02, 0.2)  # share of a channel's mentions that are at random
    burst_chance: float = 0.4
    bundles: tuple[int, int] = (2, 10)  # how many a burst has
    bundle_size: int = 14
    burst_users: float = 0.3  # share of the users whom a burst shows one bundle


@dataclass(frozen=True, slots=True)
class ShiftedWeeks:
    """A plan, and the behaviour of any week of it; the same seed and week give the same behaviour."""

    seed: int
    weeks: int
    entities: int = 800
    users: int = 4_000
    shift: Shift = field(default_factory=Shift)

    def plan(self) -> Plan:
        size = WorldSize("weeks", self.entities, self.users * self.weeks, 23.0, 1, 0.1, users_per_chunk=self.users)
        return plan_world(size, self.seed)

    def truth(self, plan: Plan) -> Ints:
        """Return the true directed relations as sorted numbers source * n + target."""
        frame = true_relations(plan.entities, plan.services)
        place = {entity: i for i, entity in enumerate(plan.entities.ids)}
        source, target = (frame[name].map(place).to_numpy(np.int64) for name in ("source_id", "target_id"))
        return np.unique(source * len(plan.entities) + target)

    def week(self, plan: Plan, week: int) -> Behaviour:
        """Return the behaviour of one week's users over its 30 days, shifted."""
        rng = np.random.default_rng(stream(self.seed, 77, week))
        users = make_users(plan.size, plan.seed, plan.services, week)
        promoted = plan.phrases.promoted(len(plan.services))  # in the future window, of which no day is taken here
        made = make_behaviour(plan.seed, week, plan.services, plan.entities, users, promoted)
        day = made.second_of // 86_400
        inside = (day >= HISTORY_DAYS - DAYS) & (day < HISTORY_DAYS)
        keep = np.flatnonzero(inside & (rng.random(len(made)) < self._chance(rng, plan, made.service, made.channel)))
        user, entity, channel = (np.repeat(column[keep], 2) for column in (made.user, made.entity, made.channel))
        entity[1::2] = made.second[keep]
        rate = rng.uniform(*self.shift.noise, len(CHANNELS))
        strange = (rng.random(len(entity)) < rate[channel]) & (entity >= 0)
        entity[strange] = rng.integers(0, len(plan.entities), int(strange.sum()))
        user, entity = user[entity >= 0], entity[entity >= 0]
        return self._with_burst(rng, user, entity, len(plan.entities))

    def _chance(self, rng: np.random.Generator, plan: Plan, service: Ints, channel: Ints) -> npt.NDArray[np.float64]:
        topics = np.exp(rng.normal(0.0, self.shift.topic, len(plan.services.topics)))
        channels = np.exp(rng.normal(0.0, self.shift.channel, len(CHANNELS)))
        topic = np.where(service >= 0, topics[plan.services.topic[np.maximum(service, 0)]], 1.0)
        weight = topic * channels[channel]
        return np.asarray(np.minimum(weight / np.quantile(weight, 0.9), 1.0))

    def _with_burst(self, rng: np.random.Generator, user: Ints, entity: Ints, n: int) -> Behaviour:
        if rng.random() < self.shift.burst_chance:
            shown = np.flatnonzero(rng.random(self.users) < self.shift.burst_users)
            count = int(rng.integers(*self.shift.bundles, endpoint=True))
            bundles = np.stack([rng.permutation(n)[: self.shift.bundle_size] for _ in range(count)])
            picks = np.stack([rng.permutation(self.shift.bundle_size)[:SHOWN] for _ in shown])
            mentions = bundles[rng.integers(0, count, len(shown))[:, None], picks]
            user = np.concatenate([user, np.repeat(shown, SHOWN)])
            entity = np.concatenate([entity, mentions.ravel()])
        order = np.argsort(user, kind="stable")
        counts = np.bincount(user, minlength=self.users)
        return Behaviour(entity[order], np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), n)
