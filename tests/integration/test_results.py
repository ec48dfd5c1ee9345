"""Results on real servers: loaded once, checked whole, compared as numpy says, and learned from when asked."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from sent_campaigns import PICKED, QUESTION, Campaign, add_users, clear, send
from small_world import World, build, cypher

from audience_graph.audience.learn.results import Results
from audience_graph.audience.learn.shown import figures, of_whole, versus
from audience_graph.audit import read_log
from audience_graph.cli.results import results
from audience_graph.client import AudienceGraph
from audience_graph.config import Connections
from audience_graph.errors import ConfigError, InputError, NotFoundError, StoreUnavailable
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import LoadOptions
from audience_graph.vectors.store import Store

COPIES = 19


@dataclass(frozen=True)
class Crowd:
    """Everybody: the user of the small world that each is a copy of."""

    world: World
    users: list[str]
    like: dict[str, str]

    def leading(self, user: str) -> str:
        """Return the picked entity with the largest part of a user's score."""
        vector = self.world.users[self.like[user]]
        parts = {str(p["id"]): float(p["weight"]) * float(vector @ self.world.entities[str(p["id"])]) for p in PICKED}
        return max(parts, key=lambda i: parts[i])

    def touches(self, user: str, entity: str) -> bool:
        return entity in self.world.mentions[self.like[user]]


@pytest.fixture(scope="module")
def crowd(runner: Neo4jRunner, store: Store) -> Crowd:
    world = build(runner, store)
    made = add_users(store, world, COPIES)
    like = {copy: user for user, copies in made.items() for copy in [user, *copies]}
    users = list(like)
    np.random.default_rng(3).shuffle(users)
    return Crowd(world, users, like)


@pytest.fixture
def ag(
    connections: Connections, crowd: Crowd, store: Store, runner: Neo4jRunner, monkeypatch: pytest.MonkeyPatch  # noqa: ARG001
) -> Iterator[AudienceGraph]:  # fmt: skip
    monkeypatch.setenv("AUDIENCE_GRAPH_ACTOR", "mia")
    with store.transaction() as tx:
        clear(tx)
    with AudienceGraph.connect(connections=connections) as client:
        yield client
    runner.write(cypher("MATCH ()-[r:CONFIRMED|REJECTED|PICKED|PERFORMED]->() DELETE r"))
    runner.write(cypher("MATCH (a:Audience) DELETE a"))


@pytest.fixture
def sent(ag: AudienceGraph, crowd: Crowd, store: Store) -> Campaign:  # noqa: ARG001 - emptied first
    users = crowd.users
    return send(
        store, {"a": users[:2000], "b": users[2000:4000], "holdout": users[4000:5500], "tiny": users[5500:5590]}
    )


def write(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in names} for row in rows]), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    return path


def stored(store: Store, table: str = "result_user") -> list[Any]:
    with store.transaction(read_only=True) as tx:
        return tx.rows(f"SELECT * FROM {table} ORDER BY 1, 2")


def outcome(crowd: Crowd, campaign: Campaign, *, seed: int = 5) -> list[dict[str, Any]]:
    """Whom e2 leads convert most, whom e3 leads hardly, friends of e6 more often; the holdout half as often."""
    rng = np.random.default_rng(seed)
    rows = []
    for arm, users in campaign.arms.items():
        for user in users:
            chance = {"e2": 0.4, "e3": 0.02}.get(crowd.leading(user), 0.12)
            chance *= (1.8 if crowd.touches(user, "e6") else 1.0) * (0.5 if arm == "holdout" else 1.0)
            converted = int(rng.random() < chance)
            exposed = int(arm != "holdout" and rng.random() < 0.8)
            if converted or exposed:
                rows.append({"user_id": user, "exposures": 2 * exposed, "clicks": converted, "conversions": converted})
    return rows


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_file_is_loaded_once_and_a_second_one_replaces_user_by_user(
    ag: AudienceGraph, sent: Campaign, store: Store, tmp_path: Path, ending: str
) -> None:
    u, v, w = sent.arms["a"][:3]
    first = write(
        tmp_path / f"r.{ending}", [{"user_id": u, "exposures": 3, "conversions": 1}, {"user_id": v, "exposures": 1}]
    )
    done = ag.results.load(first, export=sent.export)
    assert (done.read, done.told, done.written, done.unchanged, done.rejected) == (2, 2, 2, 0, 0)
    before = stored(store)
    assert sorted((r["exposures"], r["clicks"], r["conversions"]) for r in before) == [(1, 0, 0), (3, 0, 1)]
    again = ag.results.load(first, export=sent.export)
    assert (again.written, again.unchanged) == (0, 2)
    assert stored(store) == before
    second = write(tmp_path / f"s.{ending}", [{"user_id": v, "conversions": 2}, {"user_id": w, "clicks": 1}])
    assert ag.results.load(second, export=sent.export).written == 2
    assert sorted((r["exposures"], r["clicks"], r["conversions"]) for r in stored(store)) == [
        (0, 0, 2),
        (0, 1, 0),
        (3, 0, 1),
    ]
    with store.transaction(read_only=True) as tx:
        log = read_log(tx, about=f"export {sent.export}")
    assert [(e.action, e.what["written"]) for e in log] == [("results.load", 2), ("results.load", 2)]
    assert u not in json.dumps([e.what for e in log])


def test_happenings_are_added_up(ag: AudienceGraph, sent: Campaign, store: Store, tmp_path: Path) -> None:
    u, v = sent.arms["a"][:2]
    told = [(u, "exposure", "2026-07-28T10:00:00Z"), (u, "exposure", "2026-07-29"), (u, "conversion", "2026-07-30"),
            (v, "click", "2026-07-28")]  # fmt: skip
    rows = [{"user_id": user, "kind": kind, "time": time} for user, kind, time in told]
    for ending in ("jsonl", "csv"):
        ag.results.load(write(tmp_path / f"r.{ending}", rows), export=sent.export)
        found = {(r["exposures"], r["clicks"], r["conversions"], r["last_at"]) for r in stored(store)}
        assert found == {
            (2, 0, 1, datetime(2026, 7, 30, tzinfo=UTC)),
            (0, 1, 0, datetime(2026, 7, 28, tzinfo=UTC)),
        }
    bad = [{"user_id": u, "kind": "exposure"}, {"user_id": v, "kind": "sale"}, {"user_id": v, "kind": ""}]
    with pytest.raises(InputError) as refused:
        ag.results.load(write(tmp_path / "bad.csv", bad), export=sent.export)
    assert [(p.row, p.column) for p in refused.value.problems] == [(2, "kind"), (3, "kind")]
    both = [{"user_id": u, "kind": "click", "clicks": 2}]
    with pytest.raises(InputError, match="1 problem"):
        ag.results.load(write(tmp_path / "both.csv", both), export=sent.export)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("value", [-1, 1.5, 2.0**31, float("nan"), "many", True])
def test_a_count_is_a_whole_number(
    ag: AudienceGraph, sent: Campaign, store: Store, tmp_path: Path, ending: str, value: Any
) -> None:
    path = write(tmp_path / f"r.{ending}", [{"user_id": sent.arms["a"][0], "conversions": value}])
    with pytest.raises(InputError) as refused:
        ag.results.load(path, export=sent.export)
    assert refused.value.problems[0].column == "conversions"
    assert stored(store) == []


def test_bad_rows_are_named_and_the_good_ones_loaded_when_asked(
    ag: AudienceGraph, sent: Campaign, crowd: Crowd, store: Store, tmp_path: Path
) -> None:
    u, stranger = sent.arms["a"][0], crowd.users[-1]
    rows = [
        {"user_id": u, "conversions": 1},
        {"user_id": stranger, "conversions": 1},
        {"user_id": "nobody 💄'; DROP TABLE export; --", "conversions": 1},
        {"user_id": u, "conversions": 1},
        {"user_id": sent.arms["b"][0], "conversions": 1},
        {"user_id": sent.arms["b"][0], "conversions": 2},
        {"user_id": "", "conversions": 0},
    ]
    path = write(tmp_path / "r.csv", rows)
    with pytest.raises(InputError) as refused:
        ag.results.load(path, export=sent.export)
    assert {p.row for p in refused.value.problems} == {7}
    assert stored(store) == []
    target = tmp_path / "bad.csv"
    done = ag.results.load(path, export=sent.export, options=LoadOptions(reject_to=target))
    assert (done.read, done.rejected, done.told, done.written) == (7, 4, 2, 2)
    assert any("repeat" in note for note in done.notes)
    with target.open(encoding="utf-8") as file:
        assert sorted(int(row["reject_row"]) for row in csv.DictReader(file)) == [2, 3, 6, 7]
    assert len(stored(store)) == 2


def test_files_that_are_no_results_are_refused(ag: AudienceGraph, sent: Campaign, tmp_path: Path) -> None:
    for rows in ([{"name": "x", "conversions": 1}], [{"user_id": "u1", "arm": "a", "users": 1}]):
        with pytest.raises(InputError, match="per user or per arm"):
            ag.results.load(write(tmp_path / "r.csv", rows), export=sent.export)
    empty = tmp_path / "empty.csv"
    empty.write_text("user_id,conversions\n")
    with pytest.raises(InputError):
        ag.results.load(empty, export=sent.export)
    good = write(tmp_path / "r.csv", [{"customer": sent.arms["a"][0]}])
    assert ag.results.load(good, export=sent.export, options=LoadOptions(mapping={"user_id": "customer"})).told == 1
    with pytest.raises(NotFoundError, match="no export 99"):
        ag.results.load(good, export=99)
    for number in (True, "7", 0, -1, 2**70):
        with pytest.raises(ConfigError):
            ag.results.load(good, export=number)  # type: ignore[arg-type]


def test_results_per_arm(ag: AudienceGraph, sent: Campaign, store: Store, tmp_path: Path) -> None:
    rows = [
        {"arm": "a", "users": 2000, "exposures": 1500, "conversions": 240},
        {"arm": "holdout", "users": 1500, "exposures": 0, "conversions": 90},
    ]
    path = write(tmp_path / "r.jsonl", rows)
    assert (ag.results.load(path, export=sent.export).written, ag.results.load(path, export=sent.export).written) == (
        2,
        0,
    )
    report = {row["arm"]: row for row in ag.results.report("spring").rows()}
    assert (report["a"]["conversions"], report["a"]["rate"]) == (240, 0.12)
    assert report["a"]["lift"] == pytest.approx(2.0)
    for bad in ({"arm": "c", "users": 5}, {"arm": "a", "users": 5, "conversions": 6}, {"arm": "a", "users": 2001}):
        with pytest.raises(InputError, match="1 problem"):
            ag.results.load(write(tmp_path / "bad.csv", [bad]), export=sent.export)
    assert "per arm" in ag.results.entities("spring").note
    assert len(stored(store, "result_arm")) == 2


def test_exposed_holdouts_are_told_and_their_conversions_taken(
    ag: AudienceGraph, sent: Campaign, tmp_path: Path
) -> None:
    rows = [{"user_id": u, "exposures": 1, "conversions": 1} for u in sent.arms["holdout"][:30]]
    done = ag.results.load(write(tmp_path / "r.csv", rows), export=sent.export)
    assert done.notes == (
        "fewer than 100 users of the holdout were exposed: the lift is of a holdout that was not kept",
    )
    many = [{"user_id": u, "exposures": 1} for u in sent.arms["holdout"][:244]]
    assert "about 240 users" in ag.results.load(write(tmp_path / "m.csv", many), export=sent.export).notes[0]


def test_the_report_says_what_the_counts_say(ag: AudienceGraph, sent: Campaign, crowd: Crowd, tmp_path: Path) -> None:
    rows = outcome(crowd, sent)
    ag.results.load(write(tmp_path / "r.parquet", rows), export=sent.export)
    told = {row["user_id"]: row for row in rows}
    exact = {
        arm: (len(users), *(sum(told.get(u, {}).get(n, 0) > 0 for u in users) for n in ("exposures", "conversions")))
        for arm, users in sent.arms.items()
    }
    report = ag.results.report("spring")
    found = {row["arm"]: row for row in report.rows()}
    assert list(found) == ["(all sent)", "a", "b", "tiny", "holdout"]
    held = figures(*exact["holdout"])
    for arm in ("a", "b"):
        own = figures(*exact[arm])
        assert own is not None
        assert held is not None
        beside = versus(own, held)
        row = found[arm]
        assert (row["users"], row["exposures"], row["conversions"]) == (own.users, own.exposures, own.conversions)
        assert (row["lift"], row["lift_low"], row["uplift"]) == (
            beside.ratio.value,
            beside.ratio.low,
            beside.difference.value,
        )
        assert row["lift_low"] < 2.0 < row["lift_high"]
    assert (found["tiny"]["users"], found["tiny"]["rate"], found["tiny"]["note"]) == (
        None,
        None,
        "fewer than 100 users",
    )
    assert (found["holdout"]["lift"], found["holdout"]["exposures"]) == (None, 0)
    assert found["a"]["seconds"] == 1.5
    assert 0 <= found["a"]["days"] < 1
    assert (report.release, report.week) == (ag.releases().release, "2026-W30")
    assert list(ag.results.report(sent.export).rows()) == list(report.rows())


def test_without_a_holdout_no_lift_is_claimed(ag: AudienceGraph, crowd: Crowd, store: Store, tmp_path: Path) -> None:
    sent = send(store, {"a": crowd.users[:500]})
    with pytest.raises(NotFoundError, match="no results of audience"):
        ag.results.report("spring")
    with pytest.raises(NotFoundError, match="no audience"):
        ag.results.report("winter")
    assert next(ag.results.report(sent.export).rows())["note"] == "no results yet"
    ag.results.load(write(tmp_path / "r.csv", [{"user_id": sent.arms["a"][0], "conversions": 1}]), export=sent.export)
    row = next(ag.results.report("spring").rows())
    assert (row["users"], row["lift"], row["lift_low"], row["note"]) == (
        500,
        None,
        None,
        "no holdout: no lift is claimed",
    )


def test_entities_are_those_that_lead_and_suggestions_those_that_others_of_like_score_prefer_less(
    ag: AudienceGraph, sent: Campaign, crowd: Crowd, runner: Neo4jRunner, tmp_path: Path
) -> None:
    rows = outcome(crowd, sent)
    ag.results.load(write(tmp_path / "r.parquet", rows), export=sent.export)
    told = {row["user_id"]: row for row in rows}
    users = [u for arm in ("a", "b", "tiny") for u in sent.arms[arm]]

    def counts(group: list[str]) -> tuple[int, int, int]:
        return (len(group), *(sum(told.get(u, {}).get(n, 0) > 0 for u in group) for n in ("exposures", "conversions")))  # type: ignore[return-value]

    def expected(inside: list[str]) -> tuple[Any, ...]:
        own = figures(*counts(inside))
        rest = figures(*counts([u for u in users if u not in set(inside)]))
        assert own is not None
        assert rest is not None
        ratio = of_whole(own, rest).ratio
        return own.users, own.exposures, own.conversions, ratio.value, ratio.low, ratio.high

    found = {e.id: e for e in ag.results.entities("spring").entities}
    assert set(found) == {"e1", "e2", "e3", "e11"}
    for entity, row in found.items():
        leads = [u for u in users if crowd.leading(u) == entity]
        assert (row.users, row.exposures, row.conversions, row.lift, row.low, row.high) == expected(leads)
    assert found["e2"].sure
    assert found["e2"].low > 1.0
    assert found["e3"].sure
    assert found["e3"].high < 1.0

    assert {row.id for row in found.values() if row.worse} == {"e1", "e3", "e11"}  # e2 leads many with a low score
    suggested = ag.results.suggest("spring")
    best = {e.id: e for e in suggested.entities}
    assert "e6" in best
    assert not set(best) & {"e1", "e2", "e3", "e11"}
    inside, expected_of = preferring(crowd, users, told, "e6")
    own = figures(*counts(inside))
    assert own is not None
    row = best["e6"]
    assert (row.users, row.exposures, row.conversions) == (own.users, own.exposures, own.conversions)
    assert row.lift == pytest.approx(own.conversions / expected_of, rel=0.02)  # copies tie
    assert row.low > 1.0
    assert row.sure
    assert row.path == ("e1", "e6")
    line = next(text for text in suggested.lines() if "Alex Morgan" in text)
    assert line == f"{row.near} -> Alex Morgan: {row.lift:.1f} x lift, not yet picked"
    runner.write(cypher("MATCH (e:Entity {id: 'e6'}) SET e.sensitive = true"))
    try:
        assert "e6" not in {e.id for e in ag.results.suggest("spring").entities}
    finally:
        runner.write(cypher("MATCH (e:Entity {id: 'e6'}) REMOVE e.sensitive"))


def preferring(crowd: Crowd, users: list[str], told: dict[str, Any], entity: str) -> tuple[list[str], float]:
    """Return who of the users prefers an entity most, and how many conversions users of like score would have."""
    vectors = np.array([crowd.world.users[crowd.like[u]] for u in users], np.float32)
    query = sum(float(p["weight"]) * crowd.world.entities[str(p["id"])] for p in PICKED).astype(np.float32)
    liking = vectors @ crowd.world.entities[entity].astype(np.float32)
    inside = liking >= np.sort(liking)[-round(0.05 * len(users))]
    converted = np.array([told.get(u, {}).get("conversions", 0) > 0 for u in users])
    order = np.argsort(-(vectors @ query), kind="stable")
    expected = sum(inside[part].sum() * converted[part].mean() for part in np.array_split(order, 10))
    return [u for u, one in zip(users, inside, strict=True) if one], float(expected)


def test_a_popular_entity_is_no_reason(ag: AudienceGraph, sent: Campaign, crowd: Crowd, tmp_path: Path) -> None:
    """Who stands higher in the ranking converts more, whatever else they like: nothing is suggested."""
    rng = np.random.default_rng(8)
    users = [u for arm in ("a", "b") for u in sent.arms[arm]]
    query = sum(float(p["weight"]) * crowd.world.entities[str(p["id"])] for p in PICKED)
    score = np.array([float(crowd.world.users[crowd.like[u]] @ query) for u in users])
    chance = 0.5 * np.argsort(np.argsort(score)) / len(score)
    rows = [{"user_id": u, "conversions": 1} for u, p in zip(users, chance, strict=True) if rng.random() < p]
    ag.results.load(write(tmp_path / "r.csv", rows), export=sent.export)
    assert ag.results.suggest("spring").entities == ()


def test_suggestions_are_followed_by_name_or_the_surest(
    ag: AudienceGraph, sent: Campaign, crowd: Crowd, store: Store, tmp_path: Path
) -> None:
    ag.results.load(write(tmp_path / "r.parquet", outcome(crowd, sent)), export=sent.export)
    surest = ag.results.suggest("spring").entities[0]
    with pytest.raises(NotFoundError, match="'e1' is not suggested"):
        ag.results.follow("spring", ids=["e6", "e1"])
    assert ag.decisions.list().decisions == ()
    for bad in (0, True, 1.5):
        with pytest.raises(ConfigError, match="count must be"):
            ag.results.follow("spring", count=bad)  # type: ignore[arg-type]
    [one] = ag.results.follow("spring", count=1).decisions
    assert (one.source_id, one.target_id, set(one.sources)) == ("e1", surest.id, {"marketer", "result"})
    assert (one.by, one.note) == ("mia", f"suggested by export {sent.export}")
    ag.results.follow("spring", ids=["e6"], note="fans")
    assert ("e1", "e6") in {(d.source_id, d.target_id) for d in ag.decisions.list().decisions}
    with store.transaction(read_only=True) as tx:
        assert [e.action for e in read_log(tx, about="audience spring")][:1] == ["relation.confirm"]


def test_entities_of_a_small_audience_have_no_numbers(
    ag: AudienceGraph, crowd: Crowd, store: Store, tmp_path: Path
) -> None:
    sent = send(store, {"a": crowd.users[:150]}, questions=[{"kind": "both", "graph": QUESTION, "weight": 0.5}])
    rows = [{"user_id": u, "conversions": 1} for u in crowd.users[:60]]
    ag.results.load(write(tmp_path / "r.csv", rows), export=sent.export)
    found = ag.results.entities("spring").entities
    assert found
    assert all(e.users is None and e.lift is None and e.rate is None and not e.sure for e in found)
    assert ag.results.suggest("spring").entities == ()


def test_an_audience_without_picks_says_so(ag: AudienceGraph, crowd: Crowd, store: Store, tmp_path: Path) -> None:
    sent = send(store, {"a": crowd.users[:150]}, questions=[{"kind": "sentence", "space": "text_x", "query": [0.1]}])
    ag.results.load(write(tmp_path / "r.csv", [{"user_id": crowd.users[0], "conversions": 1}]), export=sent.export)
    assert "not made by picked entities" in ag.results.entities("spring").note
    assert ag.results.learn("spring").lessons == ()
    gone = [{**QUESTION, "space": "pref_2020_w01_gone"}]
    other = send(store, {"a": crowd.users[:150]}, name="other", questions=gone)
    ag.results.load(write(tmp_path / "r.csv", [{"user_id": crowd.users[0], "conversions": 1}]), export=other.export)
    assert "are gone" in ag.results.entities("other").note


def test_learning_decides_when_it_is_called_and_never_against_a_marketer(
    ag: AudienceGraph, sent: Campaign, crowd: Crowd, runner: Neo4jRunner, store: Store, tmp_path: Path
) -> None:
    ag.results.load(write(tmp_path / "r.parquet", outcome(crowd, sent)), export=sent.export)
    assert ag.decisions.list().decisions == ()
    dry = ag.results.learn("spring", dry_run=True)
    assert {(x.action, x.source_id, x.target_id, x.kept) for x in dry.lessons} == {
        ("confirm", "e1", "e2", ""), ("reject", "e1", "e3", ""), ("reject", "e2", "e11", "")
    }  # fmt: skip
    assert ag.decisions.list().decisions == ()
    ag.decisions.confirm("e1", "e3", note="ours")
    done = ag.results.learn("spring")
    assert {(x.action, x.target_id, x.kept) for x in done.lessons} == {
        ("confirm", "e2", ""), ("reject", "e11", ""), ("reject", "e3", "a marketer confirmed it")
    }  # fmt: skip
    held = {(d.decision, d.target_id): d.sources for d in ag.decisions.list().decisions}
    assert held == {
        ("confirmed", "e2"): ("result",),
        ("rejected", "e11"): ("result",),
        ("confirmed", "e3"): ("marketer",),
    }
    before = ag.decisions.list().decisions
    performed = cypher(
        "MATCH (a:Audience)-[p:PERFORMED]->(e) RETURN a.id AS a, e.id AS e, properties(p) AS p ORDER BY e"
    )
    rows = runner.read(performed)
    assert {row["e"] for row in rows} == {"e1", "e2", "e3", "e11"}
    assert all(row["p"]["conversions"] % 10 == 0 and row["p"]["exposures"] % 10 == 0 for row in rows)
    lifts = {e.id: e for e in ag.results.entities("spring").entities}
    assert all((row["p"]["lift"], row["p"]["lift_low"]) == (lifts[row["e"]].lift, lifts[row["e"]].low) for row in rows)
    ag.results.learn("spring")
    assert ag.decisions.list().decisions == before
    assert runner.read(performed) == rows
    ag.decisions.withdraw("e1", "e3")
    ag.results.learn("spring")
    assert {(d.decision, d.target_id) for d in ag.decisions.list().decisions} == {
        ("confirmed", "e2"),
        ("rejected", "e11"),
        ("rejected", "e3"),
    }
    with store.transaction(read_only=True) as tx:
        assert {e.action for e in read_log(tx, about="audience spring")} == {"relation.confirm", "relation.reject"}


class Silent:
    """A Neo4j that does not answer."""

    def read(self, *_: Any) -> Any:
        raise StoreUnavailable("Neo4j does not answer")

    write = auto_commit = read


def test_results_are_loaded_while_the_graph_is_away(
    ag: AudienceGraph, sent: Campaign, store: Store, runner: Neo4jRunner, tmp_path: Path
) -> None:
    path = write(tmp_path / "r.csv", [{"user_id": u, "conversions": 1} for u in sent.arms["a"][:300]])
    done = Results(Silent(), store, by="mia").load(path, sent.export)
    assert "does not answer" in done.notes[-1]
    assert len(stored(store)) == 300
    performed = cypher("MATCH (:Audience)-[p:PERFORMED]->() RETURN count(p) AS n")
    assert runner.read(performed)[0]["n"] == 0
    assert ag.results.load(path, export=sent.export).written == 0
    assert runner.read(performed)[0]["n"] == 4


def test_days_count_to_the_last_result_that_is_told(
    ag: AudienceGraph, sent: Campaign, store: Store, tmp_path: Path
) -> None:
    with store.transaction() as tx:
        tx.execute("UPDATE export SET made_at = %s", [datetime.now(UTC) - timedelta(days=10)])
    rows = [
        {"user_id": sent.arms["a"][0], "conversions": 1, "time": (datetime.now(UTC) - timedelta(days=4)).isoformat()}
    ]
    ag.results.load(write(tmp_path / "r.jsonl", rows), export=sent.export)
    assert next(ag.results.report(sent.export).rows())["days"] == pytest.approx(6, abs=0.02)


def test_the_command_line_says_the_same(
    ag: AudienceGraph,
    sent: Campaign,
    crowd: Crowd,
    connections: Connections,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("uri", "username", "password", "database"):
        monkeypatch.setenv(f"NEO4J_{name.upper()}", getattr(connections, f"neo4j_{name}"))
    monkeypatch.setenv("DATABASE_URL", connections.database_url)

    def run(*words: str) -> Any:
        done = CliRunner().invoke(results, [*words, "--json"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    path = write(tmp_path / "r.csv", outcome(crowd, sent))
    told = run("load", str(path), "--export", str(sent.export))
    assert (told["audience"], told["rejected"], told["written"]) == ("spring", 0, told["told"])
    for command, answer in (
        ("report", ag.results.report("spring")),
        ("entities", ag.results.entities("spring")),
        ("suggest", ag.results.suggest("spring")),
    ):
        assert run(command, "spring")["rows"] == json.loads(json.dumps(list(answer.rows())))
        assert run(command, str(sent.export))["rows"] == run(command, "spring")["rows"]
    assert run("learn", "spring", "--dry-run")["rows"] == run("learn", "spring")["rows"]
    assert len(ag.decisions.list().decisions) == 3
    followed = run("follow", "spring", "--id", "e6", "--note", "fans")["rows"]
    assert [(row["source_id"], row["target_id"], row["note"]) for row in followed] == [("e1", "e6", "fans")]


def test_an_entity_that_is_worse_than_the_mean_only_is_not_rejected(
    ag: AudienceGraph, sent: Campaign, crowd: Crowd, tmp_path: Path
) -> None:
    """Whom e2 leads convert very well in the upper half; beside them all look bad, and none is worse than the rest."""
    rng = np.random.default_rng(9)
    users = [u for arm in ("a", "b", "tiny") for u in sent.arms[arm]]
    query = sum(float(p["weight"]) * crowd.world.entities[str(p["id"])] for p in PICKED)
    score = np.array([float(crowd.world.users[crowd.like[u]] @ query) for u in users])
    upper = score > np.median(score)
    rows = []
    for user, high in zip(users, upper, strict=True):
        chance = 0.9 if high and crowd.leading(user) == "e2" else 0.2 if high else 0.1
        rows.append({"user_id": user, "conversions": int(rng.random() < chance)})
    ag.results.load(write(tmp_path / "r.csv", rows), export=sent.export)
    found = {e.id: e for e in ag.results.entities("spring").entities}
    assert any(e.sure and e.high is not None and e.high < 1.0 for e in found.values())
    assert not any(e.worse for e in found.values())
    assert {x.action for x in ag.results.learn("spring", dry_run=True).lessons} == {"confirm"}


def test_results_of_an_older_export_leave_the_picks_of_the_newest_snapshot(
    ag: AudienceGraph, sent: Campaign, crowd: Crowd, runner: Neo4jRunner, tmp_path: Path
) -> None:
    ag.audience("e5", size=200, method="graph").take("spring")
    picked = cypher("MATCH (:Audience {name: 'spring'})-[p:PICKED]->(e) RETURN e.id AS id ORDER BY id")
    newest = runner.read(picked)
    assert {"id": "e5"} in newest
    ag.results.load(write(tmp_path / "r.csv", outcome(crowd, sent)), export=sent.export)
    assert runner.read(picked) == newest
    told = cypher("MATCH (:Audience)-[p:PERFORMED]->() RETURN DISTINCT toString(p.as_of) AS at")
    assert all(row["at"].endswith("Z") for row in runner.read(told))
