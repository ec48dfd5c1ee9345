"""The behaviour encoder: causal, blind to padding, its losses as printed, and a training that can be resumed."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from audience_graph.errors import ConfigError
from audience_trainers.users.behaviour import embed
from audience_trainers.users.behaviour.batches import Reading, by_length
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.behaviour.embed import EmbedOptions, encode_histories, encode_moments
from audience_trainers.users.behaviour.encoder import DAY, BehaviourEncoder, Events, time_features
from audience_trainers.users.behaviour.losses import cpc_loss, cyclic_kl
from audience_trainers.users.behaviour.pretrain import behaviour_loss, pretrain_behaviour
from audience_trainers.users.histories import EventBlock, Histories, Moments, last_events
from audience_trainers.users.training import TrainOptions, warm_cosine
from audience_trainers.users.transformer import TransformerLayer

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = BehaviourConfig(dims=16, layers=2, heads=2, width=8, dropout=0.0, batch=16, epochs=3, others=32)
TEXTS, SOURCES = 12, 3


def some_events(users=5, width=8, seed=0, least=0):
    rng = np.random.default_rng(seed)
    length = rng.integers(least, width + 1, users)
    time = 1_700_000_000 + np.cumsum(rng.integers(60, 3 * DAY, (users, width)), axis=1)
    return EventBlock(
        rng.integers(TEXTS, size=(users, width)), rng.integers(SOURCES, size=(users, width)), time, length
    )


def reading_of(block):
    vectors = np.random.default_rng(5).standard_normal((TEXTS, 6)).astype(np.float32)
    return Reading(block, block.time.max(axis=1) + DAY, vectors)


def encoder_of(config=SMALL, seed=0):
    torch.manual_seed(seed)
    return BehaviourEncoder(6, SOURCES, config).eval()


def changed(events, places, seed=9):
    """Return the events with everything at `places` (b, w) replaced; times go on rising."""
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.where(places.unsqueeze(2), torch.randn(events.vectors.shape, generator=generator), events.vectors)
    source = torch.where(places, (events.source + 1) % SOURCES, events.source)
    time = torch.where(places, events.time + 5 * DAY, events.time)
    return Events(vectors, source, time, events.length)


@pytest.mark.parametrize("kind", ["transformer", "gru"])
def test_later_events_do_not_change_what_was_known_before(kind):
    encoder = encoder_of(replace(SMALL, kind=kind))
    events, _ = reading_of(some_events(least=8)).events(np.arange(5))
    later = torch.arange(8).expand(5, 8) >= 4

    before, after = encoder(events).c, encoder(changed(events, later)).c

    assert torch.allclose(before[:, :4], after[:, :4], atol=1e-6)
    assert not torch.allclose(before[:, 4:], after[:, 4:], atol=1e-2)


@pytest.mark.parametrize("kind", ["transformer", "gru", "mean"])
def test_padding_is_never_read(kind):
    encoder = encoder_of(replace(SMALL, kind=kind))
    events, moment = reading_of(some_events()).events(np.arange(5))
    other = changed(events, ~events.there())

    vectors = [encoder.pooled(encoder(e), e.time, moment) for e in (events, other)]
    losses = []
    for e in (events, other):
        states = encoder(e)
        losses.append(
            cpc_loss(states.c, states.z, states.there, steps=2) + cyclic_kl(states.c, e.time, states.there, cycle=DAY)
        )

    assert torch.allclose(*vectors, atol=1e-6)
    assert torch.allclose(*losses, atol=1e-6)


def test_users_without_events_are_zero_and_one_event_is_finite():
    block = some_events(3)
    block = EventBlock(block.text, block.source, block.time, np.array([0, 1, 2]))
    found = encode_histories(encoder_of(), reading_of(block))
    assert (found[0] == 0).all()
    assert np.isfinite(found).all()
    assert (found[1:] != 0).any(axis=1).all()


def test_pooling_starts_as_the_plain_mean_and_then_may_weigh_by_age():
    encoder = encoder_of()
    events, moment = reading_of(some_events(least=1)).events(np.arange(5))
    states = encoder(events)
    plain = torch.stack([row[: int(n)].mean(dim=0) for row, n in zip(states.c, events.length, strict=True)])
    assert torch.allclose(encoder.pooled(states, events.time, moment), plain, atol=1e-5)
    torch.nn.init.normal_(encoder.age.weight)
    soon, late = (encoder.pooled(states, events.time, moment + days * DAY) for days in (0, 90))
    assert not torch.allclose(soon, late, atol=1e-3)


def plain_cpc(c, z, length, steps, temperature, others, alike=None):
    """Write eq. 6 out, pair by pair; another's event that is like one of those asked for is left out."""

    def cosine(a, b):
        return float(np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b))) / temperature

    total, pairs = 0.0, 0
    for user, n in enumerate(length):
        for t in range(n):
            against = [math.exp(cosine(c[user, t], z[user, j])) for j in range(t + 1, n)]
            asked = range(t + 1, min(n, t + 1 + steps))
            against += [
                math.exp(cosine(c[user, t], other))
                for k, other in enumerate(others)
                if alike is None or not any(alike[user, j, k] for j in asked)
            ]
            for i in range(1, steps + 1):
                if t + i < n:
                    total -= math.log(math.exp(cosine(c[user, t], z[user, t + i])) / sum(against))
                    pairs += 1
    return total / pairs


@pytest.mark.parametrize(("steps", "temperature", "others"), [(1, 1.0, 0), (3, 1.0, 0), (2, 0.2, 5), (99, 0.5, 1)])
def test_cpc_is_equation_6(steps, temperature, others):
    rng = np.random.default_rng(3)
    c, z, more = (rng.standard_normal(shape) for shape in ((4, 6, 5), (4, 6, 5), (others, 5)))
    length = np.array([6, 1, 4, 0])
    there = torch.arange(6) < torch.from_numpy(length).unsqueeze(1)

    found = cpc_loss(
        torch.from_numpy(c), torch.from_numpy(z), there, steps=steps, temperature=temperature,
        others=torch.from_numpy(more) if others else None,
    )  # fmt: skip

    assert float(found) == pytest.approx(plain_cpc(c, z, length, steps, temperature, more), abs=1e-5)


@pytest.mark.parametrize("steps", [1, 2, 5, 99])
def test_another_users_event_of_the_same_text_is_no_negative(steps):
    rng = np.random.default_rng(4)
    c, z, more = (rng.standard_normal(shape) for shape in ((4, 6, 5), (4, 6, 5), (7, 5)))
    length = np.array([6, 1, 4, 0])
    alike = rng.integers(3, size=(4, 6, 1)) == rng.integers(3, size=7)  # padding is alike too, and is never asked for
    options = {"steps": steps, "temperature": 0.5, "others": torch.from_numpy(more)}
    given = torch.from_numpy(c), torch.from_numpy(z), torch.arange(6) < torch.from_numpy(length).unsqueeze(1)
    found = cpc_loss(*given, **options, alike=torch.from_numpy(alike))
    assert float(found) == pytest.approx(plain_cpc(c, z, length, steps, 0.5, more, alike), abs=1e-5)
    assert float(found) < float(cpc_loss(*given, **options)) - 0.1


def test_the_behaviour_loss_knows_texts_by_their_number():
    """Everybody does the same thing: with masking nothing is left to tell apart but one's own later events."""
    block = some_events(users=6, least=8)
    reading = reading_of(replace(block, text=np.zeros_like(block.text), source=np.zeros_like(block.source)))
    events, _ = reading.events(np.arange(6))
    losses = []
    for mask in (True, False):
        config = replace(SMALL, mask_equal=mask, steps=99, cyclic=0.0)
        torch.manual_seed(1)
        losses.append(float(behaviour_loss(encoder_of(config)(events), events, config).detach()))
    alone = replace(SMALL, others=0, steps=99, cyclic=0.0)
    assert losses[0] == pytest.approx(float(behaviour_loss(encoder_of(alone)(events), events, alone).detach()))
    assert losses[1] > losses[0] + 1


def test_cpc_as_printed_divides_by_all_steps_of_each_user():
    rng = np.random.default_rng(3)
    c, z = rng.standard_normal((2, 4, 6, 5))
    length = np.array([6, 1, 4, 0])
    each = []
    for user in (0, 2):
        n = length[user]
        pairs = sum(min(3, n - 1 - t) for t in range(n))
        each.append(plain_cpc(c[[user]], z[[user]], [n], 3, 1.0, []) * pairs / (n * 3))
    there = torch.arange(6) < torch.from_numpy(length).unsqueeze(1)
    found = cpc_loss(torch.from_numpy(c), torch.from_numpy(z), there, steps=3, printed=True)
    assert float(found) == pytest.approx(np.mean(each), abs=1e-5)


def test_cyclic_kl_is_equation_7_over_the_next_cycle():
    rng = np.random.default_rng(4)
    c = rng.standard_normal((2, 5, 3))
    time = np.array([[0, 1, 7, 8, 30], [0, 1, 2, 3, 4]]) * DAY
    length = np.array([5, 4])
    total, pairs = 0.0, 0
    for user, n in enumerate(length):
        for t in range(n):
            ahead = [j for j in range(n) if 7 * DAY <= time[user, j] - time[user, t] < 14 * DAY]
            if ahead:
                p, q = (np.exp(c[user, i]) / np.exp(c[user, i]).sum() for i in (t, ahead[0]))
                total += float((p * np.log(p / q)).sum())
                pairs += 1
    there = torch.arange(5) < torch.from_numpy(length).unsqueeze(1)

    found = cyclic_kl(torch.from_numpy(c), torch.from_numpy(time), there, cycle=7 * DAY)

    assert pairs == 2
    assert float(found) == pytest.approx(total / pairs, abs=1e-5)


def test_losses_without_anything_to_predict_are_zero_with_finite_gradients():
    c = torch.randn(2, 3, 4, requires_grad=True)
    there = torch.tensor([[True, False, False], [False, False, False]])
    loss = cpc_loss(c, c, there, steps=2) + cyclic_kl(c, torch.zeros(2, 3, dtype=torch.int64), there, cycle=DAY)
    loss.backward()
    assert float(loss.detach()) == 0.0
    assert torch.isfinite(c.grad).all()


def test_time_features_are_of_gaps_and_clocks_not_of_the_date():
    time = torch.tensor([[0, 3_600, 90_000]]) + 1_700_000_000
    assert torch.allclose(time_features(time), time_features(time + 520 * 7 * DAY), atol=1e-4)
    assert not torch.allclose(time_features(time)[0, 1], time_features(time + 3_600)[0, 1], atol=1e-2)


def test_a_tiny_batch_is_learned_by_heart():
    """Each user repeats a text of its own: after training the next event is told from all others."""
    config = replace(SMALL, others=0, cyclic=0.0, steps=1, temperature=0.1)
    torch.manual_seed(1)
    encoder = BehaviourEncoder(8, 1, config)
    rest = [[text for text in torch.randperm(8).tolist() if text != user] for user in range(4)]
    vectors = torch.eye(8)[torch.tensor([[user, *texts] for user, texts in enumerate(rest)])]
    events = Events(
        vectors, torch.zeros(4, 8, dtype=torch.int64), torch.arange(8).expand(4, 8) * DAY, torch.full((4,), 8)
    )
    optimizer = torch.optim.AdamW(encoder.parameters(), lr=3e-3)
    for _ in range(300):
        loss = behaviour_loss(encoder(events), events, config)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    states = encoder.eval()(events)
    s = torch.nn.functional.normalize(states.c, dim=2) @ torch.nn.functional.normalize(states.z, dim=2).transpose(1, 2)
    ahead = torch.arange(8).unsqueeze(0) > torch.arange(8).unsqueeze(1)
    best = s.masked_fill(~ahead, -2.0).argmax(dim=2)[:, :-1]
    assert (best == torch.arange(1, 8)).float().mean() > 0.99


@pytest.mark.parametrize(("bf16", "kept"), [(False, 1 << 30), (False, 0), (True, 1 << 30)])
def test_embedding_in_parts_is_embedding_one_by_one(monkeypatch, bf16, kept):
    monkeypatch.setattr(embed, "READ_ROWS", 5)
    monkeypatch.setattr(embed, "PROJECTED_BYTES", kept)
    rng = np.random.default_rng(2)
    start = np.concatenate([[0], np.cumsum(rng.integers(0, 15, 12))])
    time = 1_700_000_000 + np.sort(rng.integers(0, 90 * DAY, start[-1]))
    histories = Histories(
        tuple(f"u{i:02}" for i in range(12)), start, time, rng.integers(SOURCES, size=len(time)).astype(np.int16),
        rng.integers(TEXTS, size=len(time)).astype(np.int32), ("a", "b", "c"), tuple(map(str, range(TEXTS))),
    )  # fmt: skip
    moments = Moments(rng.integers(12, size=23), np.full(23, 1_700_000_000 + 70 * DAY))
    vectors, encoder, seen = reading_of(some_events()).vectors, encoder_of(), []

    def tell(step, done, total):
        seen.append((step, done, total))

    found = encode_moments(
        encoder, histories, moments, vectors, width=8, options=EmbedOptions(tokens=20, bf16=bf16, progress=tell)
    )

    assert [done for _, done, _ in seen] == [5, 10, 15, 20, 23]
    for row in range(23):
        one = moments[[row]]
        events, at = Reading(last_events(histories, one, 8), one.time, vectors).events(np.array([0]))
        with torch.no_grad():
            alone = encoder.pooled(encoder(events), events.time, at)[0].numpy()
        np.testing.assert_allclose(found[row], alone, atol=0.1 if bf16 else 1e-5)


@pytest.mark.parametrize("causal", [True, False])
def test_layer_equals_torchs_own(causal):
    torch.manual_seed(0)
    ours = TransformerLayer(16, 4, hidden=32, dropout=0.3, causal=causal).eval()
    theirs = torch.nn.TransformerEncoderLayer(16, 4, 32, 0.3, "gelu", batch_first=True, norm_first=True).eval()
    own = ours.state_dict()
    names = {"self_attn.in_proj_": "query_key_value.", "self_attn.out_proj.": "out.", "linear1.": "wide."}
    names |= {"linear2.": "narrow.", "norm1.": "norm_attention.", "norm2.": "norm_mlp."}
    theirs.load_state_dict({f"{a}{kind}": own[f"{b}{kind}"] for a, b in names.items() for kind in ("weight", "bias")})
    x = torch.randn(3, 7, 16)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(7) if causal else None
    torch.testing.assert_close(ours(x), theirs(x, src_mask=mask, is_causal=causal), atol=1e-5, rtol=0)


def test_every_row_is_in_one_batch_of_like_length():
    length = np.random.default_rng(0).integers(0, 50, 1_000)
    batches = list(by_length(length, 32, np.random.default_rng(1)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(1_000))
    assert np.mean([np.ptp(length[rows]) for rows in batches]) < 5


class Stopped(Exception):
    pass


def test_a_stopped_training_goes_on_to_the_same_end(tmp_path):
    block = some_events(60, seed=2)
    reading, user = reading_of(block), np.arange(60)

    def stop(step, done, total):  # noqa: ARG001
        if done == 2:
            raise Stopped

    whole = pretrain_behaviour(reading, user, SOURCES, SMALL, TrainOptions())
    with pytest.raises(Stopped):
        pretrain_behaviour(reading, user, SOURCES, SMALL, TrainOptions(folder=tmp_path, progress=stop))
    again = pretrain_behaviour(reading, user, SOURCES, SMALL, TrainOptions(folder=tmp_path))

    assert again.curves == whole.curves
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name])


def test_training_lowers_the_loss_of_users_it_has_not_seen():
    """Users go round a circle of texts: what comes next follows from what came before."""
    rng = np.random.default_rng(0)
    text = (rng.integers(TEXTS, size=(200, 1)) + np.arange(8)) % TEXTS
    block = replace(some_events(200, least=8), text=text)
    config = replace(SMALL, epochs=15, learning_rate=5e-3, steps=1, others=0)
    trained = pretrain_behaviour(reading_of(block), np.arange(200), SOURCES, config, TrainOptions())
    valid = [value for _, name, value in trained.curves if name == "valid_loss"]
    assert trained.valid_loss == min(valid) < 0.7 * valid[0]


def test_bfloat16_trains_on_a_cpu():
    trained = pretrain_behaviour(
        reading_of(some_events(40)), np.arange(40), SOURCES, replace(SMALL, epochs=1), TrainOptions(bf16=True)
    )
    assert math.isfinite(trained.valid_loss)


def test_too_few_histories_are_refused():
    with pytest.raises(ConfigError, match="at least 2"):
        pretrain_behaviour(reading_of(some_events(1, least=8)), np.zeros(1, np.int64), SOURCES, SMALL, TrainOptions())


@pytest.mark.parametrize("wrong", [{"kind": "lstm"}, {"heads": 3}, {"dropout": 1.0}, {"steps": 0}])
def test_settings_out_of_range_are_named(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        replace(SMALL, **wrong)


def test_the_rate_rises_then_falls_to_nothing():
    rates = [warm_cosine(step, 100, 0.1) for step in range(101)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[10] == pytest.approx(1.0)
    assert rates[100] == pytest.approx(0.0, abs=1e-9)
    assert rates[9:] == sorted(rates[9:], reverse=True)
