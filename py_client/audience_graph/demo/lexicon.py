"""The words of the demo world, read from `lexicon.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TYPES = (
    "app", "athlete", "attraction", "book", "brand", "category", "city", "clinic", "course", "dish", "drink", "event",
    "film", "finance_product", "game", "hotel", "mini_program", "musician", "product", "restaurant", "service", "shop",
    "show", "team", "transport", "vehicle",
)  # fmt: skip

FIRST_NAMES = (
    "Ada", "Bruno", "Carla", "Dario", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jonas", "Kira", "Leandro", "Mina",
    "Noel", "Olga", "Pablo", "Quinn", "Rosa", "Stefan", "Talia", "Umar", "Vera", "Wen", "Ximena", "Yara", "Zoran",
)  # fmt: skip
LAST_NAMES = (
    "Almeida", "Becker", "Castellan", "Duarte", "Eklund", "Falk", "Gallo", "Hartwig", "Ibarra", "Jansen", "Kovac",
    "Lindqvist", "Moretti", "Nakata", "Okafor", "Petrov", "Quispe", "Romano", "Santoro", "Tanaka", "Ulrich", "Varga",
    "Weller", "Yamada", "Zielinski",
)  # fmt: skip
CITIES = (
    "Lindenburg", "Port Amara", "Valdoro", "Kestrel Bay", "Norrvik", "Hanmere", "Solenza", "Qingyuan Lake", "Marwick",
    "Estrella Point", "Tarnow Hill", "Jadeport", "Oakhaven", "Brisemont", "Yunhe", "Calder Falls", "Mirador",
    "Stonebridge", "Larkspur", "Dunmore",
)  # fmt: skip
ANIMALS = (
    "Falcons", "Wolves", "Otters", "Lynxes", "Herons", "Bisons", "Cobras", "Stallions", "Ravens", "Dolphins", "Hornets",
    "Leopards", "Badgers", "Condors", "Rhinos",
)  # fmt: skip
ADJECTIVES = (
    "Golden", "Quiet", "Northern", "Little", "Royal", "Urban", "Silver", "Wild", "Happy", "Crimson", "Gentle", "Lucky",
    "Bright", "Hidden", "Grand", "Velvet", "Sunny", "Clever", "Evergreen", "Midnight", "Amber", "Swift",
)  # fmt: skip
# Services that the labelled scenarios are about: more people want them.
IN_DEMAND = frozenset(
    (
        "used car selling", "baby food", "infant formula", "nappies",
        "gym membership", "home workout", "sports nutrition", "index funds",
        "gold savings", "money market savings", "lip makeup", "eye makeup", "base makeup", "short video watching",
        "battle arena games", "role playing games", "cafe delivery", "fried chicken delivery", "train tickets",
        "cheap flights",
    )
)  # fmt: skip
SEGMENTS = ("", "budget", "premium", "junior", "senior", "express", "eco", "studio")
SEGMENTS_ZH = ("", "平价", "高端", "少年", "长者", "极速", "环保", "工坊")
ONSETS = ("b", "br", "c", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "st", "t", "tr", "v", "w", "z")
VOWELS = ("a", "e", "i", "o", "u", "ai", "eo", "ia", "ou")
CODAS = ("", "l", "n", "r", "s", "x", "m", "nd", "rt", "lo", "na", "ra", "vi", "ka")
HANZI = "洛薇雅诗兰佳美悦丽宝安康乐福星云海川宁泽瑞欣晨禾木青蓝金玉华盛源通达奇妙鹿鲸"


@dataclass(frozen=True, slots=True)
class Topic:
    """One theme of life: its Chinese name, its neighbours, the entity types it favours, its services."""

    name: str
    zh: str
    near: tuple[str, ...]
    types: tuple[str, ...]
    services: tuple[tuple[str, str, tuple[str, ...]], ...]


@cache
def load_topics() -> tuple[Topic, ...]:
    """Return the topics in the order of the file."""
    raw = tomllib.loads((Path(__file__).parent / "lexicon.toml").read_text(encoding="utf-8"))
    return tuple(
        Topic(
            name=name,
            zh=table["zh"],
            near=tuple(table["near"]),
            types=tuple(table["types"]),
            services=tuple(_service(line) for line in table["services"]),
        )
        for name, table in raw.items()
    )


def _service(line: str) -> tuple[str, str, tuple[str, ...]]:
    name, zh, nouns = (part.strip() for part in line.split("|"))
    return name, zh, tuple(noun.strip() for noun in nouns.split(","))
