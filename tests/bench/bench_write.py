"""Rate of writing relations, against UNWIND over 1,000 rows, on the same servers in the same run.

    python tests/bench/bench_write.py [--relations 400000] [--degree 20] [--bar 1.5]

Starts servers of its own, in `--data-dir` or a temporary folder. Entities and relation types of its own are removed at
the end. Exit 1 when the ratio is under the bar.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from servers import bench_servers

from audience_graph.graph.queries import Query, load_query
from audience_graph.graph.runner import Runner, open_runner
from audience_graph.release.content import PROVENANCE, Content, Relations, read_content
from audience_graph.release.progress import silent
from audience_graph.release.relations import write_relations
from releases.runs import World, load_entities, write_run

ROUNDS = 5
UNWIND = """
UNWIND $rows AS row
MATCH (source:Entity {id: row.source})
MATCH (target:Entity {id: row.target})
CREATE (source)-[:RELATES_1900_W01_00000000 {
  score: row.score, logit: row.logit, margin: row.margin, rank: row.rank, provenance: row.provenance
}]->(target)
RETURN count(*) AS written
"""


def slices(content: Content, parts: int) -> Iterator[Content]:
    """Cut the relations into equal runs of sources."""
    step = len(content.relations) // parts
    r = content.relations
    for i in range(parts):
        part = slice(i * step, (i + 1) * step)
        columns = [c[part] for c in (r.source, r.target, r.score, r.logit, r.margin, r.rank, r.provenance)]
        yield replace(content, week="1900-W01", content_hash=f"{i + 1:08x}", relations=Relations(*columns))


def by_rows(runner: Runner, content: Content) -> None:
    """The peer: one map per relation, 1,000 at a time."""
    r = content.relations
    query = Query("bench/unwind", UNWIND, ("rows",), (), Path(__file__))
    names = ("source", "target", "score", "logit", "margin", "rank", "provenance")
    for start in range(0, len(r), 1000):
        part = slice(start, start + 1000)
        columns = (
            [content.entity_ids[i] for i in r.source[part]],
            [content.entity_ids[i] for i in r.target[part]],
            *(c[part].tolist() for c in (r.score, r.logit, r.margin, r.rank)),
            [PROVENANCE[i] for i in r.provenance[part]],
        )
        runner.write(query, {"rows": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]})


def by_lists(runner: Runner, content: Content) -> None:
    """Ours: as staging does it."""
    fields = {name: getattr(content, name) for name in ("version", "week", "relation_type", "content_hash")}
    runner.write(load_query("releases/open_version"), fields)
    write_relations(runner, content, 0, silent)


def rate(write: Callable[[Runner, Content], None], runner: Runner, content: Content) -> float:
    began = time.perf_counter()
    write(runner, content)
    return len(content.relations) / (time.perf_counter() - began)


def clean(runner: Runner) -> None:
    texts = (
        "MATCH ()-[r]->() WHERE type(r) STARTS WITH 'RELATES_1900' CALL (r) {DELETE r} IN TRANSACTIONS OF 20000 ROWS",
        "MATCH (e:Entity) WHERE e.id STARTS WITH 'bench ' CALL (e) {DELETE e} IN TRANSACTIONS OF 5000 ROWS",
        "MATCH (v:RelationVersion {week: '1900-W01'}) DELETE v",
    )
    for text in texts:
        runner.auto_commit(Query("bench/clean", text, (), (), Path(__file__)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--relations", type=int, default=400_000)
    parser.add_argument("--degree", type=int, default=20)
    parser.add_argument("--bar", type=float, default=1.5)
    parser.add_argument("--data-dir", default=None)
    asked = parser.parse_args()
    world = World(entities=asked.relations // asked.degree, degree=asked.degree, users=1, dims=2)
    with (
        tempfile.TemporaryDirectory() as folder,
        bench_servers(asked.data_dir) as servers,
        open_runner(servers) as runner,
    ):
        content = read_content(write_run(Path(folder) / "run", world))
        content = replace(content, entity_ids=tuple(f"bench {i}" for i in content.entity_ids))
        clean(runner)
        load_entities(runner, list(content.entity_ids))
        parts = list(slices(content, 2 * ROUNDS + 2))
        rate(by_rows, runner, parts[-2]), rate(by_lists, runner, parts[-1])
        pairs = [(rate(by_rows, runner, parts[2 * i]), rate(by_lists, runner, parts[2 * i + 1])) for i in range(ROUNDS)]
        clean(runner)
    peer, ours = (statistics.median(rates) for rates in zip(*pairs, strict=True))
    ratio = statistics.median(mine / theirs for theirs, mine in pairs)
    print(f"median of {ROUNDS} rounds in turn of {len(parts[0].relations):,} relations, one writer")
    print(f"UNWIND of 1,000 rows   {peer:>9,.0f} relations/s")
    print(f"parallel lists         {ours:>9,.0f} relations/s")
    print(f"ratio                  {ratio:>9.2f} (each round {', '.join(f'{b / a:.2f}' for a, b in pairs)})")
    sys.exit(ratio < asked.bar)


if __name__ == "__main__":
    main()
