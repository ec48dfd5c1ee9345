"""Campaigns for five services without seed users (EGL Table III): graph targeting beside a rule-based tag arm.

    audience-graph demo --data-dir world
    python tests/bench/bench_campaign.py --data-dir world

The services are the first five of the world's phrases, by name, for which a rule finds anybody: chosen before any
result was seen. Nobody who met the service before is in either arm. The rule arm is what a marketer does with tags:
users with events of entities whose name shares a word with the phrase, those with most such events first. Both go the
whole way of the product: audience, snapshot, export with consent, results file, report. What users do comes from the
world's two weeks after its last event, which nothing was trained on: exposed is who came at all, converted who acted on
the service. A user who is in both arms counts in both.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from audience_graph import AudienceGraph, event, users
from audience_graph.audience.audience import Audience
from audience_graph.config import find_connections, find_home
from audience_graph.demo.evaluation import Truth, read_truth
from audience_graph.vectors.store import open_store

SERVICES = 5
_TAGGED = """
SELECT u.user_id FROM user_event e JOIN user_key u USING (key) WHERE e.entity_ids && %(tags)s::text[]
GROUP BY 1 ORDER BY count(*) DESC, md5(u.user_id)
"""


def tags_of(folder: Path, phrase: str, own: str) -> list[str]:
    """Return the entities that share a word of three letters or more with a phrase, without the service itself."""
    words = {w for w in phrase.lower().split() if len(w) > 2}
    table = pq.read_table(folder / "entities.parquet", columns=["id", "name"]).to_pylist()
    return [row["id"] for row in table if row["id"] != own and words & set(row["name"].lower().split())]


def send(ag: AudienceGraph, name: str, audience: Audience, folder: Path, came: set[str], acted: set[str]) -> list[str]:
    """Take, send, load what came back, and return the cells of the report: users, exposed, converted, rate, seconds."""
    audience.take(name)
    file = folder / f"{name.replace(' ', '_')}.csv"
    export = ag.exports.send(name, file, purpose="marketing")
    with file.open(encoding="utf-8", newline="") as sent, (folder / "results.csv").open("w", encoding="utf-8") as out:
        out.write("user_id,exposures,conversions\n")
        for row in csv.DictReader(sent):
            user = row["user_id"]
            out.write(f"{user},{int(user in came)},{int(user in came and user in acted)}\n")
    ag.results.load(folder / "results.csv", export.id)
    found = ag.results.report(name).arms[0]
    rate = "under 100" if found.rate is None else f"{found.rate:.1%}"
    return [*(str(v) for v in (found.users, found.exposures, found.conversions)), rate, f"{found.seconds:.2f} s"]


def measure(data_dir: str, size: int) -> list[str]:
    truth: Truth = read_truth(Path(data_dir) / "demo")
    folder = Path(data_dir) / "demo"
    came = set(pq.read_table(folder / "truth" / "future_events.parquet", columns=["user_id"])["user_id"].to_pylist())
    store = open_store(find_connections(find_home(data_dir)), keep=True)
    lines, ratios = [], []
    with AudienceGraph.connect(data_dir) as ag, tempfile.TemporaryDirectory() as out:
        for phrase, entity in sorted(truth.phrases):
            tags = tags_of(folder, phrase, entity)
            with store.transaction(read_only=True) as tx:
                tagged = [row["user_id"] for row in tx.rows(_TAGGED, {"tags": tags})] if tags else []
            known = set(truth.users[truth.known[entity]])
            tagged = [u for u in tagged if u not in known][:size]
            if len(tagged) < size:
                continue
            acted = set(truth.users[truth.acted[entity]])
            new = ~event([entity])
            graph = send(ag, f"{phrase} graph", ag.audience(phrase, size=size, method="graph").where(new), Path(out),
                         came, acted)  # fmt: skip
            rule = send(ag, f"{phrase} rule", ag.audiences.of(users(tagged)), Path(out), came, acted)
            rates = [int(arm[2]) / int(arm[1]) for arm in (graph, rule)]
            ratios.append(rates[0] / max(rates[1], 1e-9))
            lines += [f"| {phrase} | {name} | {' | '.join(arm)} |" for name, arm in (("graph", graph), ("rule", rule))]
            if len(ratios) == SERVICES:
                break
    store.close()
    return [*lines, "", f"Conversion rate of graph over rule: median {np.median(ratios):.2f}, "
            f"range {min(ratios):.2f}-{max(ratios):.2f}."]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--size", type=int, default=600, help="users of each arm, before consent")
    given = parser.parse_args()
    print(
        "RESULTS",
        f"`python tests/bench/bench_campaign.py --data-dir WORLD --size {given.size}`",
        "",
        "| service | arm | users | # exposure | # conversion | CVR | running time |",
        "|---|---|---|---|---|---|---|",
        *measure(given.data_dir, given.size),
        sep="\n",
    )


if __name__ == "__main__":
    main()
