"""The rewriter: a tiny model learns to rewrite demands that it never saw, and what it gets wrong is caught."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from planted_facts import THINGS, planted_facts
from planted_tasks import write_planted
from transformers import Qwen2Config, Qwen2ForCausalLM

from audience_graph.cli import audience_graph
from audience_graph.entities.dictionary import Entity
from audience_graph.errors import ConfigError, RunError
from audience_graph.sentences import rewriters
from audience_graph.sentences.rewrite import rewrite
from audience_graph.sentences.templates import TEMPLATES
from audience_graph.sentences.vocabulary import Value, Vocabulary
from audience_trainers.users.rewriter import train as training
from audience_trainers.users.rewriter.causal import CausalModel, open_causal, random_causal, train_tokenizer
from audience_trainers.users.rewriter.config import RewriterConfig, StageConfig
from audience_trainers.users.rewriter.intents import IntentOptions, mine_intents, own_ways
from audience_trainers.users.rewriter.knowledge import synthesise_talks
from audience_trainers.users.rewriter.language import Said, parse_said
from audience_trainers.users.rewriter.rewrite import Rewriter, open_rewriter
from audience_trainers.users.rewriter.talk import IGNORED, Turn, encode_question, encode_talk, padded
from audience_trainers.users.rewriter.train import Lesson, fit, judge, make_lesson, train_rewriter

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing.*:FutureWarning"),
]
ENTITIES = [Entity(f"e{i}", thing, "good", (), f"People like {thing}.") for i, thing in enumerate(THINGS)]
VOCABULARY = Vocabulary([Value(thing, "entity") for thing in THINGS])
STAGE = StageConfig(examples=600, batch=16, epochs=9, patience=10, learning_rate=3e-3)
CONFIG = RewriterConfig(knowledge=replace(STAGE, examples=16, epochs=2), intents=STAGE, device="cpu")
SMALL = RewriterConfig(
    knowledge=replace(STAGE, examples=8, epochs=1), intents=replace(STAGE, examples=40, epochs=2), device="cpu"
)


def tiny(lesson: Lesson, *, width: int = 64, layers: int = 2) -> CausalModel:
    tokenizer = train_tokenizer(lesson.texts(), 1_000)
    end = tokenizer.eos_token_id
    torch.manual_seed(0)
    shape = Qwen2Config(
        hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers, num_attention_heads=4,
        num_key_value_heads=4, vocab_size=len(tokenizer), max_position_embeddings=256, tie_word_embeddings=True,
        bos_token_id=None, eos_token_id=end, pad_token_id=end,
    )  # fmt: skip
    return CausalModel(Qwen2ForCausalLM(shape), tokenizer, random=True)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return make_lesson(planted_facts(400), ENTITIES, CONFIG, 7)


@pytest.fixture(scope="module")
def small() -> Lesson:
    return make_lesson(planted_facts(60), ENTITIES, SMALL, 7)


def test_a_tiny_model_rewrites_demands_that_it_never_saw(lesson: Lesson) -> None:
    torch.set_num_threads(1)
    answers = {turn.answer for turn in lesson.intents}
    assert not answers & {turn.answer for turn in lesson.held_intents}
    causal, losses = fit(tiny(lesson), lesson, CONFIG, seed=7)
    told = judge(causal, lesson.held_intents)
    assert told["exact_match"] >= 0.4, told["examples"][:5]
    assert losses["intents_valid_loss"] < 0.3
    untaught = judge(tiny(lesson), lesson.held_intents[:10])
    assert untaught["exact_match"] == 0.0
    for turn in lesson.held_intents[:10]:
        plan = Rewriter(causal).rewrite(turn.question, VOCABULARY, payments=["credit_card"])
        assert all(found.value.text in " ".join(plan.sentences) for found in plan.demand.found)


def test_no_right_answer_is_turned_down(lesson: Lesson) -> None:
    for turn in lesson.intents + lesson.held_intents:
        plan = Rewriter(Parrot(turn.answer)).rewrite(turn.question, VOCABULARY, payments=["credit_card"])
        assert plan.by_model, plan.note


class Parrot(CausalModel):
    """Answers what it was told to."""

    def __init__(self, said: str) -> None:
        super().__init__(None, None)
        object.__setattr__(self, "said", said)

    def answer(self, questions: Any, **_: Any) -> list[str]:  # type: ignore[override]
        return [self.said] * len(questions)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Coffee is nice", "is no sentence of the template language"),
        ("People who will buy gold bars in the next two weeks", "is no sentence of the template language"),
        ("People who will buy lipstick in the next month", "leaves out coffee"),
        ("People who will buy coffee in the next two weeks", "names another time"),
        ("People who will spend over 900 on coffee in the next month", "names an amount"),
        ("People who will spend over 50 on coffee or a tent in the next month", "speaks of a tent"),
    ],
)
def test_a_wrong_answer_falls_back_to_the_rules_and_says_so(answer: str, reason: str) -> None:
    asked = "People who will spend over 50 on coffee within a month"
    plan = Rewriter(Parrot(answer)).rewrite(asked, VOCABULARY)
    assert plan.sentences == rewrite(asked, VOCABULARY).sentences
    assert not plan.by_model
    assert reason in plan.note
    assert any("rewritten by rules" in line for line in plan.lines())


def test_a_right_answer_counts() -> None:
    answer = "People who will spend over 50 on coffee in the next month"
    plan = Rewriter(Parrot(answer)).rewrite("Spend over 50 on coffee within a month", VOCABULARY)
    assert (plan.sentences, plan.by_model) == ((answer,), True)
    assert plan.lines()[0].startswith("asked:")


def test_a_thing_may_be_said_by_its_other_name() -> None:
    names = Vocabulary(
        [Value("coffee", "entity", "e0"), Value("java", "entity", "e0"), Value("a tent", "entity", "e1")]
    )
    answer = "People who will buy coffee in the next month"
    assert Rewriter(Parrot(answer)).rewrite("Who buys java within a month?", names).by_model
    plan = Rewriter(Parrot(answer)).rewrite("Who does something within a month?", names)
    assert "speaks of coffee" in plan.note
    assert plan.sentences == ()


@pytest.mark.parametrize("family", list(TEMPLATES))
def test_every_form_is_a_sentence_and_back(family: str) -> None:
    for form in TEMPLATES[family]:
        said = Said(family, form, ("coffee", "a tent"), "a credit card", "1,000", "watch", 30)
        found = parse_said(said.sentence(), VOCABULARY, ["credit_card"])
        assert found is not None, said.sentence()
        assert found.sentence() == said.sentence()
        assert own_ways(family, form)


def test_only_known_values_are_said() -> None:
    text = "People who will search for cheap tents or coffee in the next two weeks"
    assert parse_said(text, VOCABULARY) is None
    found = parse_said(text, VOCABULARY, question="who looks for Cheap Tents or coffee?")
    assert found is not None
    assert found.values == ("cheap tents", "coffee")
    paid = "People who will pay with a credit card for coffee in the next two weeks"
    assert parse_said(paid, VOCABULARY, ["voucher"]) is None


def test_questions_ask_for_facts_and_are_answered_in_one_way() -> None:
    facts = planted_facts(100)
    names = {"coffee": ("java",)}
    mined = mine_intents(facts, 150, IntentOptions(names, alias=1.0), np.random.default_rng(1))
    turns = [intent.turn for intent in mined]
    assert len(turns) == len({turn.question for turn in turns}) == 150
    assert any("java" in turn.question for turn in turns)
    assert all("java" not in turn.answer for turn in turns)
    assert all(parse_said(turn.answer, VOCABULARY, ["credit_card"]) for turn in turns)
    assert mine_intents(facts, 150, IntentOptions(names, alias=1.0), np.random.default_rng(1)) == mined


def test_conversations_say_what_the_source_knows() -> None:
    talks = synthesise_talks(planted_facts(100), ENTITIES, 8, np.random.default_rng(0))
    assert len(talks) == 8
    said = " ".join(turn.answer for turn in talks[0])
    assert "of the kind good" in said
    assert "They mostly" in said
    assert "They also like" in said
    assert "with a credit card" in said
    assert all(len(talk) > 1 for talk in talks)


def test_loss_counts_answers_alone(small: Lesson) -> None:
    tokenizer = tiny(small).tokenizer
    talk = (Turn("What is coffee?", "A drink."), Turn("And tea?", "A drink too."))
    row = encode_talk(tokenizer, talk, 256)
    said = tokenizer.decode([i for i, own in zip(row.ids, row.said, strict=True) if own])
    assert said == "A drink.<|end|>A drink too.<|end|>"
    batch = padded([row, encode_talk(tokenizer, talk[:1], 256)], 0)
    assert (batch["labels"][batch["attention_mask"] == 0] == IGNORED).all()
    assert (batch["labels"] != IGNORED).sum() == sum(row.said) + 6 - 6 + sum(encode_talk(tokenizer, talk[:1], 256).said)


def test_a_chat_template_is_followed(small: Lesson) -> None:
    tokenizer = tiny(small).tokenizer
    tokenizer.chat_template = (
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}<|end|>{% endfor %}"
        "{% if add_generation_prompt %}[assistant]{% endif %}"
    )
    text = tokenizer.decode(encode_question(tokenizer, (Turn("one?", "1"),), "two?"))
    assert text == "[user]one?<|end|>[assistant]1<|end|>[user]two?<|end|>[assistant]"
    row = encode_talk(tokenizer, (Turn("one?", "1"), Turn("two?", "2")), 256)
    said = tokenizer.decode([i for i, own in zip(row.ids, row.said, strict=True) if own])
    assert said == "1<|end|>2<|end|>"


def test_lora_changes_little_and_is_merged(small: Lesson, tmp_path: Path) -> None:
    causal = replace(tiny(small), random=False)
    before = {name: value.clone() for name, value in causal.model.state_dict().items()}
    tuned, _ = fit(causal, small, SMALL, seed=7)
    after = tuned.model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all("proj" in name for name in changed)
    tuned.save(tmp_path / "model")
    again = open_causal(tmp_path / "model")
    asked = [turn.question for turn in small.held_intents]
    assert again.answer(asked, limit=12) == tuned.answer(asked, limit=12)


def test_answers_do_not_depend_on_the_batch(small: Lesson) -> None:
    causal = tiny(small)
    asked = ["People who will buy coffee.", "Find users who will look at a tent within two weeks."]
    assert causal.answer(asked, limit=8) == [causal.answer([one], limit=8)[0] for one in asked]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_planted(tmp_path_factory.mktemp("planted"), users=60)
    entities = {"id": ["c", "t"], "name": ["coffee", "tea"], "type": "drink", "aliases": [["java"], []]}
    pd.DataFrame(entities).to_parquet(path / "entities.parquet")
    return path


def test_the_command_trains_stops_and_goes_on(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(training.random_causal.__globals__["SIZES"], "tiny", {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2})  # fmt: skip
    small = ("knowledge.examples=6", "knowledge.epochs=2", "intents.examples=40", "intents.epochs=2", "device=cpu")
    asked = ["train", "rewriter", str(folder), "--random-config", "tiny", "--json"]
    asked += [word for setting in small for word in ("--set", setting)]
    torch.set_num_threads(1)
    whole = CliRunner().invoke(audience_graph, [*asked, "--out", str(tmp_path / "whole")])
    assert whole.exit_code == 0, whole.output
    report = json.loads(whole.stdout)
    assert (tmp_path / "whole" / "done").is_file()
    assert not (tmp_path / "whole" / "training").exists()

    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:  # stopped after both stages, before anything is written
        patched.setattr(training, "judge", stop)
        assert CliRunner().invoke(audience_graph, [*asked, "--out", str(tmp_path / "stopped")]).exit_code != 0
    with pytest.raises(RunError, match="not a finished run"):
        open_rewriter(tmp_path / "stopped")
    steps = CliRunner().invoke(audience_graph, [*asked, "--out", str(tmp_path / "stopped")])
    assert steps.exit_code == 0, steps.output
    assert json.loads(steps.stdout) == report | {"folder": str(tmp_path / "stopped")}
    assert "intents" not in steps.stderr  # nothing was trained again
    opened = rewriters.open_rewriter(tmp_path / "stopped")  # as the client does
    assert isinstance(opened, Rewriter)
    assert opened.rewrite("People who will buy tea", Vocabulary([Value("tea")])).sentences
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(RunError, match="no run of a rewriter"):
        rewriters.open_rewriter(other)
    (other / "run.json").write_text('{"kind": "mine"}')
    with pytest.raises(ConfigError, match="no rewriter of kind 'mine'"):
        rewriters.open_rewriter(other)
    again = CliRunner().invoke(audience_graph, [*asked, "--out", str(tmp_path / "whole")])
    assert json.loads(again.stdout) == report


def test_a_model_in_a_folder_is_tuned_by_lora(folder: Path, small: Lesson, tmp_path: Path) -> None:
    tiny(small, width=32, layers=1).save(tmp_path / "base")
    config = replace(SMALL, intents=replace(SMALL.intents, examples=20, epochs=1))
    steps: list[str] = []

    def tell(step: str, done: int, total: int) -> None:
        steps.append(f"{step} {done}/{total}")

    report = train_rewriter(folder, tmp_path / "run", base=tmp_path / "base", config=config, progress=tell)
    assert "knowledge 1/1" in steps
    assert steps[-1] == "intents 1/1"
    assert report["judged"] > 0
    before, after = (open_causal(path).model.state_dict() for path in (tmp_path / "base", tmp_path / "run" / "model"))
    assert {name for name in before if not torch.equal(before[name], after[name])} <= {
        name for name in before if "proj" in name
    }
    head = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (head["kind"], head["base"]) == ("rewriter", str(tmp_path / "base"))


def test_mistakes_are_one_line(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="which model"):
        train_rewriter(folder, tmp_path / "run")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("mine")
    with pytest.raises(ConfigError, match="holds other files"):
        train_rewriter(folder, tmp_path / "other", size="tiny")
    with pytest.raises(ConfigError, match="holds no causal language model"):
        open_causal(tmp_path / "other")
    with pytest.raises(ConfigError, match="no random model"):
        random_causal("huge", ["a"], seed=1)
