"""The plan of a sentence, shown before anything runs: what was recognised, what was not, what the model is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audience_graph.answer import Answer
from audience_graph.audience.safety.asked import SensitiveThing
from audience_graph.audience.weighing import Weighing
from audience_graph.errors import NotFoundError
from audience_graph.sentences.rewrite import Rewritten
from audience_graph.user_text.prompts import Prompt


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Plan(Answer):
    """What a sentence asks for. Rows are the things that it names, each with the entity that it was taken for.

    `asked` is what the model is told: the sentence, or what it was rewritten to. `not_understood` are words that
    nothing known is called or near to; `coverage` is the share of the meaningful words that were understood. Where that
    leaves nothing, `by_meaning` are those words that the text encoder has met: the sentence can be ranked by their
    meaning alone. A sentence that is the name of a tuned prompt stands for it. `sensitive` is what of it needs a
    reason to be asked for. `weighing`: how much the graph counts where graph and sentence are both asked, None without
    a user-text space.
    """

    sentence: str
    asked: tuple[str, ...]
    rewritten: Rewritten
    by_meaning: tuple[str, ...] = ()
    prompt: Prompt | None = None
    text_space: str | None = None
    weighing: Weighing | None = None
    sensitive: tuple[SensitiveThing, ...] = ()
    release: int | None = None
    version: str | None = None
    week: str | None = None

    @property
    def understood(self) -> bool:
        """Whether anything was recognised, by name or by meaning, or the sentence names a prompt."""
        return self.prompt is not None or self.rewritten.demand.understood or bool(self.by_meaning)

    @property
    def said(self) -> str:
        """The sentence, or that of the prompt which it names."""
        return self.sentence if self.prompt is None else self.prompt.sentence

    @property
    def coverage(self) -> float:
        """Share of the words with a meaning of their own that were understood, 0 to 1."""
        return 1.0 if self.prompt is not None else self.rewritten.demand.coverage

    @property
    def not_understood(self) -> tuple[str, ...]:
        """The words that neither rules nor the dictionary know."""
        return () if self.prompt is not None else self.rewritten.demand.not_understood

    @property
    def entity_ids(self) -> tuple[str, ...]:
        """The entities that were recognised, in the order of the sentence, or of the prompt's."""
        return tuple(dict.fromkeys(f.value.id for f in self.rewritten.demand.found if f.value.id is not None))

    def lines(self) -> list[str]:
        """Return the plan in words, line by line."""
        weighed = [] if self.weighing is None else [f"both:      {self.weighing.line()}"]
        return [*self._asked_lines(), *(f"sensitive: {thing}: needs a reason" for thing in self.sensitive), *weighed]

    def _asked_lines(self) -> list[str]:
        if self.prompt is not None:
            return [f"prompt:    {self.prompt.name}", f"sentence:  {self.prompt.sentence}",
                    f"seeds:     {self.prompt.verdict.get('reason', '')}"]  # fmt: skip
        said = self.rewritten.lines()
        if self.by_meaning:
            said[-1] = f"nothing known is called so: ranked by the meaning of {', '.join(self.by_meaning)} alone"
        if self.asked == (self.sentence,):
            return [line for line in said if not line.startswith("rewritten:")]
        return said

    def require(self, *, guess: bool = False) -> None:
        """Raise NotFoundError when nothing in the sentence is known, unless a guess is asked for."""
        if self.understood or guess:
            return
        missed = ", ".join(self.not_understood)
        raise NotFoundError(
            f"nothing in {self.sentence!r} is known" + (f": {missed}" if missed else ""),
            hint="name something that users do or that the dictionary holds; to rank by the meaning of the words all "
            "the same, ask with guess=True (--guess)",
        )

    def _title(self) -> str:
        return "\n".join(self.lines())

    def _columns(self) -> Mapping[str, Sequence[Any]]:
        found = self.rewritten.demand.found
        flags = {thing.entity.id for thing in self.sensitive if thing.entity is not None}
        return {
            "said": [f.said for f in found],
            "meant": [f.value.text for f in found],
            "entity": [f.value.id for f in found],
            "by": [f.how for f in found],
            "score": [f.score for f in found],
            "sensitive": [f.value.id is not None and f.value.id in flags for f in found],
        }
