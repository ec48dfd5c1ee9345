"""kill -9 of an export at random moments: no half file under its final name, no chunk taken twice, then all of it."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.csv
import pytest

from audience_graph.audience.send.exports import Exports
from audience_graph.config import Connections
from audience_graph.errors import ExportError
from audience_graph.vectors.store import Store
from sending.receiver import Receiver, receiving
from sending.world import build

KILLS = 20
ROWS = 50
USERS = [f"user {n}" for n in range(600)]
SEND = """
import sys
from audience_graph.audience.send.exports import Exports
from audience_graph.vectors.store import Store

exports = Exports(Store(sys.argv[1]))
exports.list("spring")
print("ready", flush=True)
sys.stdin.readline()
for to in sys.argv[2:]:
    exports.send("spring", to, chunk_rows=50)
"""


def start(connections: Connections, *to: str) -> subprocess.Popen[str]:
    """Start a sender that waits, imported and connected, for a line on its stdin."""
    process = subprocess.Popen(
        [sys.executable, "-c", SEND, connections.database_url, *to],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def end(process: subprocess.Popen[str]) -> int:
    code = process.wait(timeout=60)
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    return code


def assert_no_half_file(path: Path) -> bool:
    """Every file under its final name is whole; say whether a manifest says that all are there."""
    for file in path.parent.glob("[!.]*.csv"):
        number = int(file.suffixes[0][1:])
        assert pyarrow.csv.read_csv(file)["user_id"].to_pylist() == USERS[ROWS * (number - 1) : ROWS * number]
    manifest = Path(f"{path}.manifest.json")
    if not manifest.exists():
        return False
    told = json.loads(manifest.read_text(encoding="utf-8"))
    assert (told["rows"], len(told["files"])) == (len(USERS), len(USERS) // ROWS)
    for file in told["files"]:
        assert hashlib.sha256((path.parent / file["name"]).read_bytes()).hexdigest() == file["sha256"]
    return True


def assert_no_chunk_twice(receiver: Receiver) -> None:
    """What a receiver that dedupes by key took: each chunk of each export under one key."""
    chunks = [(body["export"], body["chunk"]) for body in receiver.accepted.values()]
    assert len(set(chunks)) == len(chunks)


def send_again(exports: Exports, to: str) -> int:
    """Send as the killed process did; its session in Postgres may need a moment to notice its end."""
    for _ in range(200):
        try:
            return exports.send("spring", to, chunk_rows=ROWS).id
        except ExportError as exc:
            if "another session" not in exc.message:
                raise
            time.sleep(0.05)
    raise AssertionError("the lock of a killed export is never freed")


@pytest.mark.usefixtures("clean_stores")
def test_killed_at_twenty_random_moments(connections: Connections, store: Store, tmp_path: Path) -> None:
    build(store, USERS)
    exports, rng = Exports(store), random.Random(20)
    path = tmp_path / "spring.csv"
    stopped = {"csv": 0, "webhook": 0}
    with receiving() as receiver:
        places = (str(path), receiver.url)
        takes = {to: time_of(start(connections, to)) for to in places}
        for to in places * (KILLS // 2):  # in turn, each over its own time: a file takes less of it than a webhook
            process = start(connections, to)
            go(process)
            time.sleep(rng.uniform(0, takes[to]))
            process.kill()
            end(process)
            assert_no_half_file(path)
            assert_no_chunk_twice(receiver)
            for one in exports.list("spring").exports:
                stopped[one.format] += one.status == "started"
            number = send_again(exports, to)
            assert [one.id for one in exports.list("spring").exports if one.status != "done"] == []
            assert assert_no_half_file(path)
            assert [file for file in tmp_path.iterdir() if file.name.startswith(".")] == []
            assert_no_chunk_twice(receiver)
            if to == receiver.url:
                assert arrived(receiver, number) == USERS
    assert min(stopped.values()) >= 1, f"too few exports were killed on their way: {stopped}"


def time_of(process: subprocess.Popen[str]) -> float:
    """Let a sender end, and return the seconds that it took."""
    began = time.perf_counter()
    go(process)
    assert end(process) == 0
    return time.perf_counter() - began


def arrived(receiver: Receiver, export: int) -> list[str]:
    """The users of an export's chunks in order, each chunk as often as it was accepted."""
    mine = sorted((b for b in receiver.accepted.values() if b["export"] == export), key=lambda body: body["chunk"])
    return [row["user_id"] for body in mine for row in body["rows"]]
