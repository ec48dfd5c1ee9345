"""500 hostile texts at every place to type, all of them everywhere; `tests/integration/test_payloads.py` has a share.

    python tests/bench/bench_payloads.py                  in every place of client and console, and on every command
    python tests/bench/bench_payloads.py --places query   places of the client whose name holds a word, and no others

Counts what was typed, what was answered, which texts did more than a value may, and which parts of both stores changed
by what only reads. Exits with 1 where there is any. Starts servers of its own, in `--data-dir` or a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from servers import bench_servers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "integration"))

from typed_world import build_typed_world, encode

import console_inputs as console
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.graph.runner import Neo4jRunner, open_runner
from audience_graph.vectors.store import Store, open_store
from console_inputs import fault, signed_in
from emptied import wipe
from fingerprint import changed, fingerprint
from payloads import PAYLOADS
from text_inputs import READING, WRITING
from typing_in import COMMANDS, Tried, can_be_an_argument, command_with, every, read_with, write_with

SHARE = 10  # of the payloads on a command: each one opens a client, and loads the text encoder


def type_everywhere(ag: AudienceGraph, runner: Neo4jRunner, store: Store, word: str) -> tuple[Tried, list[str]]:
    """Type all payloads at the places whose name holds a word; return what was tried, and the parts that changed."""
    tried, before = Tried(), fingerprint(runner, store)
    for one in READING:
        if word in one.name:
            start = time.perf_counter()
            found = read_with(ag, one, PAYLOADS)
            tried += found
            print(f"{time.perf_counter() - start:6.1f} s  {one.name}: {len(found.wrong)} wrong", file=sys.stderr)
    different = changed(before, fingerprint(runner, store))
    for kept in WRITING:
        if word in kept.name:
            before = fingerprint(runner, store)
            tried += write_with(ag, runner, store, kept, PAYLOADS)
            different += changed(before, fingerprint(runner, store), kept.parts)
    return tried, different


def page_everywhere(ag: AudienceGraph, runner: Neo4jRunner, store: Store) -> tuple[Tried, list[str]]:
    """Type all payloads into every field of the console; return what was tried, and the parts that changed."""
    with tempfile.TemporaryDirectory() as folder:
        page, different = signed_in(ag, Path(folder) / "console"), []
        tried = Tried()
        for where, (type_in, parts) in {**{n: (t, ()) for n, t in console.READING.items()}, **console.WRITING}.items():
            before = fingerprint(runner, store)
            faults = [fault(type_in(page, payload.text), payload, f"console: {where}") for payload in PAYLOADS]
            different += changed(before, fingerprint(runner, store), parts)
            tried += Tried(len(faults), 0, [one for one in faults if one])
            print(f"console: {where}", file=sys.stderr)
    return tried, different


def command_everywhere(connections: Connections, folder: str) -> Tried:
    """Run every command with every `SHARE`-th payload, in turn, of those that a command line can carry."""
    named = {"NEO4J_URI": connections.neo4j_uri, "NEO4J_USERNAME": connections.neo4j_username,
             "NEO4J_PASSWORD": connections.neo4j_password, "NEO4J_DATABASE": connections.neo4j_database,
             "DATABASE_URL": connections.database_url, "AUDIENCE_GRAPH_HOME": folder}  # fmt: skip
    os.environ.update(named)
    tried = Tried()
    for place, words in enumerate(COMMANDS):
        wrong = [command_with(words, p) for p in every(SHARE, place) if can_be_an_argument(p.text)]
        tried += Tried(len(wrong), 0, [one for one in wrong if one])
        print(" ".join(words), file=sys.stderr)
    return tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", default="", metavar="WORD")
    parser.add_argument("--data-dir", default=None)
    given = parser.parse_args()
    start, commands, page, files = time.perf_counter(), Tried(), Tried(), []
    with bench_servers(given.data_dir) as connections, tempfile.TemporaryDirectory() as folder:
        before_here = os.getcwd()
        os.chdir(folder)
        store = open_store(connections, keep=True)
        with open_runner(connections) as runner:
            wipe(runner, store)
            build_typed_world(connections, runner, store)
            with AudienceGraph.connect(connections=connections, actor="bench") as ag:
                ag._encoder = encode
                tried, different = type_everywhere(ag, runner, store, given.places)
                if not given.places:
                    page, more = page_everywhere(ag, runner, store)
                    different += more
            if not given.places:
                before = fingerprint(runner, store)
                commands = command_everywhere(connections, folder)
                different += changed(before, fingerprint(runner, store))
        files = [path.name for path in Path(folder).rglob("*")]
        os.chdir(before_here)
        store.close()
    wrong, places = (
        tried.wrong + page.wrong + commands.wrong,
        sum(given.places in one.name for one in (*READING, *WRITING)),
    )
    for line in (*wrong, *(f"changed: {part}" for part in different)):
        print(line[:2000], file=sys.stderr)
    print(
        "RESULTS",
        f"`{' '.join(['python tests/bench/bench_payloads.py', *sys.argv[1:]])}`: {len(PAYLOADS)} payloads; "
        f"{os.cpu_count()} cores, {platform.machine()}; {time.perf_counter() - start:.0f} s.",
        "",
        "| what | count |",
        "|---|---|",
        f"| typed at {places} places of the client / answered | {tried.typed:,} / {tried.answered:,} |",
        f"| typed into {len(console.READING) + len(console.WRITING)} fields of the console | {page.typed:,} |",
        f"| commands run | {commands.typed:,} |",
        f"| tracebacks, driver messages, other queries, values kept otherwise | {len(wrong)} |",
        f"| parts of the stores changed by reading | {len(different)} |",
        f"| files made | {len(files)} |",
        sep="\n",
    )
    return 1 if wrong or different or files else 0


if __name__ == "__main__":
    sys.exit(main())
