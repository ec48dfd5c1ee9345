"""Names, aliases and descriptions of entities: readable, unique, a few ambiguous on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from audience_graph.demo.lexicon import (
    ADJECTIVES,
    ANIMALS,
    CITIES,
    CODAS,
    FIRST_NAMES,
    HANZI,
    LAST_NAMES,
    ONSETS,
    VOWELS,
)

# Types whose name says little about what they are: only behaviour and the description tell.
OPAQUE = frozenset({"athlete", "musician", "city", "team", "brand"})
_PATTERNS = {
    "app": ("{coined} {noun} app", "{noun} now by {coined}", "{noun} by {coined}"),
    "athlete": ("{first} {last}",),
    "attraction": ("{city} {noun} park", "{adj} {noun} world"),
    "book": ("The {adj} {noun}", "{noun} handbook of {last}"),
    "brand": ("{coined}", "{coined} {coined2}", "{coined} & {last}"),
    "category": ("{adj2} {noun}", "{noun} sets"),
    "city": ("{coined}burg", "Port {coined}", "{coined} Bay", "{coined}ton"),
    "clinic": ("{coined} {noun} clinic", "{last} {noun} hospital"),
    "course": ("{noun} masterclass", "{last} {noun} course"),
    "dish": ("{adj} {noun}", "{coined} {noun}"),
    "drink": ("{adj} {noun}", "{coined} {noun}"),
    "event": ("{city} {noun} festival", "{adj} {noun} week"),
    "film": ("The {adj} {noun} film", "{noun} of {city}"),
    "finance_product": ("{coined} {noun} plan", "{adj} {noun}"),
    "game": ("{adj} {noun} saga", "{coined} {noun} quest"),
    "hotel": ("{adj} {noun} hotel", "{city} {noun} inn"),
    "mini_program": ("{noun} go", "{coined} {noun} mini"),
    "musician": ("{first} {last} band", "{first} {coined}"),
    "product": ("{coined} {noun}", "{adj} {noun}", "{last} {noun} set"),
    "restaurant": ("{adj} {noun} house", "{last} {noun} kitchen"),
    "service": ("{noun} help", "{coined} {noun} service"),
    "shop": ("{coined} {noun} store", "{last}'s {noun} shop"),
    "show": ("{noun} diaries", "The {adj} {noun} show"),
    "team": ("{city} {animal}",),
    "transport": ("{city} {noun} line", "{coined} {noun} express"),
    "vehicle": ("{coined} {letter}{number}", "{coined} {noun} {number}"),
}
_PLAIN = ("classic", "portable", "everyday", "handmade", "seasonal", "family", "travel", "refill")
_KIND = {"finance_product": "financial product", "mini_program": "mini program", "show": "show or series"}


@dataclass(slots=True)
class Namer:
    """Make names that are used once. One per world: it remembers what it gave out."""

    rng: np.random.Generator
    taken: set[str] = field(default_factory=set)

    def claim(self, name: str) -> bool:
        """Reserve a name; False when it is taken (letter case does not count)."""
        key = name.casefold()
        if key in self.taken:
            return False
        self.taken.add(key)
        return True

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def coin(self) -> str:
        """Return an invented word of two or three syllables."""
        parts = [self.pick(ONSETS) + self.pick(VOWELS) for _ in range(int(self.rng.integers(1, 3)))]
        return ("".join(parts) + self.pick(ONSETS) + self.pick(VOWELS[:5]) + self.pick(CODAS)).capitalize()

    def coin_chinese(self) -> str:
        return "".join(self.pick(HANZI) for _ in range(int(self.rng.integers(2, 4))))

    def name(self, kind: str, nouns: Sequence[str], flavour: str) -> tuple[str, str]:
        """Return an unused name of an entity of that type, and the part of it that people shorten it to."""
        for _ in range(200):
            coined, last, city, noun = self.coin(), self.pick(LAST_NAMES), self.pick(CITIES), self.pick(nouns)
            if flavour and kind not in OPAQUE and self.rng.random() < 0.5:
                noun = f"{flavour} {noun}"
            name = self.pick(_PATTERNS[kind]).format(
                coined=coined, coined2=self.coin(), last=last, city=city, noun=noun, first=self.pick(FIRST_NAMES),
                adj=self.pick(ADJECTIVES), adj2=self.pick(_PLAIN), animal=self.pick(ANIMALS),
                letter=self.pick("ABEGKMQRSTX"), number=int(self.rng.integers(2, 99)),
            )  # fmt: skip
            words = name.split()
            name = " ".join(
                w for w, before in zip(words, ["", *words], strict=False) if w.casefold() != before.casefold()
            )
            name = name[0].upper() + name[1:]
            if self.claim(name):
                short = next((part for part in (coined, last) if part in name.split() and part != name), "")
                return name, short
        raise RuntimeError(f"no free name left for a {kind} about {nouns[0]}")

    def aliases(self, name: str, short: str, chinese: str) -> list[str]:
        """Return other ways to write the name: short form, initials, no spaces, Chinese. Each is unused so far."""
        words = name.replace("'s", "").split()
        options = [chinese] if chinese else []
        if short and self.rng.random() < 0.35:
            options.append(short)
        if len(words) >= 3 and self.rng.random() < 0.3:
            options.append("".join(w[0] for w in words if w[0].isalnum()).upper() + str(int(self.rng.integers(10, 99))))
        if len(words) == 2 and self.rng.random() < 0.2:
            options.append("".join(words))
        if len(words) >= 3 and words[0] == "The":
            options.append(" ".join(words[1:]))
        return [alias for alias in options if self.claim(alias)]


def describe(namer: Namer, kind: str, service: str, nouns: Sequence[str], second: str) -> str:
    """Return one sentence about an entity; a second service is hinted at, not named."""
    word = _KIND.get(kind, kind)
    a, b = namer.pick(nouns), namer.pick(nouns)
    article = "an" if word[0] in "aeiou" else "a"
    text = namer.pick(
        (
            f"{article.capitalize()} {word} for {service}, known for {a} and {b}.",
            f"{article.capitalize()} {word} around {a}; people interested in {service} like it.",
            f"Popular {word} with {a}, {b} and more.",
            f"{article.capitalize()} {word} people know from {service}.",
        )
    )
    return f"{text} Also chosen with {second}." if second else text
