"""Tabular columns of users: drawn from hidden interests, activity and risks with noise, never from the future."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audience_graph.demo.security import lookalike
from audience_graph.demo.services import FloatArray, Services
from audience_graph.demo.sizes import AS_OF, HISTORY_DAYS
from audience_graph.demo.users import RISKS, Users

CONSENT = {"marketing": 0.82, "recommendation": 0.9, "security": 0.99}
# column -> share of missing values
MISSING = {
    "age_band": 0.08, "gender": 0.1, "income_band": 0.25, "has_car": 0.12, "has_child": 0.15, "home_owner": 0.2,
    "spend_90d": 0.03, "coupons_used_90d": 0.05, "beauty_spend_90d": 0.05, "fitness_minutes_30d": 0.2,
    "fund_balance_band": 0.15, "video_minutes_30d": 0.06, "game_minutes_30d": 0.06, "takeaway_orders_30d": 0.05,
    "trips_90d": 0.08, "night_share": 0.05, "kyc_level": 0.02, "failed_sign_ins_30d": 0.04, "device_changes_30d": 0.04,
    "new_payees_30d": 0.05, "incoming_transfers_30d": 0.05, "declined_cards_30d": 0.06, "accounts_on_device": 0.1,
}  # fmt: skip
SNAPSHOTS = (14, 0)  # days before the as-of day


def profile_frame(rng: np.random.Generator, users: Users, services: Services) -> pd.DataFrame:
    """Return two rows per user: the columns as they were known 14 days before the as-of day, and on it."""
    fixed = _fixed(rng, users, services)
    consent = {f"consent_{purpose}": rng.random(len(users)) < share for purpose, share in CONSENT.items()}
    parts = []
    for before in SNAPSHOTS:
        columns = {**fixed, **_moving(rng, users, services, HISTORY_DAYS - before)}
        frame = pd.DataFrame({"user_id": users.ids, "as_of": AS_OF - pd.Timedelta(days=before), **columns})
        for column, share in MISSING.items():
            unknown = rng.random(len(users)) < share
            if isinstance(columns[column][0], str):
                frame[column] = [None if gone else v for v, gone in zip(frame[column], unknown, strict=True)]
            else:
                frame[column] = np.where(unknown, np.nan, frame[column].to_numpy(dtype=np.float64))
        parts.append(frame.assign(**consent))
    frame = pd.concat(parts, ignore_index=True)
    return frame.sort_values(["user_id", "as_of"], kind="stable", ignore_index=True)


def wants(users: Users, services: Services, day: int, *names: str, topic: str | None = None) -> FloatArray:
    """Return how much of each user's interest on a day goes to the named services, or to a whole topic."""
    if topic is not None:
        number = [t.name for t in services.topics].index(topic)
        chosen = np.flatnonzero(services.topic == number)
    else:
        chosen = services.named(*names)
    return np.asarray((users.interest_on(day) * np.isin(users.service, chosen)).sum(axis=1))


def _fixed(rng: np.random.Generator, users: Users, services: Services) -> dict[str, np.ndarray]:
    n, day = len(users), HISTORY_DAYS - 15
    child = wants(users, services, day, topic="baby") + wants(users, services, day, topic="kids_learning")
    car = wants(users, services, day, topic="used_cars") + wants(users, services, day, topic="electric_cars")
    young = wants(users, services, day, topic="mobile_games") + wants(users, services, day, topic="anime")
    beauty = wants(users, services, day, topic="skin_care") + wants(users, services, day, topic="makeup")
    age = np.clip(np.round(rng.normal(2.6, 1.1, n) - 1.5 * young + 0.8 * car), 0, 5).astype(int)
    return {
        "age_band": np.array(["<20", "20-29", "30-39", "40-49", "50-59", "60+"], dtype=object)[age],
        "gender": np.where(rng.random(n) < 0.35 + 0.4 * np.minimum(beauty * 2, 1), "f", "m").astype(object),
        "region": np.array([f"region {r + 1}" for r in range(12)], dtype=object)[users.region],
        "city_tier": rng.choice(np.array([1, 2, 3, 4]), n, p=[0.2, 0.3, 0.3, 0.2]),
        "income_band": np.array(["low", "middle", "high"], dtype=object)[rng.choice(3, n, p=[0.35, 0.45, 0.2])],
        "device": np.array(["android", "ios", "harmony"], dtype=object)[rng.choice(3, n, p=[0.55, 0.3, 0.15])],
        "has_car": (rng.random(n) < 0.25 + 0.6 * np.minimum(2.5 * car, 1)).astype(int),
        "has_child": (rng.random(n) < 0.2 + 0.65 * np.minimum(2.5 * child, 1)).astype(int),
        "home_owner": (rng.random(n) < 0.3 + 0.3 * (age > 2)).astype(int),
        "account_age_days": np.round(rng.gamma(2.0, 500.0, n) * (1 - 0.7 * users.risk[:, RISKS.index("mule")])).astype(
            int
        ),
        "kyc_level": rng.choice(np.array([1, 2, 3]), n, p=[0.2, 0.4, 0.4]),
        "preferred_payment": users.payment,
    }


def _moving(rng: np.random.Generator, users: Users, services: Services, day: int) -> dict[str, np.ndarray]:
    n = len(users)
    busy = users.sessions_per_day / users.sessions_per_day.mean()

    def count(mean: FloatArray) -> np.ndarray:
        return rng.poisson(mean)

    def of(*names: str, topic: str | None = None) -> FloatArray:
        return wants(users, services, day, *names, topic=topic)

    def risk(name: str) -> FloatArray:
        return np.asarray(users.risk[:, RISKS.index(name)] + 0.6 * lookalike(users, services, name))

    beauty, sport = of(topic="makeup") + of(topic="skin_care"), of(topic="fitness")
    return {
        "spend_90d": np.round(rng.lognormal(5.0, 0.8, n) * busy**0.7, 2),
        "coupons_used_90d": count(1.0 + 1.5 * busy + 4.0 * risk("coupon_abuse")),
        "beauty_spend_90d": np.round(rng.gamma(1.0, 15.0, n) * (1 + 20 * beauty), 2),
        "fitness_minutes_30d": np.round(rng.gamma(1.2, 60.0, n) * (1 + 8 * sport)).astype(int),
        "fund_balance_band": np.clip(count(0.6 + 5.0 * of(topic="investing")), 0, 5),
        "video_minutes_30d": np.round(rng.gamma(1.5, 120.0, n) * (1 + 6 * of("short video watching"))).astype(int),
        "game_minutes_30d": np.round(rng.gamma(1.0, 80.0, n) * (1 + 8 * of(topic="mobile_games"))).astype(int),
        "takeaway_orders_30d": count(1.5 + 14.0 * of("fried chicken delivery", "cafe delivery")),
        "trips_90d": count(0.8 + 8.0 * of(topic="rail_flights")),
        "night_share": np.round(rng.beta(2.0, 6.0, n), 3),
        "failed_sign_ins_30d": count(0.3 + 2.5 * risk("takeover")),
        "device_changes_30d": count(0.15 + 1.2 * risk("takeover")),
        "new_payees_30d": count(0.5 + 3.0 * risk("mule")),
        "incoming_transfers_30d": count(1.0 + 6.0 * risk("mule")),
        "declined_cards_30d": count(0.15 + 1.5 * risk("stolen_card")),
        "accounts_on_device": 1 + count(0.1 + 1.2 * risk("coupon_abuse")),
    }
