"""Which template family describes a channel: purchase, browse, search, click or payment.

A channel is read word by word (`app_search`, `OrderPlaced`); the first of CLUES of which a word begins with a clue
decides, so `view_order` is browsing. A channel without any clue counts as browsing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from audience_graph.errors import ConfigError
from audience_graph.sentences.demand import FAMILIES

CLUES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("click", ("click", "tap", "banner", "push")),
    ("search", ("search", "query", "queries", "find", "lookup")),
    ("browse", ("visit", "view", "brows", "page", "open", "watch", "play", "read", "listen")),
    ("payment", ("pay", "bill", "transfer", "invoice")),
    ("purchase", ("purchas", "order", "buy", "bought", "checkout", "transaction", "sale", "receipt", "basket")),
)
# A word of a browsing channel that is a verb of its own: it is said as it is, not as "look at".
VERBS: tuple[tuple[str, str], ...] = (
    ("watch", "watch"),
    ("play", "play"),
    ("listen", "listen to"),
    ("read", "read"),
    ("download", "download"),
    ("redeem", "redeem a coupon for"),
    ("coupon", "redeem a coupon for"),
    ("install", "install"),
    ("rat", "rate"),
    ("review", "review"),
    ("book", "book"),
)
_WORDS = re.compile(r"[A-Z]?[^\W\d_A-Z]+|[A-Z]+")


@dataclass(frozen=True, slots=True)
class FamilyMap:
    """What the caller says of channels: `families` by channel name. All others are read by their words.

    Raises ConfigError for a family that there is not.
    """

    families: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for channel, family in self.families.items():
            if family not in FAMILIES:
                raise ConfigError(f"channel {channel!r}: no family {family!r}", hint=f"families: {', '.join(FAMILIES)}")

    @classmethod
    def parse(cls, pairs: Iterable[str]) -> FamilyMap:
        """Read `CHANNEL=FAMILY` options. Raises ConfigError."""
        families: dict[str, str] = {}
        for pair in pairs:
            channel, sign, family = pair.rpartition("=")
            if not (channel and sign and family):
                raise ConfigError(f"--family {pair!r} is not of the form CHANNEL=FAMILY")
            families[channel] = family
        return cls(families)

    def family(self, channel: str) -> str:
        """Return the family of a channel."""
        if channel in self.families:
            return self.families[channel]
        words = [word.lower() for word in _WORDS.findall(channel)]
        for family, clues in CLUES:
            if any(word.startswith(clues) for word in words):
                return family
        return "browse"

    def verb(self, channel: str) -> str:
        """Return the verb of a browsing channel that has its own, '' for any other."""
        if self.family(channel) != "browse":
            return ""
        words = [word.lower() for word in _WORDS.findall(channel)]
        return next((verb for clue, verb in VERBS if any(word.startswith(clue) for word in words)), "")
