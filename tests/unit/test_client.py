"""The client on recording fakes: one snapshot per request, the release it reads, arguments that are checked."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asking_fakes import RELEASE, FakeRunner, FakeStore
from pgvector import HalfVector

from audience_graph.client import AudienceGraph
from audience_graph.errors import ConfigError, NotFoundError
from audience_graph.graph.expansion import ExpandOptions

EXACT = [{"position": 0, "id": "e1", "name": "spa", "type": "service", "aliases": [], "sensitive": False, "mirror": 4}]
PACKED = {"ids": ["e2"], "names": ["tub"], "types": ["t"], "hops": [1], "relevances": [0.8], "paths": [["e1", "e2"]]}


def client(**store: Any) -> tuple[AudienceGraph, FakeRunner, FakeStore]:
    runner = FakeRunner(
        {
            "entities/resolve_exact": EXACT,
            **{f"entities/expand_{hops}_packed": [{**PACKED, "missing": [], "refused": []}] for hops in (1, 2, 3, 4)},
        }
    )
    answers = {
        "current_release": [asdict(RELEASE)],
        "entity_vector_": [{"entity_id": "e1", "vector": HalfVector([1.0, 0.5])}],
        "count(*)": [{"n": 7}],
        "LIMIT": [{"key": 1, "score": 0.75}],
        "SELECT key, user_id": [{"key": 1, "user_id": "u1"}],
        **store,
    }
    fake = FakeStore(answers)
    return AudienceGraph(runner, fake), runner, fake  # type: ignore[arg-type]


def test_a_request_is_one_read_only_snapshot() -> None:
    for ask in (
        lambda ag: ag.resolve("spa"),
        lambda ag: ag.expand("spa"),
        lambda ag: ag.target("spa", 5),
        lambda ag: ag.query("similar_services", phrase="spa"),
    ):
        ag, runner, store = client()
        answer = ask(ag)
        assert store.opened[0] == {"read_only": True, "snapshot": True}
        assert store.opened[1:] in ([], [{"read_only": True}])  # whether the version was kept meanwhile
        assert (answer.release, answer.version, answer.week) == (4, "2026-W30-1a2b3c4d", "2026-W30")
        assert runner.written == []


def test_arguments_override_options() -> None:
    ag, runner, _ = client()
    near = ag.expand("spa", 3, min_relevance=0.2, options=ExpandOptions(hops=1, fan_out=9, damping=0.5))
    assert near.options == ExpandOptions(hops=3, min_relevance=0.2, fan_out=9, damping=0.5)
    name, _, given = runner.ran[-1]
    assert (name, given["fan_out"], given["min_relevance"]) == ("entities/expand_3_packed", 9, 0.2)


def test_target_sends_the_rounded_mean_and_names_what_has_no_vector() -> None:
    ag, _, store = client()
    best = ag.target("spa", 5, min_score=0.0, exclude_users=["u9"])
    assert (best.user_ids, best.score_at_cut, best.eligible, best.without_vector) == (("u1",), 0.75, 7, ("e2",))
    np.testing.assert_array_equal(best.query, [1.0, 0.5])
    scan = next(given for text, given in store.ran if "%(size)s" in text)
    assert (scan["size"], scan["least"]) == (5, 0.0)


@pytest.mark.parametrize(
    "ask",
    [
        lambda ag: ag.expand("spa", 5),
        lambda ag: ag.expand("spa", types="service"),
        lambda ag: ag.expand("spa", week="last week"),
        lambda ag: ag.target("spa", 0),
        lambda ag: ag.target("spa", exclude_users="u1"),
        lambda ag: ag.target("spa", exclude_users=[1]),
        lambda ag: ag.explain(7, "spa"),
        lambda ag: ag.query("similar_services", nonsense=1),
    ],
)
def test_wrong_arguments_are_config_errors(ask: Any) -> None:
    ag, _, _ = client()
    with pytest.raises(ConfigError):
        ask(ag)


def test_without_a_release_resolve_answers_and_the_rest_say_what_to_do() -> None:
    ag, _, _ = client(current_release=[])
    assert ag.resolve("spa").source == "no release yet"
    with pytest.raises(NotFoundError, match="nothing is published") as error:
        ag.expand("spa")
    assert "mine" in (error.value.hint or "")


def test_a_mirror_that_is_behind_is_repaired_after_the_answer() -> None:
    ag, runner, store = client()
    runner.answers["entities/resolve_exact"] = [{**EXACT[0], "mirror": 3}]
    runner.answers["releases/write_mirror"] = [{"version": RELEASE.version}]
    assert ag.expand("spa").release == 4
    assert runner.written == ["releases/mark_published", "releases/write_mirror"]
    assert store.opened[0] == {"read_only": True, "snapshot": True}


def test_releases_are_listed_with_the_current_one() -> None:
    ag, _, _ = client()
    found = ag.releases()
    assert (found.release, found.to_df()["status"][0], len(found)) == (4, "current", 1)


def test_everything_that_runs_can_be_told() -> None:
    ag, _, _ = client()
    told: list[tuple[str, Any]] = []
    ag.traced(lambda name, _, given: told.append((name, given))).target("spa", 5)
    names = [name for name, _ in told]
    assert "cypher entities/resolve_exact" in names
    assert names.count("sql") >= 4


def test_connect_refuses_contradictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NEO4J_URI", "NEO4J_USERNAME", "NEO4J_PASSWORD", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="never started"):
        AudienceGraph.connect(tmp_path)
    with pytest.raises(ConfigError, match="without a driver"):
        AudienceGraph.connect(database_url="postgresql:///x")
    with pytest.raises(ConfigError, match="without a Postgres"):
        AudienceGraph.connect(driver=object())  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="one of them"):
        AudienceGraph.connect(tmp_path, driver=object(), database_url="postgresql:///x")  # type: ignore[arg-type]


def test_a_driver_that_was_passed_stays_open() -> None:
    class Driver:
        closed = False

        def close(self) -> None:
            self.closed = True

    driver = Driver()
    with AudienceGraph.connect(driver=driver, database_url="postgresql:///x") as ag:  # type: ignore[arg-type]
        assert repr(ag) == "AudienceGraph()"
    assert not driver.closed
