"""How fast users are embedded on a CPU once their texts are cached: 64 events each, 6 causal layers.

    python tests/bench/bench_users_speed.py                        100,000 users at width 128 (bar: 5 min)
    python tests/bench/bench_users_speed.py --dims 384             the same at width 384 (bar: 20 min)
    python tests/bench/bench_users_speed.py --bf16 --skew          products of 16 bits; histories of uneven length

Histories are drawn at random: 50,000 distinct texts with cached vectors of 384 dims, times over 90 days. Prints users a
second, peak memory, and torch's nn.TransformerEncoder alone on batches of the same size; exits with 1 when a bar is
missed at 100,000 full histories. Processor seconds stand beside wall seconds: on a busy machine only they compare.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import torch
from torch import nn

from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.embed import EmbedOptions, encode_moments
from audience_trainers.users.behaviour.encoder import BehaviourEncoder
from audience_trainers.users.histories import Histories, Moments

WIDTH, TEXTS, TEXT_DIMS, SOURCES = 64, 50_000, 384, 6
BEGIN, DAYS = 1_750_000_000, 90
BARS = {128: 300.0, 384: 1_200.0}
PEER_USERS = 256


def draw_histories(users: int, *, skew: bool, seed: int = 7) -> Histories:
    """Return histories of 64 events each; with `skew` of 1 to 64, most of them short."""
    rng = np.random.default_rng(seed)
    length = np.minimum(WIDTH, 1 + rng.exponential(20.0, users).astype(np.int64)) if skew else np.full(users, WIDTH)
    start = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    owner = np.repeat(np.arange(users), length)
    clock = rng.integers(0, DAYS * 86_400, start[-1])
    return Histories(
        user_ids=tuple(f"u{number:07}" for number in range(users)),
        start=start,
        time=BEGIN + clock[np.lexsort((clock, owner))],
        source=rng.integers(SOURCES, size=start[-1]).astype(np.int16),
        text=rng.integers(TEXTS, size=start[-1]).astype(np.int32),
        sources=tuple(f"channel {number}" for number in range(SOURCES)),
        texts=tuple(f"text {number}" for number in range(TEXTS)),
    )


def peer_seconds(config: BehaviourConfig, *, bf16: bool) -> tuple[float, float]:
    """Return wall and processor seconds per user of torch's own layers alone, in the batches of before."""
    layer = nn.TransformerEncoderLayer(
        config.dims, config.heads, 4 * config.dims, 0.1, "gelu", batch_first=True, norm_first=True
    )
    peer = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(WIDTH)
    x = torch.randn(EmbedOptions().tokens // WIDTH, WIDTH, config.dims)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        peer(x, mask=mask, is_causal=True)
        begun = time.perf_counter(), time.process_time()
        for _ in range(PEER_USERS // len(x)):
            peer(x, mask=mask, is_causal=True)
        return (time.perf_counter() - begun[0]) / PEER_USERS, (time.process_time() - begun[1]) / PEER_USERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--dims", type=int, default=128)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--skew", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    histories = draw_histories(options.users, skew=options.skew)
    vectors = np.random.default_rng(8).standard_normal((TEXTS, TEXT_DIMS), np.float32)
    config = BehaviourConfig(dims=options.dims)
    torch.manual_seed(7)
    encoder = BehaviourEncoder(TEXT_DIMS, SOURCES, config)
    moments = Moments(np.arange(options.users), np.full(options.users, BEGIN + DAYS * 86_400))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    begun = time.perf_counter(), time.process_time()
    found = encode_moments(encoder, histories, moments, vectors, width=WIDTH, options=EmbedOptions(bf16=options.bf16))
    wall, busy = time.perf_counter() - begun[0], time.process_time() - begun[1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    peer_wall, peer_busy = peer_seconds(config, bf16=options.bf16)
    precision = "bf16" if options.bf16 else "float32"
    print(f"{len(found):,} users of {len(histories.time) / len(found):.1f} events, width {options.dims}, {precision}")
    print(f"{wall:.0f} s: {len(found) / wall:,.0f} users/s; {busy:.0f} processor seconds; {options.threads} threads")
    print(f"peak memory {memory:.1f} GiB, {before:.1f} before")
    print(f"torch's layers alone: {1 / peer_wall:,.0f} users/s, {1_000 * peer_busy:.2f} processor ms a user", end="")
    print(f" (the whole of ours {1_000 * busy / len(found):.2f})")
    bar = BARS.get(options.dims)
    if bar is not None and options.users >= 100_000 and not options.skew and wall > bar:
        sys.exit(f"the bar is missed: {wall:.0f} s, bar {bar:.0f} s")


if __name__ == "__main__":
    main()
