"""Texts that know the entities they name: words beside what the same users meet."""

from __future__ import annotations

import numpy as np
import pytest

from audience_graph.entities.dictionary import Dictionary
from audience_trainers.users.entity_text import EntityTextConfig, learn_entities
from audience_trainers.users.histories import read_histories
from audience_trainers.users.source import open_folder
from users.folders import event, write_folder

pytestmark = pytest.mark.usefixtures("one_thread")

# Two circles of people, each with four things; names tell nothing.
THINGS = {f"{c}{i}": f"{word} {tail}" for c, word in (("a", "blorp"), ("b", "snark"))
          for i, tail in enumerate(("one", "two", "three", "four"))}  # fmt: skip
CONFIG = EntityTextConfig(dims=8, epochs=20)


def words(texts):
    return np.ones((len(texts), 3), np.float32)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    rng = np.random.default_rng(1)
    events = [
        event(f"u{u:02d}", float(rng.uniform(0, 30)), text=f"saw {THINGS[f'{chr(97 + u % 2)}{rng.integers(4)}']} today")
        for u in range(40)
        for _ in range(12)
    ]
    folder = write_folder(tmp_path_factory.mktemp("circles"), events, entities=THINGS)
    with open_folder(folder) as opened:
        yield opened


def test_things_of_one_circle_lie_together(source):
    texts = learn_entities(source.dictionary, read_histories(source), words, CONFIG, 7)
    found = texts.events([f"about {name}" for name in THINGS.values()])
    assert found.shape == (8, 3 + 8)
    assert (found[:, :3] == 1).all()
    part = found[:, 3:]
    assert np.linalg.norm(part, axis=1) == pytest.approx(1.0)
    cosine = part @ part.T
    within = cosine[:4, :4][~np.eye(4, dtype=bool)].mean() + cosine[4:, 4:][~np.eye(4, dtype=bool)].mean()
    assert within / 2 > cosine[:4, 4:].mean() + 0.5
    assert (texts.events(["nothing named"])[:, 3:] == 0).all()
    both = texts.sentences(["people who will buy blorp one or snark two", "", "x" * 9_000])
    mean = part[0] + part[5]
    assert both[0, 3:] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-5)
    assert (both[1:, 3:] == 0).all()


def test_weight_and_nothing_to_learn(source):
    histories = read_histories(source)
    heavy = learn_entities(source.dictionary, histories, words, EntityTextConfig(dims=8, epochs=1, weight=3.0), 7)
    assert np.linalg.norm(heavy.events(["blorp one"])[0, 3:]) == pytest.approx(3.0)
    for dictionary, config in ((Dictionary(()), CONFIG), (source.dictionary, EntityTextConfig(dims=0))):
        plain = learn_entities(dictionary, histories, words, config, 7)
        assert plain.events(["blorp one"]).shape == plain.sentences(["blorp one"]).shape == (1, 3)
