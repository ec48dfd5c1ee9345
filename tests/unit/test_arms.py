"""Arms by salted hash: fixed vectors, the same in another process, sizes as a binomial draw, shares that add up."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from audience_graph.audience.send.arms import Arms, arms_of, checked_shares, places
from audience_graph.errors import ConfigError

AB = Arms("5a17", (("a", 0.45), ("b", 0.45), ("holdout", 0.1)))
IDS = ["u1", "u2", "u3", "", "naïve 💄", "x" * 512, "=cmd()"]
# computed once, from the definition; a change here deals every user of every kept audience anew
PLACES = [4217375784576388429, 4257325658795208063, 13147459250572826385]
PROGRAM = """
import json, sys
from audience_graph.audience.send.arms import Arms, arms_of
salt, shares, ids = json.loads(sys.argv[1])
print(json.dumps(arms_of(Arms(salt, tuple(map(tuple, shares))), ids).tolist()))
"""


def test_fixed_vectors() -> None:
    assert places("5a17", IDS[:3]).tolist() == PLACES
    for user, place in zip(IDS, places("5a17", IDS).tolist(), strict=True):
        assert place == int.from_bytes(hashlib.sha256(f"5a17\x1f{user}".encode()).digest()[:8], "big")
    shares = [place / 2**64 for place in places("5a17", IDS).tolist()]
    assert arms_of(AB, IDS).tolist() == ["a" if s < 0.45 else "b" if s < 0.9 else "holdout" for s in shares]


def test_another_process_gives_the_same_arms() -> None:
    given = json.dumps([AB.salt, AB.shares, IDS])
    for seed in ("0", "1"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, given],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        )
        assert json.loads(done.stdout) == arms_of(AB, IDS).tolist()


def test_arm_sizes_are_binomial_over_1000_salts() -> None:
    users = [f"user {n}" for n in range(2_000)]
    counts = np.array(
        [np.bincount(np.searchsorted(np.array(AB.bounds, np.uint64), places(f"salt {s}", users), "right"), minlength=3)
         for s in range(1_000)]
    )  # fmt: skip
    n = len(users)
    for arm, (_, share) in enumerate(AB.shares):
        sd = math.sqrt(n * share * (1 - share))
        assert np.abs(counts[:, arm] - n * share).max() < 4.5 * sd  # 7e-6 a side, of 3,000 draws
        assert abs(counts[:, arm].mean() - n * share) < 4 * sd / math.sqrt(1_000)
        assert 0.9 < counts[:, arm].std() / sd < 1.1


def test_salts_are_independent() -> None:
    users = [f"user {n}" for n in range(20_000)]
    first, second = (arms_of(Arms(salt, AB.shares), users) == "holdout" for salt in ("one", "two"))
    assert (first & second).mean() == pytest.approx(0.01, abs=0.003)


def test_bounds_are_exact() -> None:
    assert checked_shares(None, {"a": 0.45, "b": 0.45, "holdout": 0.1})[2] == ("holdout", 0.1)
    assert checked_shares(0.1, None) == (("treatment", 0.9), ("holdout", 0.1))
    assert Arms("s", (("a", 0.5), ("b", 0.5))).bounds == (2**63,)
    assert Arms("s", tuple((str(n), 0.1) for n in range(10))).bounds[4] == 2**63


@pytest.mark.parametrize(
    ("share", "arms"),
    [
        (None, None),
        (0.1, {"a": 0.5, "b": 0.5}),
        (0, None),
        (1, None),
        (-0.1, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        ("0.1", None),
        (0.0001, None),
        (None, {"a": 0.5, "b": 0.4}),
        (None, {"a": 0.5, "b": 0.6}),
        (None, {"a": 1.0}),
        (None, {}),
        (None, {"": 0.5, "b": 0.5}),
        (None, {"a\n": 0.5, "b": 0.5}),
        (None, {"a" * 101: 0.5, "b": 0.5}),
        (None, {1: 0.5, "b": 0.5}),
    ],
)
def test_shares_that_split_nothing_are_refused(share: Any, arms: Any) -> None:
    with pytest.raises(ConfigError):
        checked_shares(share, arms)
