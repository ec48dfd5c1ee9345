"""Cut times: no training window overlaps a test window, none ends after the last event."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from audience_graph.errors import ConfigError
from audience_trainers.run import resolve_config
from audience_trainers.users.pairs.build import PairsConfig
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.windows import DAY, WindowConfig, Windows, held_out, plan_windows
from users.folders import seconds


def cuts(windows: Windows, split: int) -> list[int]:
    return windows.cut[windows.split == split].tolist()


@pytest.mark.parametrize("horizon", [1, 5, 14, 21])
@pytest.mark.parametrize("step", [1, 7, 30])
@pytest.mark.parametrize("kept", [(1, 0), (2, 1), (0, 2), (0, 0)])
def test_windows_of_different_splits_never_overlap(horizon: int, step: int, kept: tuple[int, int]) -> None:
    config = WindowConfig(horizon_days=horizon, step_days=step, test_cuts=kept[0], validation_cuts=kept[1])
    last = seconds(200) + 12_345
    windows = plan_windows(seconds(0), last, config)
    begin, end = windows.described
    assert int(end.max()) <= last + 1
    assert last + 1 - int(end.max()) < DAY
    assert int(begin.min()) >= seconds(7)
    assert (len(cuts(windows, 2)), len(cuts(windows, 1))) == kept
    for one, other in ((0, 1), (0, 2), (1, 2)):
        for a in cuts(windows, one):
            for b in cuts(windows, other):
                assert a + windows.horizon <= b
    assert np.diff(cuts(windows, 0)).tolist() == [step * DAY] * (len(cuts(windows, 0)) - 1)
    tests = cuts(windows, 2)
    assert all(b - a >= windows.horizon for a, b in pairwise(tests))


def test_a_window_that_ends_with_the_last_second_is_whole() -> None:
    config = WindowConfig(test_cuts=0)
    assert plan_windows(seconds(0), seconds(40) - 1, config).cut[-1] == seconds(26)
    assert plan_windows(seconds(0), seconds(40) - 2, config).cut[-1] == seconds(25)


def test_windows_after_the_last_event_are_refused() -> None:
    config = WindowConfig(last="2026-01-28", test_cuts=0)
    assert plan_windows(seconds(0), seconds(41) - 1, config).cut[-1] == seconds(27)
    with pytest.raises(ConfigError, match="ends after the last event, 2026-02-10 23:59:58") as caught:
        plan_windows(seconds(0), seconds(41) - 2, config)
    assert "2026-01-27" in str(caught.value.hint)


def test_first_bounds_the_cuts_and_never_lies_before_the_events() -> None:
    config = WindowConfig(first="2026-01-10", test_cuts=0, step_days=1)
    assert plan_windows(seconds(0), seconds(41), config).cut[0] == seconds(9)
    assert plan_windows(seconds(12.5), seconds(41), config).cut[0] == seconds(13)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"horizon_days": 0}, "horizon_days is 0"),
        ({"step_days": 5_000}, "step_days is 5,000"),
        ({"test_cuts": -1}, "test_cuts is -1"),
        ({"validation_share": 1.0}, "validation_share is 1.0"),
        ({"last": "tomorrow"}, "last: 'tomorrow' is no day"),
        ({"horizon_days": 40}, "leave no training window of 40 days"),
        ({"test_cuts": 3}, "leave no training window"),
    ],
)
def test_settings_that_cannot_be_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        plan_windows(seconds(0), seconds(41), WindowConfig(**settings))  # type: ignore[arg-type]


def test_present_windows_are_the_history() -> None:
    windows = plan_windows(seconds(0), seconds(60), WindowConfig(present=True, history_days=20))
    begin, end = windows.described
    assert end.tolist() == windows.cut.tolist()
    assert (end - begin).tolist() == [20 * DAY] * len(end)


def test_who_is_held_out_depends_on_the_id_alone() -> None:
    users = tuple(f"u{i}" for i in range(2_000))
    marks = held_out(users, 0.25)
    assert 400 < int(marks.sum()) < 600
    assert held_out(users[::-1], 0.25)[::-1].tolist() == marks.tolist()
    assert not held_out(users, 0.0).any()


def test_settings_are_named_with_a_dot() -> None:
    config = resolve_config(PairsConfig, ["windows.horizon_days=28", "describe.when=0", "least_users=3"])
    assert (config.windows.horizon_days, config.describe.when, config.least_users) == (28, 0.0, 3)
    with pytest.raises(ConfigError, match=r"describe: amount is 2\.0"):
        resolve_config(PairsConfig, ["describe.amount=2"])


@pytest.mark.parametrize(
    ("channel", "family"),
    [
        ("purchase", "purchase"), ("orders", "purchase"), ("OrderPlaced", "purchase"), ("pos_transaction", "purchase"),
        ("visit", "browse"), ("page_view", "browse"), ("view_order", "browse"), ("watch", "browse"), ("xyz", "browse"),
        ("app_search", "search"), ("searchQuery", "search"), ("SEARCH", "search"), ("click", "click"), ("tap", "click"),
        ("payment", "payment"), ("bill", "payment"), ("pay", "payment"), ("搜索", "browse"),
    ],
)  # fmt: skip
def test_channels_are_read_word_by_word(channel: str, family: str) -> None:
    assert FamilyMap().family(channel) == family


def test_the_caller_decides_what_a_channel_is() -> None:
    families = FamilyMap.parse(["coupon=purchase", "a=b=search"])
    assert (families.family("coupon"), families.family("a=b"), families.verb("coupon")) == ("purchase", "search", "")
    assert (FamilyMap().verb("coupon"), FamilyMap().verb("video_watch")) == ("redeem a coupon for", "watch")
    with pytest.raises(ConfigError, match="no family 'shopping'"):
        FamilyMap.parse(["coupon=shopping"])
    with pytest.raises(ConfigError, match="CHANNEL=FAMILY"):
        FamilyMap.parse(["coupon"])
