"""500 hostile texts at every place to type, all of them everywhere; `tests/integration/test_payloads.py` has a share.

    python tests/bench/bench_payloads.py                  in every place of client and console, and on every command
    python tests/bench/bench_payloads.py --places query   places whose name holds a word: "console: ", "command: ", ...

Counts what was typed, what was answered, which texts did more than a value may, and which parts of both stores and of
the working folder changed by what only reads. Exits with 1 where there is any. Starts servers of its own, in
`--data-dir` or a temporary folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, closing, contextmanager
from functools import partial
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
    """Type all payloads at the client's places whose name holds a word; return what was tried, and what changed."""
    tried, different = Tried(), list[str]()
    for one in READING:
        if word in one.name:
            with watched(runner, store, one.name, different):
                tried += read_with(ag, one, PAYLOADS)
    for kept in WRITING:
        if word in kept.name:
            with watched(runner, store, kept.name, different, kept.parts):
                tried += write_with(ag, runner, store, kept, PAYLOADS)
    return tried, different


def page_everywhere(ag: AudienceGraph, runner: Neo4jRunner, store: Store, word: str) -> tuple[Tried, list[str]]:
    """Type all payloads into every field of the console; return what was tried, and what changed."""
    tried, different = Tried(), list[str]()
    with tempfile.TemporaryDirectory() as folder:
        page = signed_in(ag, Path(folder) / "console")
        for name, (type_in, parts) in {**{n: (t, ()) for n, t in console.READING.items()}, **console.WRITING}.items():
            if word in (where := f"console: {name}"):
                with watched(runner, store, where, different, parts):
                    faults = [fault(type_in(page, payload.text), payload, where) for payload in PAYLOADS]
                    tried += Tried(len(faults), 0, [one for one in faults if one])
    return tried, different


def command_everywhere(runner: Neo4jRunner, store: Store, word: str) -> tuple[Tried, list[str]]:
    """Run every command with every `SHARE`-th payload, in turn, of those that a command line can carry."""
    tried, different = Tried(), list[str]()
    for place, words in enumerate(COMMANDS):
        if word in (where := f"command: {' '.join(words)}"):
            with watched(runner, store, where, different):
                wrong = [command_with(words, p) for p in every(SHARE, place) if can_be_an_argument(p.text)]
                tried += Tried(len(wrong), 0, [one for one in wrong if one])
    return tried, different


@contextmanager
def watched(
    runner: Neo4jRunner, store: Store, where: str, different: list[str], expected: Sequence[str] = ()
) -> Iterator[None]:
    """Tell of a place that was typed at, and note what it changed in both stores and in the working folder."""
    start, before, here = time.perf_counter(), fingerprint(runner, store), {*Path().rglob("*")}
    yield
    found = changed(before, fingerprint(runner, store), expected)
    found += [f"file {path}" for path in sorted({*Path().rglob("*")} - here)]
    different += [f"{where} changed {part}" for part in found]
    print(f"{time.perf_counter() - start:6.1f} s  {where}{''.join(f', changed {p}' for p in found)}", file=sys.stderr)


def new_world(connections: Connections, runner: Neo4jRunner, store: Store) -> None:
    wipe(runner, store)
    build_typed_world(connections, runner, store)


def use_in_commands(connections: Connections, home: Path) -> None:
    """Let commands find these servers, and a data folder outside the working folder."""
    named = {"NEO4J_URI": connections.neo4j_uri, "NEO4J_USERNAME": connections.neo4j_username,
             "NEO4J_PASSWORD": connections.neo4j_password, "NEO4J_DATABASE": connections.neo4j_database,
             "DATABASE_URL": connections.database_url, "AUDIENCE_GRAPH_HOME": str(home)}  # fmt: skip
    os.environ.update(named)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", default="", metavar="WORD")
    parser.add_argument("--data-dir", default=None)
    given = parser.parse_args()
    start = time.perf_counter()
    with (
        bench_servers(given.data_dir) as connections,
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as here,
        chdir(here),
        closing(open_store(connections, keep=True)) as store,
        open_runner(connections) as runner,
    ):
        begin = partial(new_world, connections, runner, store)  # what a client kept is a valid name to a command
        begin()
        with AudienceGraph.connect(connections=connections, actor="bench") as ag:
            ag._encoder = encode
            client, different = type_everywhere(ag, runner, store, given.places)
            begin()
            page, more = page_everywhere(ag, runner, store, given.places)
        use_in_commands(connections, Path(home))
        begin()
        commands, most = command_everywhere(runner, store, given.places)
    wrong, different = client.wrong + page.wrong + commands.wrong, different + more + most
    for line in (*wrong, *different):
        print(line[:2000], file=sys.stderr)
    print(
        "RESULTS",
        f"`{' '.join(['python tests/bench/bench_payloads.py', *sys.argv[1:]])}`: {len(PAYLOADS)} payloads; "
        f"{os.cpu_count()} cores, {platform.machine()}; {time.perf_counter() - start:.0f} s.",
        "",
        "| what | count |",
        "|---|---|",
        f"| typed at {sum(given.places in one.name for one in (*READING, *WRITING))} places of the client / answered "
        f"| {client.typed:,} / {client.answered:,} |",
        f"| typed into fields of the console | {page.typed:,} |",
        f"| commands run | {commands.typed:,} |",
        f"| tracebacks, driver messages, other queries, values kept otherwise | {len(wrong)} |",
        f"| parts of the stores changed by reading, and files made | {len(different)} |",
        sep="\n",
    )
    return 1 if wrong or different else 0


if __name__ == "__main__":
    sys.exit(main())
