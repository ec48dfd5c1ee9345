"""Thirteen labelled scenarios over three domains: a sentence, columns that matter, labels from the future window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from audience_graph.demo.security import lookalike
from audience_graph.demo.services import Services
from audience_graph.demo.users import Users


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who is positive: users with a future event of the services in the channels, or of a risk's outcome.

    `first_time` leaves out users whose history holds such an event.
    """

    name: str
    domain: str
    sentence: str
    columns: tuple[str, ...]
    services: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    risk: str = ""
    first_time: bool = False


_BUY = ("purchase", "payment")
_LOOK = ("visit", "click")
SCENARIOS = (
    Scenario("used_car_sellers", "marketing", "People who will sell their used car in the next two weeks.",
             ("has_car", "age_band", "income_band"), ("used car selling",), ("search", "visit", "click", *_BUY)),
    Scenario("first_baby_goods", "marketing",
             "People who will buy baby food, formula, nappies or a stroller for the first time.",
             ("has_child", "age_band", "gender"), ("baby food", "infant formula", "nappies", "strollers"), _BUY,
             first_time=True),
    Scenario("gym_joiners", "marketing", "People who will spend on a gym, home workouts or sports nutrition.",
             ("fitness_minutes_30d", "age_band", "city_tier"),
             ("gym membership", "home workout", "sports nutrition"), _BUY),
    Scenario("fund_buyers", "marketing", "People who will pay into index funds, gold or money market savings.",
             ("fund_balance_band", "income_band", "kyc_level"),
             ("index funds", "gold savings", "money market savings"), _BUY),
    Scenario("cosmetics_buyers", "marketing", "People who will buy lip, eye or base makeup.",
             ("beauty_spend_90d", "gender", "coupons_used_90d"), ("lip makeup", "eye makeup", "base makeup"), _BUY),
    Scenario("video_watchers", "recommendation", "People who will watch short videos.",
             ("video_minutes_30d", "night_share", "device"), ("short video watching",), ("search", *_LOOK)),
    Scenario("arena_players", "recommendation", "People who will open battle arena or role playing games.",
             ("game_minutes_30d", "age_band", "night_share"), ("battle arena games", "role playing games"), _LOOK),
    Scenario("takeaway_orderers", "recommendation", "People who will order coffee or fried chicken to their door.",
             ("takeaway_orders_30d", "city_tier", "spend_90d"), ("cafe delivery", "fried chicken delivery"), _BUY),
    Scenario("travel_planners", "recommendation", "People who will look for train tickets or cheap flights.",
             ("trips_90d", "city_tier", "income_band"), ("train tickets", "cheap flights"), ("search", *_LOOK)),
    Scenario("account_takeover", "security", "Accounts that are about to be taken over by somebody else.",
             ("failed_sign_ins_30d", "device_changes_30d", "account_age_days"), risk="takeover"),
    Scenario("money_mules", "security", "Accounts that pass on money for strangers.",
             ("incoming_transfers_30d", "new_payees_30d", "account_age_days"), risk="mule"),
    Scenario("stolen_cards", "security", "Users whose card payments will turn out to be fraud.",
             ("declined_cards_30d", "device_changes_30d", "spend_90d"), risk="stolen_card"),
    Scenario("coupon_abusers", "security", "Users who will collect new customer coupons with several accounts.",
             ("accounts_on_device", "coupons_used_90d", "account_age_days"), risk="coupon_abuse"),
)  # fmt: skip


def scenario_frame() -> pd.DataFrame:
    """Return one row per scenario: name, domain, sentence, columns."""
    return pd.DataFrame(
        {
            "scenario": [s.name for s in SCENARIOS],
            "domain": [s.domain for s in SCENARIOS],
            "sentence": [s.sentence for s in SCENARIOS],
            "columns": [list(s.columns) for s in SCENARIOS],
        }
    )


def label_frame(users: Users, services: Services, history: pd.DataFrame, future: pd.DataFrame) -> pd.DataFrame:
    """Return one row per eligible user and scenario: scenario, user_id, label 0 or 1, hard_negative.

    A hard negative looks like a positive (same wants or traces before) and is none.
    """
    ids = pd.Series(users.ids)
    parts = []
    for scenario in SCENARIOS:
        label = ids.isin(future.loc[_matches(scenario, services, future), "user_id"])
        before = ids.isin(history.loc[_matches(scenario, services, history), "user_id"])
        if scenario.risk:
            similar = lookalike(users, services, scenario.risk) == 1
        else:
            similar = np.isin(users.service, services.named(*scenario.services)).any(axis=1)
        frame = pd.DataFrame(
            {
                "scenario": scenario.name,
                "user_id": ids,
                "label": label.astype("int8"),
                "hard_negative": similar & ~label,
            }
        )
        parts.append(frame[~before] if scenario.first_time else frame)
    return pd.concat(parts, ignore_index=True)


def _matches(scenario: Scenario, services: Services, events: pd.DataFrame) -> pd.Series:
    if scenario.risk:
        return (events["risk"] == scenario.risk) & (events["outcome"] == 1)
    wanted = events["true_service"].isin(services.named(*scenario.services))
    return wanted & events["channel"].isin(scenario.channels)
