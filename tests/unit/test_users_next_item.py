"""Next item: its loss against torch's own, no look at what follows, a tiny set learned by heart, ranks by hand."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
import torch.nn.functional as F
from click.testing import CliRunner

from audience_graph.errors import ConfigError, InputError
from audience_trainers.train_command import train
from audience_trainers.users.behaviour.encoder import Events
from audience_trainers.users.histories import Histories
from audience_trainers.users.next_item import full_softmax as softmax_module
from audience_trainers.users.next_item.config import KINDS, NextItemConfig
from audience_trainers.users.next_item.fit import fit_next_item, next_item_loss, pretrained, scorer
from audience_trainers.users.next_item.floors import item_cosine, popularity
from audience_trainers.users.next_item.full_softmax import full_softmax
from audience_trainers.users.next_item.models import NextItemModel
from audience_trainers.users.next_item.ranking import ahead, gains, judge, ranks
from audience_trainers.users.next_item.sequences import Block, Sequences, ask, lessons, sequences_of
from audience_trainers.users.next_item.train_next_item import train_next_item
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")

ITEMS, DAY = 30, 86_400
SMALL = NextItemConfig(dims=16, layers=1, heads=2, width=6, dropout=0.0, batch=8, epochs=2)


def sequences_from(lists, items=ITEMS):
    """Return sequences of the lists of items, one event a day from its start."""
    length = [len(own) for own in lists]
    return Sequences(
        start=np.concatenate([[0], np.cumsum(length)]).astype(np.int64),
        item=np.array([i for own in lists for i in own], np.int64),
        source=np.zeros(sum(length), np.int64),
        time=1_388_534_400 + DAY * np.concatenate([np.arange(n) for n in length]),
        items=items,
    )


def some_sequences(users=20, seed=0, least=3, most=9):
    rng = np.random.default_rng(seed)
    return sequences_from([rng.permutation(ITEMS)[: rng.integers(least, most)].tolist() for _ in range(users)])


def some_features(seed=3):
    return np.random.default_rng(seed).random((ITEMS, 5), np.float32)


def test_leave_one_out_by_hand():
    sequences = sequences_from([[1, 2, 3, 4, 5], [9, 8, 7]])
    learned = lessons(sequences, 6)
    assert [row[:n].tolist() for row, n in zip(learned.item, learned.length, strict=True)] == [[1, 2, 3], [9]]
    for split, read, target in (("valid", [[1, 2, 3], [9]], [4, 8]), ("test", [[1, 2, 3, 4], [9, 8]], [5, 7])):
        asked = ask(sequences, split, 6)
        assert [row[:n].tolist() for row, n in zip(asked.block.item, asked.block.length, strict=True)] == read
        assert asked.target.tolist() == target
        assert np.split(asked.had, asked.had_start[1:-1])[0].tolist() == read[0]


def test_a_narrow_block_keeps_the_newest_and_still_knows_all_that_was_had():
    asked = ask(sequences_from([[1, 2, 3, 4, 5, 6]]), "test", 2)
    assert asked.block.item.tolist() == [[4, 5]]
    assert asked.had.tolist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("split", ["valid", "test"])
@pytest.mark.parametrize("kind", KINDS)
def test_no_prediction_reads_its_target_or_anything_later(kind, split):
    """Replace the target and all after it, of everybody: inputs, lessons (for validation) and scores stay."""
    before = some_sequences()
    asked = ask(before, split, SMALL.width)
    hidden = 2 if split == "valid" else 1
    item, time = before.item.copy(), before.time.copy()
    for back in range(1, hidden + 1):
        item[before.start[1:] - back] = (item[before.start[1:] - back] + 7) % ITEMS
        time[before.start[1:] - back] += 3 * DAY
    after = replace(before, item=item, time=time)
    again = ask(after, split, SMALL.width)
    assert (again.target != asked.target).all()
    assert (again.had == asked.had).all()
    for name in ("item", "source", "time", "length"):
        assert (getattr(again.block, name) == getattr(asked.block, name)).all()
        assert (getattr(lessons(after, 6), name) == getattr(lessons(before, 6), name)).all()
    torch.manual_seed(0)
    model = NextItemModel(ITEMS, replace(SMALL, kind=kind)).eval()
    rows = np.arange(len(before))
    assert (scorer(model, again)(rows) == scorer(model, asked)(rows)).all()


def test_training_and_its_best_epoch_do_not_depend_on_the_test_items():
    before, config = some_sequences(), replace(SMALL, learning_rate=0.02, pretrain=1, epochs=3)
    item = before.item.copy()
    item[before.start[1:] - 1] = (item[before.start[1:] - 1] + 11) % ITEMS
    first, second = (
        fit_next_item(replace(before, item=own), config, TrainOptions(seed=5), features=some_features())
        for own in (before.item, item)
    )
    assert torch.equal(first.model.table(), second.model.table())
    assert first.curves == second.curves


@pytest.mark.parametrize("kind", KINDS)
def test_later_items_leave_earlier_states(kind):
    torch.manual_seed(0)
    model = NextItemModel(ITEMS, replace(SMALL, kind=kind), features=some_features()).eval()
    block = lessons(some_sequences(least=8), SMALL.width)
    item, time = block.item.copy(), block.time.copy()
    item[:, 3:], time[:, 3:] = (item[:, 3:] + 1) % ITEMS, time[:, 3:] + 5 * DAY
    other = Block(item, block.source, time, block.length)
    rows = np.arange(8)
    with torch.inference_mode():
        first, second = model(block.batch(rows)), model(other.batch(rows))
    assert torch.allclose(first[:, :3], second[:, :3], atol=1e-6)
    assert not torch.allclose(first[:, 3], second[:, 3], atol=1e-3)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_cross_entropy_of_torch(smoothing, monkeypatch):
    monkeypatch.setattr(softmax_module, "ROWS", 16)  # several blocks and a part of one
    torch.manual_seed(1)
    h, table = (torch.randn(n, 8, dtype=torch.float32, requires_grad=True) for n in (50, ITEMS))
    target = torch.randint(ITEMS, (50,))
    own = full_softmax(h, table, target, smoothing=smoothing)
    peer = F.cross_entropy(h @ table.T, target, label_smoothing=smoothing)
    assert own.item() == pytest.approx(peer.item(), abs=1e-5)
    for a, b in zip(*(torch.autograd.grad(2.5 * loss, (h, table)) for loss in (own, peer)), strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_the_loss_in_16_bits_is_near():
    torch.manual_seed(1)
    h, table, target = torch.randn(200, 8), torch.randn(ITEMS, 8), torch.randint(ITEMS, (200,))
    exact = full_softmax(h, table, target)
    assert full_softmax(h, table, target, bf16=True).item() == pytest.approx(exact.item(), rel=1e-2)


def test_every_real_position_is_asked_and_no_padding():
    """Recompute the loss of a batch sequence by sequence, without padding."""
    torch.manual_seed(2)
    model = NextItemModel(ITEMS, SMALL).eval()
    block = lessons(some_sequences(least=5), SMALL.width)
    rows = np.flatnonzero(block.length >= 2)
    parts = []
    for row in rows:
        state = model(block.batch(np.array([row])))[0, :-1]
        parts.append(F.cross_entropy(state @ model.table().T, torch.tensor(block.item[row, 1 : block.length[row]]),
                                     reduction="none"))  # fmt: skip
    assert next_item_loss(model, block, rows).item() == pytest.approx(torch.cat(parts).mean().item(), abs=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_set_is_learned_by_heart(kind):
    """Everybody walks round one ring of items: from the last item the next one follows."""
    ring = np.random.default_rng(0).permutation(ITEMS)
    lists = [np.roll(ring, -k)[: 4 + k % 4].tolist() for k in range(ITEMS)]
    config = replace(SMALL, kind=kind, epochs=40, patience=40, learning_rate=1e-2)
    sequences = sequences_from(lists)
    trained = fit_next_item(sequences, config, TrainOptions(seed=1))
    asked = ask(sequences, "test", config.width)
    assert gains(ranks(asked, scorer(trained.model, asked)))["hr"].mean() > 0.99
    assert -trained.valid_loss > 0.9


def test_fine_tuning_begins_where_pre_training_ended():
    sequences, features = some_sequences(), some_features()
    config = replace(SMALL, pretrain=2)
    block = lessons(sequences, config.width)
    encoder = pretrained(block, features, 1, config, TrainOptions(seed=1)).eval()
    model = NextItemModel(ITEMS, config, features=features).eval()
    model.start_from(encoder)
    rows = np.arange(8)
    batch = block.batch(rows)
    with torch.inference_mode():
        near = model(batch)
        model.own.weight.zero_()
        same = model(batch)
        wanted = encoder(Events(torch.from_numpy(features)[batch.item], batch.source, batch.time, batch.length)).c
    assert torch.allclose(same, wanted, atol=1e-4)
    assert not torch.allclose(near, wanted, atol=1e-3)
    with pytest.raises(ConfigError, match="nothing is known of items"):
        fit_next_item(sequences, config, TrainOptions())


def test_the_kept_epoch_is_the_best_on_validation():
    sequences = some_sequences(users=30)
    trained = fit_next_item(sequences, replace(SMALL, epochs=6, learning_rate=0.02), TrainOptions(seed=3))
    valid = ask(sequences, "valid", SMALL.width)
    curve = [-value for _, name, value in trained.curves if name == "valid_loss"]
    assert gains(ranks(valid, scorer(trained.model, valid)))["ndcg"].mean() == pytest.approx(max(curve), abs=1e-6)
    assert -trained.valid_loss == pytest.approx(max(curve))


def test_ranks_by_hand():
    """Items had before are no candidates, of equal scores the target stands last, a target had before still counts."""
    sequences = sequences_from([[0, 1, 2, 3], [4, 5, 4, 4]], items=6)
    asked = ask(sequences, "test", 6)
    scores = np.array([[9, 9, 9, 5, 5, 7], [1, 2, 3, 4, 2, 8]], np.float32)
    assert ranks(asked, lambda rows: scores[rows].copy()).tolist() == [3, 4]  # 5 and, in doubt, 4 before 3; 1, 2, 3
    value = gains(np.array([1, 3, 10, 11]))
    assert value["hr"].tolist() == [1, 1, 1, 0]
    assert value["ndcg"].tolist() == pytest.approx([1, 0.5, 1 / math.log2(11), 0])
    assert value["mrr"].tolist() == pytest.approx([1, 1 / 3, 0.1, 1 / 11])


def test_a_score_that_is_no_number_is_refused():
    asked = ask(some_sequences(), "test", 6)
    with pytest.raises(ValueError, match="not a number"):
        ranks(asked, lambda rows: np.full((len(rows), ITEMS), np.nan, np.float32))


def test_the_interval_holds_the_mean_and_narrows_with_users():
    rng = np.random.default_rng(0)
    few, many = ([rng.integers(1, 40, n) for _ in range(3)] for n in (100, 6_400))
    for name in ("hr", "ndcg", "mrr"):
        short, long = judge(few)[name], judge(many)[name]
        assert short.low < short.mean < short.high
        assert long.high - long.low < 0.4 * (short.high - short.low)
    assert judge(few)["hr"].mean == pytest.approx(np.mean([(rank <= 10).mean() for rank in few]))


def test_a_difference_is_paired_by_user():
    """One place better for everybody: sure, though each model's own interval is wide."""
    rank = np.random.default_rng(0).integers(2, 9, 200)
    found, own = ahead([rank - 1], [rank, rank]), judge([rank])["ndcg"]
    assert found.mean == pytest.approx((gains(rank - 1)["ndcg"] - gains(rank)["ndcg"]).mean())
    assert 0 < found.low < found.mean < found.high
    assert found.low > 0.5 * (own.high - own.low)
    assert ahead([rank], [rank, rank]).high == pytest.approx(0.0)


def test_the_floors_by_hand():
    sequences = sequences_from([[0, 1, 9, 9], [0, 2, 8, 8], [1, 0, 2, 7]], items=10)
    asked = ask(sequences, "valid", 6)  # read: 0 1, 0 2, 1 0
    rows = np.arange(3)
    assert popularity(asked, 10)(rows)[0, :3].tolist() == [3, 2, 1]
    near = item_cosine(asked, 10)(rows)
    assert near[0, 2] == pytest.approx(1 / math.sqrt(3))  # 0 and 2 share one user of 3 and 1; 1 and 2 none
    assert near[1, 1] == pytest.approx(2 / math.sqrt(6))


def test_nobody_to_learn_from_is_told():
    with pytest.raises(InputError, match="no user has 4 events"):
        fit_next_item(sequences_from([[1, 2, 3], [4, 5, 6]]), SMALL, TrainOptions())


def test_same_seed_same_weights():
    sequences, config = some_sequences(), replace(SMALL, dropout=0.3)
    first, second, other = (fit_next_item(sequences, config, TrainOptions(seed=s)).model for s in (1, 1, 2))
    assert torch.equal(first.table(), second.table())
    assert not torch.equal(first.table(), other.table())


def test_sequences_of_histories_leave_short_ones_out():
    histories = Histories(
        user_ids=("a", "b", "c"), start=np.array([0, 2, 5, 8]), time=np.arange(8), source=np.zeros(8, np.int16),
        text=np.array([0, 1, 2, 0, 1, 1, 2, 0], np.int32), sources=("purchase",), texts=("x", "y", "z"),
    )  # fmt: skip
    found = sequences_of(histories)
    assert found.start.tolist() == [0, 3, 6]
    assert found.item.tolist() == [2, 0, 1, 1, 2, 0]
    short = replace(histories, start=np.array([0, 2, 4, 6]), time=np.arange(6))
    with pytest.raises(InputError, match="no user has 3 events"):
        sequences_of(short)


@pytest.mark.parametrize("wrong", [{"kind": "bert"}, {"dropout": 1.0}, {"dims": 10, "heads": 3}, {"smoothing": 1.0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ConfigError, match="setting"):
        replace(SMALL, **wrong)


QUICK = ("--set", "dims=8", "--set", "layers=1", "--set", "epochs=2", "--set", "width=8")


@pytest.fixture
def shop(tmp_path):
    """A source of 12 users with 3 to 8 purchases of 15 products, and one user with two."""
    rng = np.random.default_rng(4)
    rows = [
        {"user_id": f"u{u:02d}", "time": datetime(2026, 5, 1 + day, 9, tzinfo=UTC).isoformat(), "channel": "purchase",
         "text": f"product {i}"}
        for u in range(13)
        for day, i in enumerate(rng.permutation(15)[: 2 if u == 12 else rng.integers(3, 9)])
    ]  # fmt: skip
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder, rows


def test_the_command_writes_what_users_have_not_had(shop, tmp_path):
    folder, rows = shop
    out = tmp_path / "run"
    done = CliRunner().invoke(train, ["next-item", str(folder), "--out", str(out), "--top", "5", "--json", *QUICK])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert report["users"] == 12
    assert set(report["test"]) == {"behaviour", "item_cosine", "popularity"}
    assert 0 <= report["test"]["behaviour"]["ndcg"]["ci"][0] <= report["test"]["behaviour"]["ndcg"]["mean"] <= 1
    found = pq.read_table(out / "next.parquet").to_pydict()
    assert found["user_id"] == [f"u{u:02d}" for u in range(12)]
    for user, best in zip(found["user_id"], found["next"], strict=True):
        had = {row["text"] for row in rows if row["user_id"] == user}
        assert len(best) == len(set(best)) == 5
        assert not had & set(best)
    assert not (out / "training").exists()


def test_a_finished_run_is_not_trained_again(shop, tmp_path):
    folder, _ = shop
    first = train_next_item(folder, tmp_path / "run", config=replace(SMALL, device="cpu"))
    steps = []
    again = train_next_item(folder, tmp_path / "run", config=replace(SMALL, device="cpu"),
                            progress=lambda *step: steps.append(step))  # fmt: skip
    assert again == first
    assert steps == []


def test_a_folder_with_other_files_is_left_alone(shop, tmp_path):
    folder, _ = shop
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files"):
        train_next_item(folder, tmp_path / "notes", config=SMALL)
    assert [file.name for file in (tmp_path / "notes").iterdir()] == ["mine.txt"]
