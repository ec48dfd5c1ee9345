"""What a question asks for that is sensitive, what a reason allows, and what an explanation withholds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from asking_fakes import FakeStore

from audience_graph.allowed import LONGEST, Allowed
from audience_graph.audience.explain import Explanation, Reason
from audience_graph.audience.safety.asked import check_matches, check_things, sensitive_things
from audience_graph.audience.safety.withhold import WITHHELD, withhold
from audience_graph.entities.flags import Flagged
from audience_graph.entities.matches import Match
from audience_graph.errors import ConfigError, SensitiveError
from audience_graph.sentences.vocabulary import Found, Value

DEBT = Flagged("e1", "debt help", "service", "financial_hardship")


def found(said: str, entity_id: str | None, how: Any = "name") -> Found:
    return Found(said, Value(said, "service", entity_id), how)


def test_a_sentence_asks_for_flagged_entities_and_for_words_of_the_list() -> None:
    things = sensitive_things("people with debt help and diabetes", [found("debt help", "e1")], {"e1": DEBT})
    assert [(thing.said, thing.entity) for thing in things] == [("debt help", DEBT), ("diabetes", None)]
    assert str(things[0]) == "'debt help' means debt help (service, id e1)"
    assert str(things[1]) == "'diabetes' (health)"


def test_what_is_near_by_meaning_counts_and_a_cleared_name_does_not() -> None:
    assert len(sensitive_things("people who owe a lot", [found("owe", "e1", "meaning")], {"e1": DEBT})) == 1
    assert sensitive_things("people who buy wine gin", [found("wine", "e2")], {})[0].said == "gin"
    assert sensitive_things("people who buy wine", [found("wine", "e2")], {}) == ()
    # near in meaning to something harmless does not make the word harmless
    assert len(sensitive_things("people who buy wine", [found("wine", "e2", "meaning")], {})) == 1


def test_without_a_reason_it_is_refused_with_the_way_to_ask() -> None:
    things = sensitive_things("debt help", [found("debt help", "e1")], {"e1": DEBT})
    with pytest.raises(SensitiveError, match="'debt help' means debt help") as error:
        check_things(things, None)
    assert error.value.ids == ("e1",)
    assert "--sensitive-because" in str(error.value.hint)
    check_things((), None)
    with pytest.raises(SensitiveError, match="'owed' means debt help"):
        check_matches([Match("owed", "e1", "debt help", "service", "alias", 1.0, sensitive=True)], None)


def test_a_reason_notes_what_it_let_in() -> None:
    allowed = Allowed(" a campaign of the debt charity ")
    spa = Match("spa", "e2", "spa", "service", "name", 1.0)
    check_matches([Match("owed", "e1", "debt help", "service", "alias", 1.0, sensitive=True), spa], allowed)
    check_things(sensitive_things("debt", [found("debt", "e3")], {"e3": replace(DEBT, id="e3")}), allowed)
    assert (list(allowed.phrases), list(allowed.entities)) == (["owed", "spa"], ["e1", "e3"])
    assert allowed.because == "a campaign of the debt charity"


@pytest.mark.parametrize("reason", ["", "  \n", 7, True, "\0", "\ud800", "x" * (LONGEST + 1)])
def test_an_empty_or_impossible_reason_is_refused(reason: Any) -> None:
    with pytest.raises(ConfigError, match="reason"):
        Allowed.of(reason)
    assert Allowed.of(None) is None


def test_the_line_holds_reason_phrases_entities_and_the_user_asked_about() -> None:
    lines: list[Any] = []

    class Recording(FakeStore):
        def execute(self, query: str, parameters: Any = None) -> int:  # noqa: ARG002
            lines.append(parameters)
            return 1

    allowed = Allowed('why "so" 为', user_id="u1")
    allowed.ask(["a", "b" * 500])
    allowed.use(["e2", "e1"])
    allowed.record(Recording({}), "ann", 4)  # type: ignore[arg-type]
    ((who, action, about, what, release),) = lines
    assert (who, action, about[:11], len(about), release) == ("ann", "sensitive", "phrase a; b", 200, 4)
    for part in ('"because": "why \\"so\\" 为"', '"entities": ["e1", "e2"]', '"user_id": "u1"', "b" * 500):
        assert part in what


WHEN = datetime(2026, 7, 1, tzinfo=UTC)


def reason(entity_id: str, part: float, *texts: str) -> Reason:
    events = tuple((WHEN, "search", text) for text in texts)
    path = ("e0", "e9")
    return Reason(entity_id, entity_id, part, part, len(texts), "spa", "e9", "e9", path, path, events)


def test_an_explanation_withholds_what_is_sensitive_and_still_adds_up() -> None:
    reasons = (reason("a", 0.5, "towel"), reason("e1", 0.3, "debt"), reason("e3", 0.25, "debt and soap", "gin"))
    told = Explanation("u", 1.0, (*reasons, reason("b", -0.05, "soap", "debt and soap")), 0.0, 0.0, ("spa",), "")
    hidden = withhold(told, {"e1", "e3", "elsewhere"})
    assert [(r.id, r.name) for r in hidden.reasons] == [("", WITHHELD), ("a", "a"), ("b", "b")]
    assert sum(r.part for r in hidden.reasons) == pytest.approx(1.0)
    assert (hidden.reasons[0].share, hidden.reasons[0].mentions) == (0.55, 3)
    assert hidden.reasons[0].last == (None, None, None)
    assert [text for _, _, text in hidden.reasons[2].events] == ["soap", None]
    assert "debt" not in repr(hidden.to_df().to_dict()) + repr(hidden)
    assert withhold(told, {"elsewhere"}) is told
