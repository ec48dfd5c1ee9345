"""Whom to erase, and how an id is told from what only looks like it.

A value equal to an id is the id. Inside other text and inside bytes an id counts where no character of an id stands
before or after it (letters, digits, `_`, `-`): `u100001` is not in `u1000010`. There only *telling* ids are looked for:
at least 6 bytes long, of digits alone at least 9. A shorter one (`u1`, `12`) stands in numbers, names and chance bytes
everywhere: it is looked for as a whole value, in the columns and keys that name users.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from audience_graph.erased import ErasureKey
from audience_graph.errors import ConfigError

MARK = "[erased]"
SHORTEST, SHORTEST_DIGITS = 6, 9  # bytes
MOST_IDS = 100_000
_LONGEST = 100_000  # characters
# Columns and keys that name users. Of a list under such a key an id is taken out; elsewhere a mark takes its place.
USERS = frozenset([
    "user", "user_id", "user_ids", "users", "seeds", "ids", "exclude_users", "positives", "negatives", "without_vector",
])  # fmt: skip
_INSIDE = r"[0-9A-Za-z_\-]"


def is_telling(user_id: str) -> bool:
    """Tell whether an id is long enough to be looked for inside text and bytes."""
    size = len(user_id.encode("utf-8", "surrogatepass"))
    return size >= (SHORTEST_DIGITS if user_id.isdigit() else SHORTEST)


def literal(text: str) -> str:
    """Return a pattern that is the text itself, for regular expressions of Arrow (RE2) and Postgres alike."""
    return "".join(c if c.isalnum() or ord(c) > 127 or c == " " else f"\\{c}" if c.isprintable() else "." for c in text)


@dataclass(frozen=True, eq=False)
class Whom:
    """The users to erase: distinct ids in their order, and the key that their hashes are made with."""

    ids: tuple[str, ...]
    key: ErasureKey = field(repr=False)

    @classmethod
    def of(cls, user_ids: str | Sequence[str], key: ErasureKey) -> Whom:
        """Check ids. Raises ConfigError for none, one that is no text, empty, or that no store can hold."""
        listed = [user_ids] if isinstance(user_ids, str) else list(user_ids)
        for one in listed:
            if not isinstance(one, str) or not one.strip():
                raise ConfigError(f"a user id is text, not {one!r}")
            if "\0" in one or len(one) > _LONGEST or any("\ud800" <= c <= "\udfff" for c in one):
                raise ConfigError(f"no user can have the id {one[:80]!r}")
        if not listed:
            raise ConfigError("no user to erase", hint="name one, or a file of ids")
        if len(listed) > MOST_IDS:
            raise ConfigError(f"{len(listed):,} users at once", hint=f"erase up to {MOST_IDS:,} at a time")
        return cls(tuple(dict.fromkeys(listed)), key)

    @cached_property
    def hashes(self) -> dict[str, bytes]:
        """The keyed hash of each id."""
        return {one: self.key.hash_of(one) for one in self.ids}

    @cached_property
    def known(self) -> frozenset[str]:
        return frozenset(self.ids)

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The ids that are looked for inside text and bytes."""
        return tuple(one for one in self.ids if is_telling(one))

    def mark(self, user_id: str) -> str:
        """Return what stands in the place of an id: the same for one user everywhere, without naming them."""
        return f"[erased {self.hashes[user_id].hex()[:8]}]"

    @cached_property
    def pattern(self) -> str | None:
        """A pattern (RE2, Postgres) of texts that hold a telling id, bounded or not; None without telling ids."""
        return "|".join(map(literal, self.telling)) or None

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if not self.telling:
            return None
        listed = "|".join(map(re.escape, sorted(self.telling, key=len, reverse=True)))
        return re.compile(f"(?<!{_INSIDE})(?:{listed})(?!{_INSIDE})")

    def is_in(self, text: str, *, name: str = "") -> bool:
        """Tell whether a text is one of the ids, or has a telling one inside. `name`: of the column or key."""
        if text in self.known and (name in USERS or is_telling(text)):
            return True
        return self._pattern is not None and self._pattern.search(text) is not None

    def is_in_json(self, value: Any, *, name: str = "") -> bool:
        """Tell whether an id is among the texts and the keys of a JSON value."""
        if isinstance(value, str):
            return self.is_in(value, name=name)
        if isinstance(value, Mapping):
            return any(self.is_in(key) or self.is_in_json(part, name=key) for key, part in value.items())
        return isinstance(value, list) and any(self.is_in_json(part, name=name) for part in value)

    def redact(self, text: str, *, name: str = "", mark: str | None = None) -> str:
        """Return a text with a mark (`mark`, else that of the user) in the place of each id."""
        if text in self.known and (name in USERS or is_telling(text)):
            return mark or self.mark(text)
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: mark or self.mark(found[0]), text)

    def redact_json(self, value: Any, *, name: str = "", mark: str | None = None) -> Any:
        """Return a JSON value without the ids: taken out of lists of users, marked elsewhere."""
        if isinstance(value, str):
            return self.redact(value, name=name, mark=mark)
        if isinstance(value, Mapping):
            return {self.redact(key, mark=mark): self.redact_json(part, name=key, mark=mark)
                    for key, part in value.items()}  # fmt: skip
        if isinstance(value, list):
            kept = [part for part in value if not (name in USERS and isinstance(part, str) and part in self.known)]
            return [self.redact_json(part, name=name, mark=mark) for part in kept]
        return value
