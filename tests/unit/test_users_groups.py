"""Groups of items by the words that their names share: which there are, and where descriptions may speak of them."""

from __future__ import annotations

from pathlib import Path

from audience_trainers.users.histories import read_histories
from audience_trainers.users.pairs.build import PairsConfig, build_pairs
from audience_trainers.users.pairs.futures import KINDS
from audience_trainers.users.pairs.groups import item_groups, shared_words
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.source import open_folder
from users.folders import event, write_folder

COLOURS = ("red", "blue", "green", "white", "black", "pink")
BAGS = [f"lunch bag {colour}" for colour in COLOURS]
REST = [f"{a}{b} thing{a}{b}" for a in "abcdefgh" for b in "stuvwxyz"]  # names that share nothing


def test_groups_are_words_and_pairs_that_enough_names_share() -> None:
    found = shared_words([*BAGS, "The bag of tea", *REST])
    assert found[0] == ["bag", "lunch", "lunch bag"]  # one colour each: no group
    assert found[6] == ["bag"]  # no empty words, no pair across them
    assert not any(found[7:])


def test_words_that_most_names_share_are_no_group() -> None:
    assert shared_words(BAGS) == [[]] * len(BAGS)
    assert shared_words([]) == []


def bought(user: str, at: float, item: str, **more: object) -> dict[str, object]:
    return event(user, at, "purchase", items=[item], **more)


def test_only_items_of_which_nothing_says_the_kind_are_grouped(tmp_path: Path) -> None:
    names = [*BAGS, *REST]
    plain = [bought("u", i / 10, name) for i, name in enumerate(names)]
    with open_folder(write_folder(tmp_path / "plain", plain)) as source:
        assert set(item_groups(source)["group"].to_pylist()) == {"bag", "lunch", "lunch bag"}
    own = [row | {"entity_ids": row["items"]} for row in plain]  # an item that is an entity itself
    with open_folder(write_folder(tmp_path / "own", own)) as source:
        assert item_groups(source).num_rows == 3 * len(BAGS)
    for name, more in (("category", {"category": "bags"}), ("entity", {"entity_ids": ["kind:bag"]})):
        with open_folder(write_folder(tmp_path / name, [row | more for row in plain])) as source:
            assert item_groups(source).num_rows == 0, name


def test_descriptions_speak_of_groups_and_first_means_the_group(tmp_path: Path) -> None:
    events = [bought(f"u{i}", 1, REST[i]) for i in range(20)]
    events += [bought("u0", 2, BAGS[0])]  # has a bag before
    events += [bought(f"u{i}", 40, BAGS[i % 6]) for i in range(10)] + [bought("u19", 70, name) for name in REST]
    with open_folder(write_folder(tmp_path, events)) as source:
        histories = read_histories(source)
        windows = WindowConfig(horizon_days=14, step_days=7, history_days=60, first="2026-01-20", test_cuts=0)
        found = {
            groups: build_pairs(source, histories, PairsConfig(windows=windows, groups=groups))
            for groups in (True, False)
        }
    facts = found[True].facts
    grouped = facts.kind == KINDS.index("group")
    assert {facts.values[i] for i in facts.value[grouped].tolist()} == {"bag", "lunch", "lunch bag"}
    said = {pair for pair in range(len(found[True])) if grouped[facts.start[pair] : facts.start[pair + 1]].any()}
    for pair in said:
        own = slice(facts.start[pair], facts.start[pair + 1])
        user = histories.user_ids[found[True].moments.user[pair]]
        assert set(facts.first[own][grouped[own]].tolist()) == {user != "u0"}
    assert not (found[False].facts.kind == KINDS.index("group")).any()
