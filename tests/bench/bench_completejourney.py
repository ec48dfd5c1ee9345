"""Households ranked for coupon campaigns of The Complete Journey: AUC and lift at 10 %, against two peers.

    python tests/bench/bench_completejourney.py [--least-redeemers 10] [--data-dir FOLDER]

For each campaign with enough redemptions: receipts of before its start are mined and published, a sentence made of
its coupons' categories is targeted, and the households that received it are ranked. Peers: most active households
(receipt lines before the start), random. Prints a block for RESULTS.md.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "real"))

from campaigns import rank_campaign, results_block
from completejourney import read_campaigns, write_completejourney
from real_loop import load_files
from shared_data import find_shared_data, why_absent

from audience_graph import local, schema
from audience_graph.config import Home, find_connections
from audience_trainers.relations.config import MineConfig


def main() -> None:
    """Run every campaign and print the block."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--least-redeemers", type=int, default=10)
    parser.add_argument("--data-dir", type=Path, help="Folder of the servers. [default: a new one, left behind]")
    options = parser.parse_args()
    source = find_shared_data("completejourney")
    if source is None:
        print(f"skipped: {why_absent('completejourney')}")
        return
    home = Home(options.data_dir or Path(tempfile.mkdtemp(prefix="audience-graph-bench-")))
    started = local.up(home, heap="1g").started
    connections = find_connections(home)
    schema.migrate(connections)
    begin = time.monotonic()
    files = write_completejourney(source, home.path / "completejourney", least_lines=10)
    load_files(home, connections, files)
    campaigns = read_campaigns(source, least_redeemers=options.least_redeemers)
    results = []
    for campaign in campaigns:
        results.append(rank_campaign(home, connections, files, campaign, MineConfig(days=400)))
        print(f"campaign {campaign.id}: {campaign.sentence}", file=sys.stderr)
    print("### The Complete Journey: households for coupon campaigns\n")
    print(
        f"{files.events:,} receipt lines (a 5 % sample), {files.entities:,} entities, {len(campaigns)} campaigns; "
        f"{time.monotonic() - begin:.0f} s on {platform.machine()}; ranked among the households that received the "
        "campaign, receipts of before its start only.\n"
    )
    print(results_block(results))
    if started:
        local.down(home)


if __name__ == "__main__":
    main()
