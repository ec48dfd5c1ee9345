"""Events read by a model of their own: who learns, what is read how often, what is kept, and what a step may cost."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_users_behaviour import SMALL, SOURCES, TEXTS, some_events
from test_users_fit import CONFIG, encode, everyone_at, write_world
from test_users_fit_text import SENTENCES, fit, write_model
from test_users_keep import kept, with_entities
from tiny_towers import WORDS, shape_of, tokenizer_of

from audience_graph.errors import ConfigError
from audience_trainers.run import resolve_config
from audience_trainers.users.alignment.gradient_cache import Chunk, embed_in_chunks, seeded
from audience_trainers.users.behaviour.batches import Reading
from audience_trainers.users.behaviour.encoder import DAY, BehaviourEncoder
from audience_trainers.users.behaviour.pretrain import behaviour_loss
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.event_text.config import EventTextConfig
from audience_trainers.users.event_text.encoder import EventText
from audience_trainers.users.event_text.kept import content_key, kept_vectors
from audience_trainers.users.fit import train_users
from audience_trainers.users.keep import load_users
from audience_trainers.users.source import open_folder
from audience_trainers.users.training import TrainOptions

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTH, BESIDE = 24, 3  # of the tiny reader; of what is known beside the words
SAID = tuple(" ".join(WORDS[i : i + 1 + i % 3]) for i in range(TEXTS))


def events_of(tune, *, dropout=0.0, **settings):
    torch.manual_seed(0)
    shape = shape_of("albert")
    shape.hidden_dropout_prob = shape.attention_probs_dropout_prob = dropout
    config = EventTextConfig(tune=tune, folder="anything", rank=2, max_tokens=32, **settings)
    found = EventText(config, words=6, beside=BESIDE, shape=shape, tokenizer=tokenizer_of(wrapped=True))
    for name, weight in found.named_parameters():
        if "lora_B" in name:  # at 0, where it starts, half of LoRA has no gradient yet
            torch.nn.init.normal_(weight, std=0.1)
    return found


def reading_of(block, events):
    known = np.random.default_rng(5).standard_normal((TEXTS, 6 + BESIDE)).astype(np.float32)
    vectors = events.start(SAID, known, None) if not events.config.trains_reader else known
    return Reading(block, block.time.max(axis=1) + DAY, vectors, SAID)


def states_of(events, reading, rows=None):
    torch.manual_seed(1)
    encoder = BehaviourEncoder(events.dims, SOURCES, SMALL).eval()
    found, _ = reading.events(np.arange(len(reading.moment)) if rows is None else rows)
    read = events(found, reading)
    return encoder, encoder(read), read


@pytest.mark.parametrize("tune", ["frozen", "head", "lora", "full"])
def test_the_loss_reaches_what_is_trained_and_nothing_else(tune):
    events = events_of(tune)
    reading = reading_of(some_events(), events)
    encoder, states, read = states_of(events, reading)
    behaviour_loss(states, read, SMALL).backward()
    assert encoder.text.weight.grad.abs().max() > 0
    learned = {name for name, p in events.named_parameters() if p.grad is not None and p.grad.abs().max() > 1e-9}
    reads, turned = (any(part in name for name in learned) for part in ("reader.", "turn."))
    assert (reads, turned) == {"frozen": (False, False), "head": (False, True)}.get(tune, (True, False))
    if tune == "lora":
        assert {name.rpartition("lora_")[2][0] for name in learned} == {"A", "B"}
    if tune == "full":
        assert any("embeddings.word_embeddings" in name for name in learned)


def test_each_distinct_text_of_a_batch_is_read_once():
    events = events_of("lora").eval()
    reading = reading_of(some_events(users=9), events)
    asked = []
    events.reader.register_forward_pre_hook(lambda module, given: asked.extend(given[0]))  # noqa: ARG005
    _, _, read = states_of(events, reading)
    there = read.there()
    seen = sorted({SAID[i] for i in read.text[there].tolist()})
    assert sorted(asked) == seen
    with torch.no_grad():
        alone = events.reader([SAID[i] for i in read.text[there].tolist()])
    torch.testing.assert_close(read.vectors[there][:, :WIDTH], alone, atol=1e-5, rtol=0)
    beside = torch.from_numpy(reading.vectors)[read.text[there]][:, -BESIDE:]
    assert torch.equal(read.vectors[there][:, WIDTH:], beside)


def test_nothing_to_read_is_no_error():
    events = events_of("lora")
    block = replace(some_events(), length=np.zeros(5, np.int64))
    _, states, read = states_of(events, reading_of(block, events))
    assert not states.there.any()
    assert read.vectors.shape == (5, 1, WIDTH + BESIDE)


def gradients(events, reading):
    events.zero_grad()
    _, states, read = states_of(events, reading)
    loss = behaviour_loss(states, read, replace(SMALL, others=0))
    loss.backward()
    return float(loss.detach()), {n: p.grad.clone() for n, p in events.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("name", ["lora", "full"])
def test_chunks_change_memory_and_not_gradients(name):
    whole, parts = events_of(name).eval(), events_of(name, batch=3).eval()
    reading = reading_of(some_events(), whole)
    loss, wanted = gradients(whole, reading)
    most = []
    parts.reader.register_forward_pre_hook(lambda module, given: most.append(len(given[0])))  # noqa: ARG005
    again, found = gradients(parts, reading)
    assert max(most) == 3
    assert again == pytest.approx(loss, abs=1e-5)
    assert found.keys() == wanted.keys()
    for key, value in wanted.items():
        torch.testing.assert_close(found[key], value, atol=1e-5, rtol=1e-3)


def test_at_most_so_many_texts_of_a_step_teach():
    """All are read, and by the same weights: the loss is whole, and only the gradient is of some."""
    events = events_of("full", most=4, batch=3).train()
    reading = reading_of(some_events(users=9), events)
    with_gradient = []
    events.reader.register_forward_hook(
        lambda module, given, found: with_gradient.append(len(given[0]) if found.requires_grad else 0)  # noqa: ARG005
    )
    some = gradients(events, reading)
    assert sum(with_gradient) == 4
    every = gradients(events.eval(), reading)
    assert some[0] == pytest.approx(every[0], abs=1e-5)
    assert max(float((some[1][key] - every[1][key]).abs().max()) for key in every[1]) > 1e-4


@pytest.mark.parametrize(("batch", "most"), [(64, 0), (3, 0), (3, 5)])
def test_a_gradient_cache_around_it_reads_the_same_twice(batch, most):
    """With dropout, and with texts drawn: the pass with a gradient gives what the one without gave."""
    events = events_of("full", dropout=0.3, batch=batch, most=most).train()
    reading = reading_of(some_events(), events)

    def vectors():
        with seeded(3, "cpu"):
            return states_of_training(events, reading)

    with torch.no_grad():
        first = vectors()
    second = vectors()
    assert second.requires_grad
    assert torch.equal(first, second.detach())
    chunks = [Chunk(np.arange(3), 5), Chunk(np.arange(3, 5), 6)]
    found = embed_in_chunks(lambda rows: states_of_training(events, reading, rows), chunks, dims=8, device="cpu")
    events.zero_grad()
    found.sum().backward()
    assert any(p.grad is not None and p.grad.abs().max() > 0 for p in events.reader.parameters())


def states_of_training(events, reading, rows=None):
    found, _ = reading.events(np.arange(len(reading.moment)) if rows is None else rows)
    return events(found, reading).vectors[:, 0, :8]


def test_later_events_change_nothing_before_them():
    events = events_of("full").eval()
    block = some_events(least=8)
    with torch.no_grad():
        _, before, _ = states_of(events, reading_of(block, events))
        text, time, source = block.text.copy(), block.time.copy(), block.source.copy()
        text[:, 5:], source[:, 5:] = (text[:, 5:] + 1) % TEXTS, (source[:, 5:] + 1) % SOURCES
        time[:, 5:] += 3 * DAY
        changed = replace(block, text=text, time=time, source=source)
        _, after, _ = states_of(events, reading_of(changed, events))
    torch.testing.assert_close(after.c[:, :5], before.c[:, :5], atol=1e-6, rtol=0)
    assert (after.c[:, 5:] - before.c[:, 5:]).abs().amax(dim=2).min() > 1e-4


def test_other_weights_never_meet_kept_vectors(tmp_path):
    reader = events_of("full").reader
    first = kept_vectors(reader, SAID, tmp_path)
    asked = []
    reader.model.register_forward_pre_hook(lambda module, given: asked.append(given))  # noqa: ARG005
    assert np.array_equal(kept_vectors(reader, SAID[::-1], tmp_path)[::-1], first)
    assert not asked  # all of them were kept
    key = content_key(reader)
    with torch.no_grad():
        next(reader.model.parameters()).normal_()
    assert content_key(reader) != key
    second = kept_vectors(reader, SAID, tmp_path)
    assert asked
    assert np.abs(second - first).max() > 1e-4
    np.testing.assert_allclose(second, kept_vectors(reader, SAID, None), atol=0)
    assert len(list(tmp_path.iterdir())) == 2
    cut = events_of("full", pooling="last").reader
    assert content_key(cut) != content_key(events_of("full").reader)


def test_a_vector_does_not_depend_on_what_else_is_read():
    reader = events_of("full", batch=4).reader
    shapes = set()
    reader.model.register_forward_pre_hook(
        lambda module, given, named: shapes.add(tuple(named["input_ids"].shape)),  # noqa: ARG005
        with_kwargs=True,
    )
    together = kept_vectors(reader, SAID, None)
    for i, text in enumerate(SAID):
        assert np.array_equal(kept_vectors(reader, [text], None)[0], together[i])
    assert shapes == {(4, 8)}  # the last bits of a product depend on its shape
    torch.testing.assert_close(reader.eval()(SAID).detach(), torch.from_numpy(together), atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    write_world(folder)
    return folder, write_model(tmp_path_factory.mktemp("model"), "albert")


def config_of(path, tune, **align):
    text = EventTextConfig(folder=path, tune=tune, rank=4, targets="all", max_tokens=32, batch=4)
    changes = {"epochs": 2, "patience": 2, "pairs": 100, "views": 1, "chunk": 24, "learning_rate": 3e-3} | align
    return replace(
        CONFIG, behaviour=replace(CONFIG.behaviour, text=text, epochs=1), align=replace(CONFIG.align, **changes)
    )


def test_frozen_is_as_if_the_vectors_were_given(world):
    """A frozen reader of its own, and vectors of that very reader from elsewhere, train to the same bits."""
    folder, path = world
    config = config_of(path, "frozen", anchor=False)
    given = replace(config, behaviour=replace(config.behaviour, text=EventTextConfig()))
    reader = EventText(config.behaviour.text, words=7).reader
    found = []
    for one in (config, given):
        with open_folder(folder) as source:
            found.append(train_users(source, one, lambda texts: kept_vectors(reader, texts, None), TrainOptions()))
    own, same = found
    assert own.curves == same.curves
    assert np.array_equal(own.embed(everyone_at(40)), same.embed(everyone_at(40)))
    assert not any(p.requires_grad for p in own.model.users.events.parameters())
    assert same.model.users.events is None
    assert same.known.events is None
    assert not same.known.tuned


@pytest.mark.parametrize("tune", ["head", "lora", "full"])
def test_a_kept_model_reads_users_as_before(world, tmp_path, tune):
    folder, path = with_entities(world[0], tmp_path), write_model(tmp_path / "model", "albert")
    config = config_of(path, tune)
    begun = EventText(config.behaviour.text, words=7).start(SENTENCES, encode(SENTENCES), None)
    trained = fit(folder, config, TrainOptions(cache=tmp_path / "vectors"))
    assert trained.texts.dims > 0
    assert trained.model.users.behaviour.text.in_features == WIDTH + trained.texts.dims
    beside = np.zeros((len(SENTENCES), trained.texts.dims), np.float32)
    moved = trained.model.users.events.table(SENTENCES, np.hstack([encode(SENTENCES), beside]), None)
    assert np.abs(moved[:, :WIDTH] - begun).max() > 1e-4  # training changed how a text is read
    run = kept(tmp_path / "runs", trained, config)
    for file in (tmp_path / "model").iterdir():  # all that is needed lies in the run
        file.unlink()
    before, asked = sorted((tmp_path / "vectors").iterdir()), everyone_at(40)
    with open_folder(folder) as source:
        opened = load_users(run, source, encode, cache=tmp_path / "vectors")
    assert sorted((tmp_path / "vectors").iterdir()) == before  # the same weights: nothing is read again
    assert np.array_equal(opened.embed(asked), trained.embed(asked))
    with open_folder(folder) as source:
        assert np.array_equal(load_users(run, source, encode).embed(asked), trained.embed(asked))
    np.testing.assert_allclose(opened.embed_sentences(SENTENCES), trained.embed_sentences(SENTENCES), atol=1e-6)


def test_a_killed_training_goes_on_to_the_same_end(world, tmp_path):
    folder, path = world
    config = config_of(path, "lora", epochs=3)
    config = replace(config, behaviour=replace(config.behaviour, epochs=2))

    class Stopped(Exception):
        pass

    def stop_at(name, epoch):
        def stop(step, done, total):  # noqa: ARG001
            if (step, done) == (name, epoch):
                raise Stopped

        return stop

    whole = fit(folder, config)
    for name, epoch in (("behaviour", 1), ("alignment", 2)):
        with pytest.raises(Stopped):
            fit(folder, config, TrainOptions(folder=tmp_path, progress=stop_at(name, epoch)))
    again = fit(folder, config, TrainOptions(folder=tmp_path))
    assert again.curves == whole.curves
    assert np.array_equal(again.embed(everyone_at(40)), whole.embed(everyone_at(40)))


def test_settings_are_read_from_the_command_line_and_checked():
    found = resolve_config(UsersConfig, ["behaviour.text.tune=lora", "behaviour.text.most=256", "behaviour.dims=64"])
    assert found.behaviour.text == EventTextConfig(tune="lora", most=256)
    assert not UsersConfig().behaviour.text.reads
    for wrong in ("behaviour.text.tune=all", "behaviour.text.most=-1", "behaviour.text.rank=0"):
        with pytest.raises(ConfigError, match=wrong.partition("=")[0].rpartition(".")[2]):
            resolve_config(UsersConfig, [wrong])
    with pytest.raises(ConfigError, match="is not a folder"):
        EventText(EventTextConfig(folder="/nowhere/at/all"), words=6)


def test_minilm_is_trained_from_where_it_stands():
    """The real weights: read as the kept vectors say, and LoRA reached by the loss."""
    from audience_graph.entities.text_encoder import TextEncoder

    said = ("roasted coffee beans", "an espresso machine", "green tea leaves", "a tent for two")
    events = EventText(EventTextConfig(tune="lora", batch=2), words=384)
    vectors = TextEncoder().encode(said)
    block = some_events()
    block = replace(block, text=block.text % len(said))
    reading = Reading(block, block.time.max(axis=1) + DAY, vectors, said)
    _, states, read = states_of(events.eval(), reading)
    there = read.there()
    torch.testing.assert_close(
        read.vectors[there].detach(), torch.from_numpy(vectors)[read.text[there]], atol=2e-3, rtol=0
    )
    behaviour_loss(states, read, SMALL).backward()
    learned = [n for n, p in events.named_parameters() if p.grad is not None and p.grad.abs().max() > 0]
    assert learned
    assert all("lora_B" in name for name in learned)
