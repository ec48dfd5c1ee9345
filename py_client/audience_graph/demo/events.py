"""Event rows in the input contract: behaviour and security traces of a chunk of users as one frame."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audience_graph.demo.behaviour import Behaviour
from audience_graph.demo.entities import Entities
from audience_graph.demo.security import Traces
from audience_graph.demo.services import FloatArray, Services
from audience_graph.demo.sizes import AS_OF, HISTORY_DAYS
from audience_graph.demo.texts import Surfaces, write_texts
from audience_graph.demo.users import CHANNELS, PAYMENT_CHANNELS, RISKS, Users

COLUMNS = (
    "event_id", "user_id", "time", "channel", "text", "entity_ids", "items", "merchant", "category", "amount",
    "status", "payment_channel",
)  # fmt: skip
# What the generator knows and a reader of the world does not.
TRUTH_COLUMNS = ("true_entity_ids", "true_service", "risk", "outcome")
_TAGGED = np.array([0.0, 0.15, 0.35, 0.35, 0.10])  # share of events that carry entity_ids, by channel


def event_frame(
    rng: np.random.Generator,
    chunk: int,
    behaviour: Behaviour,
    traces: Traces,
    users: Users,
    entities: Entities,
    services: Services,
    surfaces: Surfaces,
) -> pd.DataFrame:
    """Return the events of a chunk, sorted by user and time: COLUMNS, then TRUTH_COLUMNS."""
    frame = pd.concat(
        [
            _wants(rng, behaviour, users, entities, services, surfaces),
            _security(traces),
        ],
        ignore_index=True,
    ).sort_values(["user", "second_of"], kind="stable", ignore_index=True)
    ids = np.array(users.ids)
    start = np.datetime64(AS_OF.replace(tzinfo=None), "us") - np.timedelta64(HISTORY_DAYS, "D")
    frame["user_id"] = ids[frame["user"].to_numpy()]
    frame["time"] = pd.to_datetime(start + frame["second_of"].to_numpy().astype("timedelta64[s]")).tz_localize("UTC")
    frame["event_id"] = [f"e{chunk:03d}{i:08d}" for i in range(len(frame))]
    return frame[[*COLUMNS, *TRUTH_COLUMNS]]


def _wants(
    rng: np.random.Generator,
    behaviour: Behaviour,
    users: Users,
    entities: Entities,
    services: Services,
    surfaces: Surfaces,
) -> pd.DataFrame:
    texts = write_texts(rng, behaviour, users, entities, services, surfaces)
    channel, entity = behaviour.channel, behaviour.entity
    true = [
        [entities.ids[i] for i in (e, s) if i >= 0]
        for e, s in zip(entity.tolist(), behaviour.second.tolist(), strict=True)
    ]
    tagged = (rng.random(len(channel)) < _TAGGED[channel]).tolist()
    money = np.isin(channel, [CHANNELS.index("purchase"), CHANNELS.index("payment")])
    service = np.where(entity >= 0, entities.main[np.maximum(entity, 0)], -1)
    amount = np.round(np.exp(rng.normal(3.2, 1.0, len(channel)) + 0.5 * _dear(services)[service] * (service >= 0)), 2)
    return pd.DataFrame(
        {
            "user": behaviour.user,
            "second_of": behaviour.second_of,
            "channel": np.array(CHANNELS)[channel],
            "text": texts,
            "entity_ids": [own if has else [] for own, has in zip(true, tagged, strict=True)],
            "items": _items(rng, channel, service, services),
            "merchant": _merchants(rng, entity, money, entities),
            "category": _categories(rng, service, services),
            "amount": np.where(money, amount, np.nan),
            "status": _only(money, _status(rng, len(channel))),
            "payment_channel": _only(money, _payment(rng, behaviour, users)),
            "true_entity_ids": true,
            "true_service": behaviour.service,
            "risk": None,
            "outcome": 0,
        }
    )


def _security(traces: Traces) -> pd.DataFrame:
    n = len(traces.text)
    return pd.DataFrame(
        {
            "user": traces.user,
            "second_of": traces.second_of,
            "channel": traces.channel,
            "text": traces.text,
            "entity_ids": [[] for _ in range(n)],
            "items": [[] for _ in range(n)],
            "merchant": None,
            "category": "account security",
            "amount": np.nan,
            "status": np.where(traces.outcome == 1, "blocked", "ok"),
            "payment_channel": None,
            "true_entity_ids": [[] for _ in range(n)],
            "true_service": -1,
            "risk": np.array(RISKS, dtype=object)[traces.risk],
            "outcome": traces.outcome,
        }
    )


def _dear(services: Services) -> FloatArray:
    """Return how expensive a service is, in steps from 0 to 4, fixed by its topic."""
    return np.asarray(services.topic % 5, dtype=np.float64)


def _items(rng: np.random.Generator, channel: np.ndarray, service: np.ndarray, services: Services) -> list[list[str]]:
    bought = (channel == CHANNELS.index("purchase")) & (service >= 0) & (rng.random(len(channel)) < 0.8)
    draws = rng.random((len(channel), 2)).tolist()
    return [
        _pick(services.nouns[s], d) if is_bought else []
        for is_bought, s, d in zip(bought.tolist(), service.tolist(), draws, strict=True)
    ]


def _pick(nouns: tuple[str, ...], draw: list[float]) -> list[str]:
    first, second = nouns[int(draw[0] * len(nouns))], nouns[int(draw[1] * len(nouns))]
    return [first] if draw[0] < 0.6 or first == second else [first, second]


def _merchants(rng: np.random.Generator, entity: np.ndarray, money: np.ndarray, entities: Entities) -> list[str | None]:
    shown = money & (entity >= 0) & (rng.random(len(entity)) < 0.7)
    names = entities.names
    return [names[e] if is_shown else None for e, is_shown in zip(entity.tolist(), shown.tolist(), strict=True)]


def _categories(rng: np.random.Generator, service: np.ndarray, services: Services) -> list[str | None]:
    words = [services.topics[t].name.replace("_", " ") for t in services.topic]
    known = (service >= 0) & (rng.random(len(service)) < 0.85)
    return [words[s] if is_known else None for s, is_known in zip(service.tolist(), known.tolist(), strict=True)]


def _status(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.choice(np.array(["ok", "failed", "refunded", "pending"], dtype=object), n, p=[0.92, 0.03, 0.03, 0.02])


def _payment(rng: np.random.Generator, behaviour: Behaviour, users: Users) -> np.ndarray:
    own = users.payment[behaviour.user]
    other = rng.integers(0, len(PAYMENT_CHANNELS), len(own))
    return np.array(PAYMENT_CHANNELS, dtype=object)[np.where(rng.random(len(own)) < 0.75, own, other)]


def _only(shown: np.ndarray, values: np.ndarray) -> list[str | None]:
    return [value if is_shown else None for value, is_shown in zip(values.tolist(), shown.tolist(), strict=True)]
