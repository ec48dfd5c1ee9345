"""Facts of windows: what they hold, and equal tables on DuckDB and on Spark. Never skipped."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from audience_trainers.users.columns import fetch
from audience_trainers.users.histories import read_histories
from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.futures import KEYS, channel_table, cut_table, facts_of
from audience_trainers.users.pairs.windows import DAY, Windows
from audience_trainers.users.source import open_folder
from users.folders import event, seconds, write_folder

Fact = tuple[Any, ...]


def facts(
    folder: Path,
    *cuts: float,
    engine: str = "duckdb",
    days: int = 14,
    phrases: dict[str, str] | None = None,
    groups: dict[str, str] | None = None,
) -> list[Fact]:
    """Return (KEYS ..., count, cents, first) of each fact, the cut in days after the first of the year."""
    cut = pa.array([seconds(c) for c in cuts], pa.int64()).to_numpy()
    windows = Windows(cut=cut, split=cut * 0, horizon=days * DAY, history=30 * DAY, present=False)
    with open_folder(folder, engine="spark" if engine == "spark" else "duckdb") as source:
        channels = sorted(set(read_histories(source).sources)) if engine == "duckdb" else CHANNELS
        linked = pa.table({"phrase": list(phrases or {}), "entity_id": list((phrases or {}).values())})
        expression = facts_of(
            source.events, cut_table(windows), channel_table(channels, FamilyMap()),
            phrases=ibis.memtable(linked) if phrases else None,
            groups=ibis.memtable(pa.table({"item": list(groups), "group": list(groups.values())})) if groups else None,
        )  # fmt: skip
        found = fetch(source.backend, expression, coded=[name for name in KEYS if name != "cut"])
    words = {name: [coded.words[code] for code in coded.code] for name, coded in found.coded.items()}
    words["cut"] = [(int(c) - seconds(0)) / DAY for c in found.values["cut"]]
    numbers = [found.values[name].tolist() for name in ("count", "cents", "first")]
    return list(zip(*(words[name] for name in KEYS), *numbers, strict=True))


CHANNELS = ["click", "order", "pay", "search", "visit", "watch"]


def brief(found: list[Fact]) -> list[Fact]:
    """Leave out the user, the cut and totals."""
    return [fact[2:] for fact in found if fact[5] != "any"]


def test_a_window_holds_its_start_and_not_its_end(tmp_path: Path) -> None:
    times = {"before": 10 - 1e-5, "start": 10, "in": 20, "end": 24, "after": 25}
    write_folder(tmp_path, [event("u", at, text=name) for name, at in times.items()])
    assert [fact[6] for fact in facts(tmp_path, 10)] == ["in", "start"]


def test_a_purchase_tells_of_items_category_entities_and_merchant(tmp_path: Path) -> None:
    write_folder(tmp_path, [
        event("u", 11, "order", text="an order", items=["lip gloss", "pen"], category="makeup", entity_ids=["e1"],
              merchant="Sephora", amount=10.01, status="ok", payment_channel="credit_card"),
    ])  # fmt: skip
    found = facts(tmp_path, 10)
    wanted = [("category", "makeup", 1001), ("entity", "e1", 1001), ("item", "lip gloss", 501), ("item", "pen", 501),
              ("merchant", "Sephora", 1001)]  # fmt: skip
    assert brief(found) == [
        *(("payment", "credit_card", "done", kind, value, 1, cents, True) for kind, value, cents in wanted),
        *(("purchase", "", "done", kind, value, 1, cents, True) for kind, value, cents in wanted),
    ]
    totals = [fact[2:] for fact in found if fact[5] == "any"]
    assert totals == [(family, way, "done", "any", "", 1, 1001, True)
                      for family, way in (("payment", "credit_card"), ("purchase", ""))]  # fmt: skip


def test_text_speaks_where_nothing_else_does_and_always_of_searches(tmp_path: Path) -> None:
    write_folder(tmp_path, [
        event("u", 11, text="read about tea", category="tea"), event("u", 11, text="settings"),
        event("u", 11, "search", text="green tea", category="tea"), event("u", 11, "watch", text="a film"),
    ])  # fmt: skip
    assert [(fact[0], fact[1], fact[3], fact[4]) for fact in brief(facts(tmp_path, 10))] == [
        ("browse", "", "category", "tea"), ("browse", "", "text", "settings"), ("browse", "watch", "text", "a film"),
        ("search", "", "category", "tea"), ("search", "", "text", "green tea"),
    ]  # fmt: skip


def test_linked_texts_become_entities_unless_ids_are_given(tmp_path: Path) -> None:
    write_folder(tmp_path, [
        event("u", 11, text="about spa"), event("u", 12, text="about spa", entity_ids=["care"]),
        event("u", 13, "search", text="about spa"),
    ])  # fmt: skip
    found = brief(facts(tmp_path, 10, phrases={"about spa": "spa"}))
    assert [(fact[0], fact[3], fact[4]) for fact in found] == [
        ("browse", "entity", "care"), ("browse", "entity", "spa"), ("search", "entity", "spa"),
        ("search", "text", "about spa"),
    ]  # fmt: skip


def test_the_first_time_is_the_first_of_its_family(tmp_path: Path) -> None:
    write_folder(tmp_path, [
        event("u", 1, "order", items=["tea"], status="failed"), event("u", 2, "search", text="pen"),
        event("u", 11, "order", items=["tea"]), event("u", 12, "order", items=["pen"]),
        event("u", 30, "order", items=["tea"]), event("v", 12, "order", items=["tea"]),
    ])  # fmt: skip
    items = [fact for fact in facts(tmp_path, 10, 18) if fact[5] == "item"]
    assert [(fact[0], fact[1], fact[6], fact[9]) for fact in items] == [
        ("u", 10, "pen", True), ("u", 10, "tea", False), ("u", 18, "tea", False), ("v", 10, "tea", True)
    ]  # fmt: skip


def test_what_happens_first_in_the_second_of_t1_is_the_first_time(tmp_path: Path) -> None:
    write_folder(
        tmp_path, [event("u", 10, "order", items=["tea"]), event("u", 10 - 1 / 86_400, "order", items=["pen"])]
    )
    assert [fact[6:] for fact in facts(tmp_path, 10) if fact[5] == "item"] == [("tea", 1, 0, True)]


def test_what_failed_and_what_was_given_back_is_apart(tmp_path: Path) -> None:
    write_folder(tmp_path, [
        event("u", 11, "order", items=["a"], status="Declined"),
        event("u", 11, "order", items=["b"], status="refunded"), event("u", 11, "order", items=["c"], status="pending"),
        event("u", 11, "click", text="d", status="failed"),
    ])  # fmt: skip
    assert {fact[4]: fact[2] for fact in brief(facts(tmp_path, 10))} == {
        "a": "failed", "b": "refunded", "c": "done", "d": "done"
    }  # fmt: skip


def test_amounts_are_summed_in_cents_and_wild_ones_are_none(tmp_path: Path) -> None:
    amounts = [0.1, 0.2, 1e300, float("nan"), None, -0.05]
    write_folder(
        tmp_path, [event("u", 11 + i / 9, "pay", text="rent", amount=amount) for i, amount in enumerate(amounts)]
    )
    assert [fact[-3:-1] for fact in brief(facts(tmp_path, 10))] == [(6, 25)]


def test_duckdb_and_spark_give_equal_facts(tmp_path: Path) -> None:
    rng = random.Random(5)

    def draw(*options: Any) -> Any:
        return rng.choice(options)

    rows = [
        event(draw("u1", "Ü", "用户"), rng.random() * 40, draw(*CHANNELS), text=draw("spa", 'a "b" 🎁', "x", None),
              items=draw(None, [], ["tea"], ["tea", "pen"]), entity_ids=draw(None, [], ["e1"], ["e1", "e2"], ["tea"]),
              category=draw(None, "", "drinks"), merchant=draw(None, "Bo's"),
              amount=draw(None, 1.005, 20.0, 0.333, 1e300),
              status=draw(None, "ok", "FAILED", "refunded"), payment_channel=draw(None, "credit_card"))
        for _ in range(600)
    ]  # fmt: skip
    write_folder(tmp_path, rows)
    linked: dict[str, Any] = {"phrases": {"spa": "e1", "x": "e3"}, "groups": {"tea": "hot drink", "pen": "desk"}}
    duck = facts(tmp_path, 10, 14, 24, **linked)
    assert len(duck) > 300
    assert {fact[6] for fact in duck if fact[5] == "group"} == {"hot drink", "desk"}
    assert facts(tmp_path, 10, 14, 24, **linked, engine="spark") == duck
