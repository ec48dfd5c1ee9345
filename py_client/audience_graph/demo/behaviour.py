"""What users do, before it is put into words: when, in which channel, about which entities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audience_graph.demo.entities import Entities
from audience_graph.demo.services import FloatArray, IntArray, Services
from audience_graph.demo.sizes import DAYS, HISTORY_DAYS, stream
from audience_graph.demo.users import CHANNELS, Users, neighbour

SECONDS = 86_400
# Of the events of a session: about its own want, about a neighbouring want, about anything popular; the rest: nothing.
OWN, NEAR, POPULAR = 0.38, 0.12, 0.44
# A want's sessions in the future window go to the entity that is being promoted there, with this chance.
PROMOTION = 0.25
# Of the popular events of the future window this share goes to one of the promoted entities, whoever the user is.
LEAK = 0.005
_WEEK = np.array([0.9, 0.9, 0.95, 1.0, 1.1, 1.25, 1.2])
# topic -> (peak day, width): a wave that takes users along whatever they like
SEASONS = {"family_trips": (12, 6.0), "bakery": (30, 4.0), "beach_travel": (47, 7.0), "films": (22, 3.0)}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Events in the order of users, then time. `entity` / `second` = -1 where an event mentions none."""

    user: IntArray  # index within the chunk
    second_of: IntArray  # seconds since the first day
    channel: IntArray
    entity: IntArray
    second: IntArray
    service: IntArray  # the want behind it, -1 for noise

    def __len__(self) -> int:
        return len(self.user)


@dataclass(frozen=True, slots=True)
class Choice:
    """Draw an entity of a service by popularity: a row of cumulative weights per service."""

    offsets: IntArray
    entity: IntArray
    cumulative: FloatArray
    since: IntArray
    until: IntArray

    def draw(self, rng: np.random.Generator, service: IntArray, day: IntArray) -> IntArray:
        """Return an entity of each service, -1 where the drawn one does not serve it on that day."""
        low, high = self.offsets[service], self.offsets[service + 1]
        base = np.where(low > 0, self.cumulative[low - 1], 0.0)
        target = base + rng.random(len(service)) * (self.cumulative[high - 1] - base)
        at = np.clip(np.searchsorted(self.cumulative, target, side="right"), low, high - 1)
        serves = (self.since[at] <= day) & (day < self.until[at])
        return np.asarray(np.where(serves, self.entity[at], -1), dtype=np.int64)


def entity_choice(entities: Entities, n_services: int, held_back: IntArray) -> Choice:
    """Return the chooser of a world. `held_back` entities are little known yet: their history weight is a third."""
    members = entities.members
    order = np.lexsort((members.entity, members.service))
    pull = (entities.popularity * len(entities)) ** 0.6
    pull[held_back] /= 3.0
    weight = members.weight[order] * pull[members.entity[order]]
    counts = np.bincount(members.service, minlength=n_services)
    return Choice(
        offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        entity=members.entity[order],
        cumulative=np.cumsum(weight),
        since=members.since[order],
        until=members.until[order],
    )


def make_behaviour(
    seed: int, chunk: int, services: Services, entities: Entities, users: Users, promoted: IntArray
) -> Behaviour:
    """Return what the users of a chunk do on all days, history and future.

    `promoted[s]` is the entity that service s promotes in the future window, -1 for none.
    """
    rng = np.random.default_rng(stream(seed, 6, chunk))
    user, day, clock, want = _sessions(rng, services, users)
    length = np.minimum(1 + rng.poisson(1.6, len(user)), 12)
    owner = np.repeat(np.arange(len(user)), length)
    day, want, user = day[owner], want[owner], user[owner]
    minute = rng.integers(20, 600, len(owner)).cumsum()
    starts = np.repeat(minute[np.cumsum(length) - length], length)
    moment = np.minimum(day * SECONDS + clock[owner] + (minute - starts), (day + 1) * SECONDS - 1)
    region = users.region[user]
    service, entity = _subjects(rng, services, entities, want, day, region, promoted)
    twice = np.where(rng.random(len(want)) < 0.15, service, -1)
    again, second = _subjects(rng, services, entities, twice, day, region, promoted)
    second = np.where((again == service) & (again >= 0) & (second != entity) & (entity >= 0), second, -1)
    channel = _channel(rng, users, user)
    order = np.lexsort((moment, user))
    return Behaviour(
        user=user[order],
        second_of=moment[order],
        channel=channel[order],
        entity=entity[order],
        second=second[order],
        service=service[order],
    )


def _sessions(
    rng: np.random.Generator, services: Services, users: Users
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return user, day, second of the day and want (-1 = no want behind it) of every session."""
    count = rng.poisson(users.sessions_per_day * DAYS)
    user = np.repeat(np.arange(len(users)), count)
    weekday = np.tile(_WEEK, DAYS // 7 + 1)[:DAYS]
    day = np.searchsorted(np.cumsum(weekday) / weekday.sum(), rng.random(len(user)))
    home = rng.normal(15.0, 3.5, len(users))
    clock = (np.clip(rng.normal(home[user], 3.0), 0.0, 23.5) * 3600).astype(np.int64)
    live = (users.since[user] <= day[:, None]) & (day[:, None] < users.until[user]) & (users.service[user] >= 0)
    weight = np.where(live, users.weight[user], 0.0).cumsum(axis=1)
    column = (weight < rng.random(len(user))[:, None] * weight[:, -1:]).sum(axis=1)
    want = users.service[user, np.minimum(column, users.service.shape[1] - 1)]
    kind = rng.random(len(user))
    want = np.where(kind < 0.10, -1, want)
    seasonal = kind > 0.94
    want[seasonal] = _seasonal(rng, services, day[seasonal])
    return user, day, clock, want


def _seasonal(rng: np.random.Generator, services: Services, day: IntArray) -> IntArray:
    """Return a service of a topic in season on that day, -1 where no season is on."""
    names = [topic.name for topic in services.topics]
    want = np.full(len(day), -1, dtype=np.int64)
    for name, (peak, width) in SEASONS.items():
        hit = rng.random(len(day)) < np.exp(-(((day - peak) / width) ** 2))
        own = np.flatnonzero(services.topic == names.index(name))
        want[hit] = own[rng.integers(0, len(own), int(hit.sum()))]
    return want


def _subjects(
    rng: np.random.Generator,
    services: Services,
    entities: Entities,
    want: IntArray,
    day: IntArray,
    region: IntArray,
    promoted: IntArray,
) -> tuple[IntArray, IntArray]:
    """Return the service behind each event and the entity that it is about (-1 = none)."""
    n = len(want)
    kind = rng.random(n)
    wanted = want >= 0
    service = np.where(wanted & (kind < OWN + NEAR), want, -1)
    near = wanted & (kind >= OWN) & (kind < OWN + NEAR)
    service[near] = neighbour(rng, services, want[near])
    held_back = promoted[promoted >= 0]
    choice = entity_choice(entities, len(services), held_back)
    entity = np.full(n, -1, dtype=np.int64)
    has = service >= 0
    entity[has] = choice.draw(rng, service[has], day[has])
    offer = np.where(has, promoted[np.maximum(service, 0)], -1)
    pushed = (day >= HISTORY_DAYS) & (offer >= 0) & (rng.random(n) < PROMOTION)
    entity = np.where(pushed, offer, entity)
    popular = (kind >= OWN + NEAR) & (kind < OWN + NEAR + POPULAR) | (~wanted & (kind < 0.85)) | (has & (entity < 0))
    # one searchsorted over all regions: row r of the cumulative table lies in (r, r + 1]
    table = (np.cumsum(entities.regional, axis=1) + np.arange(len(entities.regional))[:, None]).ravel()
    drawn = np.searchsorted(table, region + rng.random(n) * (1 - 1e-9)) % len(entities)
    known = promoted[promoted >= 0]
    leak = (day >= HISTORY_DAYS) & (rng.random(n) < LEAK)
    drawn = np.where(leak, known[rng.integers(0, len(known), n)], drawn)
    return np.where(popular, -1, service), np.where(popular, drawn, entity)


def _channel(rng: np.random.Generator, users: Users, user: IntArray) -> IntArray:
    cumulative = users.channel.cumsum(axis=1)[user]
    return np.asarray(np.minimum((cumulative < rng.random(len(user))[:, None]).sum(axis=1), len(CHANNELS) - 1))
