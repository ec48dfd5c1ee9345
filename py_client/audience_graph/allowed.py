"""Asking for what is sensitive: a reason lets it in, and is in the audit log before there is an answer.

Without that line there is no answer: a log that cannot be written refuses the question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from audience_graph.audit import record
from audience_graph.errors import ConfigError
from audience_graph.vectors.store import Store

LONGEST = 2_000
_SHOWN = 200


@dataclass(slots=True)
class Allowed:
    """A reason, and what it let in: phrases as they were typed, sensitive entities by id."""

    because: str
    phrases: dict[str, None] = field(default_factory=dict)
    entities: dict[str, None] = field(default_factory=dict)
    user_id: str | None = None

    def __post_init__(self) -> None:
        text = self.because
        if not isinstance(text, str) or not text.strip() or "\0" in text or not _is_unicode(text):
            raise ConfigError(f"a reason is a text, not {text!r}", hint="sensitive_because='why it is asked for'")
        if len(text) > LONGEST:
            raise ConfigError(f"a reason of {len(text):,} characters: at most {LONGEST:,} are kept")
        self.because = text.strip()

    @classmethod
    def of(cls, because: str | None, *, user_id: str | None = None) -> Allowed | None:
        """Return what a reason allows, None without one; `user_id` for a question about one user.

        Raises ConfigError for an empty or endless reason.
        """
        return None if because is None else cls(because, user_id=user_id)

    def ask(self, phrases: Iterable[str]) -> None:
        """Note what was typed."""
        self.phrases |= dict.fromkeys(phrases)

    def use(self, entity_ids: Iterable[str]) -> None:
        """Note the sensitive entities that an answer holds."""
        self.entities |= dict.fromkeys(entity_ids)

    def record(self, store: Store, who: str, release_id: int | None) -> None:
        """Write the line in a transaction of its own, unless nothing was asked.

        Raises StoreError when it cannot be written.
        """
        if not self.phrases and not self.entities:
            return
        about = f"phrase {'; '.join(self.phrases)}"
        what: dict[str, Any] = {
            "because": self.because,
            "phrases": list(self.phrases),
            "entities": sorted(self.entities),
        }
        if self.user_id is not None:
            what["user_id"] = self.user_id
        with store.transaction() as tx:
            record(tx, who, "sensitive", about[:_SHOWN], what, release_id=release_id)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)
