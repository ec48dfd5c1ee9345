"""How often the shown interval of the lift holds the planted effect, on campaigns sent to users of the demo world.

    python tests/bench/bench_lift.py [--campaigns 200] [--seed 7]

No server. Who wants a promoted entity is the demo world's own truth: the hidden interests behind it (`oracle`) give
each user a chance to convert without being sent anything; being sent multiplies it by the planted effect, drawn anew
for each campaign from 1 (none) to 3. Each user of the world stands for ten of the same interests. The best by the same
interests, with noise, are the audience; a salted hash holds out a tenth to a third of them. Conversions are drawn, and
the lift is measured as `results report` shows it: from counts rounded to 10, in an interval that allows for the
rounding. The truth is the ratio of what the two arms convert at in the mean. Fails when fewer than 91 % of the
campaigns hold it.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from audience_graph.audience.learn.lift import Counted, rate_ratio
from audience_graph.audience.learn.shown import figures, versus
from audience_graph.demo import write_world
from audience_graph.demo.evaluation import Truth, read_truth
from audience_graph.demo.sizes import SIZES

LEAST = 0.91
ALIKE = 10  # users that each of the world stands for
Floats = npt.NDArray[np.float64]


def held_out(users: npt.NDArray[np.object_], salt: str, share: float) -> npt.NDArray[np.bool_]:
    """Say which users a salted hash of their ids holds out."""
    part = [int.from_bytes(hashlib.sha256(f"{salt}:{u}".encode()).digest()[:8], "big") / 2**64 for u in users]
    return np.array(part) < share


def chances(truth: Truth, phrase: str, rng: np.random.Generator) -> Floats:
    """Return the chance of every user to convert unsent: .5 % without the interest, up to 10 % with all of it."""
    interest = truth.oracle[phrase] / max(float(truth.oracle[phrase].max()), 1e-9)
    return np.asarray(0.005 + (rng.uniform(0.01, 0.1) - 0.005) * interest, np.float64)


def campaign(truth: Truth, number: int, seed: int) -> tuple[float, tuple[float, float], tuple[float, float]]:
    """Send one campaign; return the planted lift, the interval as it is shown, and that of the exact counts."""
    rng = np.random.default_rng([seed, number])
    phrase = truth.phrases[number % len(truth.phrases)][0]
    unsent = np.tile(chances(truth, phrase, rng), ALIKE)
    users = np.concatenate([truth.users + f"-{n}" for n in range(ALIKE)])
    size = int(rng.integers(len(unsent) // 5, len(unsent) + 1))
    members = np.argsort(-(unsent + rng.normal(0, 0.01, len(unsent))), kind="stable")[:size]
    out = held_out(users[members], f"salt {seed} {number}", float(rng.uniform(0.1, 1 / 3)))
    p = np.where(out, unsent[members], np.minimum(unsent[members] * rng.uniform(1.0, 3.0), 1.0))
    converted = rng.random(size) < p
    sent = (int((~out).sum()), int(converted[~out].sum()))
    held = (int(out.sum()), int(converted[out].sum()))
    own, beside = figures(sent[0], sent[0], sent[1]), figures(held[0], 0, held[1])
    assert own is not None
    assert beside is not None
    shown, exact = versus(own, beside).ratio, rate_ratio(Counted(*sent), Counted(*held))
    return float(p[~out].mean() / p[out].mean()), (shown.low, shown.high), (exact.low, exact.high)


def main() -> int:
    """Print how many intervals held the planted lift, and how wide they were."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        write_world(Path(folder), SIZES["small"], options.seed)
        truth = read_truth(Path(folder))
    found = [campaign(truth, number, options.seed) for number in range(options.campaigns)]
    lifts = np.array([lift for lift, _, _ in found])
    shares = {}
    for name, place in (("as shown, of rounded counts", 1), ("of the exact counts", 2)):
        low, high = np.array([one[place] for one in found], np.float64).T
        shares[name] = float(((low <= lifts) & (lifts <= high)).mean())
        wide = float(np.median(high / np.maximum(low, 1e-9)))
        sure = float((low > 1.0)[lifts > 1.5].mean())
        print(f"{name}: {shares[name]:.1%} hold the planted lift; high / low {wide:.2f} in the median; "
              f"{sure:.0%} of the lifts above 1.5 are told from 1")  # fmt: skip
    print(f"{len(found)} campaigns to {len(truth.users) * ALIKE:,} users, lift {lifts.min():.2f} to {lifts.max():.2f}, "
          f"{time.monotonic() - started:.0f} s")  # fmt: skip
    return 0 if min(shares.values()) >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
