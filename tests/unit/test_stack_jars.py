"""Jars come through the cache: downloaded once, checked always, never half."""

from __future__ import annotations

import gc
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audience_graph.errors import ChecksumError, StackError
from audience_graph.local import jars
from audience_graph.local.jars import Artifact, cache_folder, damaged, fetch, maven_mirror
from audience_graph.local.progress import Silent

# jgo leaves the socket of a refused or broken download open until it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

BODIES = {f"part{i}": f"the jar number {i} ".encode() * 2000 for i in range(5)}


def artifact(name: str, body: bytes | None = None) -> Artifact:
    content = BODIES[name] if body is None else body
    return Artifact(f"org.example:{name}:1.0", hashlib.sha256(content).hexdigest(), len(content), "server")


ALL = [artifact(name) for name in BODIES]


@dataclass
class Registry:
    """A Maven repository on the loopback address; `cut` names a jar whose download breaks off once."""

    address: str = ""
    requests: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    state = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.split("/")[-3]
            if not self.path.endswith(".jar") or name not in BODIES:
                self.send_error(404)
                return
            state.requests.append(name)
            body = BODIES[name]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            cut = name in state.cut
            state.cut.discard(name)
            self.wfile.write(body[: len(body) // 2] if cut else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}"
    config = tmp_path / "jgo.conf"
    config.write_text(f"[repositories]\nhere = {state.address}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
    monkeypatch.setenv("M2_REPO", str(tmp_path / "m2"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(jars.time, "sleep", lambda _seconds: None)
    yield state
    server.shutdown()
    server.server_close()
    thread.join()
    gc.collect()


def test_jars_are_downloaded_once(registry: Registry, tmp_path: Path) -> None:
    cache = tmp_path / "a cache"
    paths = fetch(ALL, cache, progress=Silent())
    assert [p.read_bytes() for p in paths] == list(BODIES.values())
    assert fetch(ALL, cache, progress=Silent()) == paths
    assert sorted(registry.requests) == sorted(BODIES)
    assert list((cache / "partial").iterdir()) == []


def test_a_download_that_is_not_the_locked_file_is_refused(registry: Registry, tmp_path: Path) -> None:  # noqa: ARG001
    wrong = artifact("part0", b"other bytes")
    with pytest.raises(ChecksumError, match=r"org\.example:part0"):
        fetch([wrong], tmp_path, progress=Silent())
    assert not (tmp_path / "jars" / wrong.relative_path).exists()


def test_a_cached_jar_that_was_changed_is_refused(registry: Registry, tmp_path: Path) -> None:
    path = fetch(ALL, tmp_path, progress=Silent())[0]
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(ChecksumError, match="part0") as error:
        fetch(ALL, tmp_path, progress=Silent())
    assert str(path) in str(error.value.hint)
    assert damaged(ALL, tmp_path) == ([], [path])
    assert len(registry.requests) == len(BODIES)


def test_a_torn_jar_is_downloaded_again(registry: Registry, tmp_path: Path) -> None:
    path = fetch(ALL, tmp_path, progress=Silent())[0]
    path.write_bytes(BODIES["part0"][:1000])
    assert damaged(ALL, tmp_path) == ([ALL[0]], [])
    fetch(ALL, tmp_path, progress=Silent())
    assert path.read_bytes() == BODIES["part0"]
    assert registry.requests.count("part0") == 2


def test_a_download_that_breaks_off_is_tried_again(registry: Registry, tmp_path: Path) -> None:
    registry.cut = {"part3"}
    assert [p.read_bytes() for p in fetch(ALL, tmp_path, progress=Silent())] == list(BODIES.values())
    assert registry.requests.count("part3") == 2


def test_a_jar_that_is_nowhere_says_what_to_check(registry: Registry, tmp_path: Path) -> None:  # noqa: ARG001
    with pytest.raises(StackError, match=r"cannot download org\.example:absent:1\.0") as error:
        fetch([artifact("absent", b"x"), *ALL], tmp_path, progress=Silent())
    assert "settings.xml" in str(error.value.hint)


def test_two_at_once_download_each_jar_once(registry: Registry, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        runs = list(pool.map(lambda _: fetch(ALL, tmp_path, progress=Silent()), range(4)))
    assert all(run == runs[0] for run in runs)
    assert sorted(registry.requests) == sorted(BODIES)


def test_the_users_maven_repository_is_looked_at_first(registry: Registry, tmp_path: Path) -> None:
    local = tmp_path / "m2" / ALL[0].relative_path
    local.parent.mkdir(parents=True)
    local.write_bytes(BODIES["part0"])
    tampered = tmp_path / "m2" / ALL[1].relative_path
    tampered.parent.mkdir(parents=True)
    tampered.write_bytes(b"not what the lock names")
    fetch(ALL, tmp_path / "cache", progress=Silent())
    assert sorted(registry.requests) == sorted(set(BODIES) - {"part0"})


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIENCE_GRAPH_CACHE", str(tmp_path / "there"))
    assert cache_folder() == tmp_path / "there"


@pytest.mark.parametrize(
    ("mirror_of", "expected"),
    [("*", True), ("central", True), ("external:*", True), ("*,!central", False), ("other", False)],
)
def test_a_mirror_of_the_users_settings_is_used(tmp_path: Path, mirror_of: str, expected: bool) -> None:
    settings = tmp_path / "settings.xml"
    settings.write_text(
        '<settings xmlns="urn:any"><mirrors><mirror><id>ours</id><url>https://maven.example/repo/</url>'
        f"<mirrorOf>{mirror_of}</mirrorOf></mirror></mirrors></settings>"
    )
    assert maven_mirror(settings) == ({"ours": "https://maven.example/repo"} if expected else {})


def test_no_or_broken_settings_name_no_mirror(tmp_path: Path) -> None:
    assert maven_mirror(tmp_path / "absent.xml") == {}
    (tmp_path / "broken.xml").write_text("<settings>")
    assert maven_mirror(tmp_path / "broken.xml") == {}
