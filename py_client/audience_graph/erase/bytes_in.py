"""Ids and texts inside bytes: in UTF-8, UTF-16 and UTF-32, as JSON, CSV and databases write them.

An id counts where no character of an id stands before or after it. Postgres writes the length of a short text in the
byte before it, which may look like a letter: that byte counts as none when it says just the length of the id.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from audience_graph.erase.whom import Whom

ID, TEXT = "id", "text"
_BLOCK = 16 << 20
_SEVERAL, _MANY = 400, 2_000  # needles a pattern, beginnings a pattern
_BEGINNING = 16  # bytes
# encoding -> bytes of a character
_CODINGS = {"utf-8": 1, "utf-16-le": 2, "utf-16-be": 2, "utf-32-le": 4}
_WIDEST = 4
_CODINGS_OF_TEXTS = {"utf-8": 1, "utf-16-le": 2}
_INSIDE = frozenset(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
_SHORT_HEADER = 126  # bytes of the longest text whose length stands in one byte


@dataclass(frozen=True, slots=True)
class Needle:
    """Bytes to look for: what they are, and how many of them make a character."""

    data: bytes
    what: str
    width: int

    def found_in(self, block: bytes, *, plain: bool = False) -> Iterator[int]:
        """Yield where the needle is in a block, bounded as ids are; `plain`: no database wrote the block."""
        place = block.find(self.data)
        while place >= 0:
            if self.what == TEXT or self._bounded(block, place, plain):
                yield place
            place = block.find(self.data, place + 1)

    def lies(self, place: int, inside: range) -> bool:
        """Tell whether the needle at a place begins and ends in a range."""
        return place >= inside.start and place + len(self.data) < inside.stop

    def _bounded(self, block: bytes, place: int, plain: bool) -> bool:
        size, width = len(self.data), self.width
        if not plain and width == 1 and size <= _SHORT_HEADER and place and block[place - 1] == (size + 1) << 1 | 1:
            return True
        before, after = block[max(0, place - width) : place], block[place + size : place + size + width]
        return not (_is_inside(before) or _is_inside(after))


def _is_inside(unit: bytes) -> bool:
    """Tell whether one character, in whatever coding, is one of an id."""
    letters = unit.strip(b"\0")
    return len(letters) == 1 and letters[0] in _INSIDE


@dataclass(frozen=True)
class Needles:
    """Everything that is looked for: telling ids, and texts that nobody else wrote."""

    ids: tuple[str, ...]
    texts: tuple[str, ...] = ()

    @cached_property
    def all(self) -> tuple[Needle, ...]:
        found = {
            Needle(form.encode(coding), what, width)
            for what, several in ((ID, self.ids), (TEXT, self.texts))
            for one in several
            for form in _forms(one)
            for coding, width in (_CODINGS if what == ID else _CODINGS_OF_TEXTS).items()
        }
        return tuple(sorted(found, key=lambda n: n.data))

    @cached_property
    def _beginnings(self) -> tuple[str, ...]:
        """Patterns of how needles begin: a first look, which few blocks pass."""
        starts = sorted({n.data[:_BEGINNING] for n in self.all})
        return tuple(_pattern(starts[i : i + _MANY]) for i in range(0, len(starts), _MANY))

    @cached_property
    def _parts(self) -> tuple[tuple[str, tuple[Needle, ...]], ...]:
        """Some hundred needles each, with the pattern that finds any of them."""
        parts = [self.all[i : i + _SEVERAL] for i in range(0, len(self.all), _SEVERAL)]
        return tuple((_pattern(n.data for n in part), part) for part in parts)

    @cached_property
    def longest(self) -> int:
        return max((len(n.data) for n in self.all), default=0)

    def look(self, stream: BinaryIO, *, plain: bool = False) -> set[str]:
        """Return what of it is in a stream of bytes: `id`, `text`, both or none. Memory: one block."""
        found: set[str] = set()
        rest, block = b"", stream.read(_BLOCK) if self.all else b""
        while block:
            follows = stream.read(_BLOCK)
            whole = rest + block
            # what stands before and after is known: a needle at an edge is seen whole in the block beside it
            inside = range(_WIDEST if rest else 0, len(whole) - (_WIDEST if follows else 0) + 1)
            for part in self._parts_in(whole):
                found |= {n.what for n in part if any(n.lies(p, inside) for p in n.found_in(whole, plain=plain))}
            rest, block = whole[-(self.longest + 2 * _WIDEST) :], follows
        return found

    def _parts_in(self, block: bytes) -> Iterator[tuple[Needle, ...]]:
        """Yield the parts of which one needle or more is in a block, bounded or not."""
        array = pa.array([block], pa.large_binary())
        if any(pc.match_substring_regex(array, pattern=pattern)[0].as_py() for pattern in self._beginnings):
            for pattern, part in self._parts:
                if pc.match_substring_regex(array, pattern=pattern)[0].as_py():
                    yield part


def look_in(path: Path, needles: Needles) -> set[str]:
    """Return what of the needles is in the bytes of a file; of a zip (checkpoint, npz) in its unpacked members too."""
    with path.open("rb") as file:
        found = needles.look(file)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for member in packed.infolist():
                with packed.open(member) as stream:
                    found |= needles.look(stream)  # type: ignore[arg-type] # reads like a file
    return found


def blank(path: Path, whom: Whom) -> int:
    """Overwrite ids in a file of lines with as many asterisks, in place; return how many. For logs that are open."""
    needles = Needles(whom.telling)
    if not needles.all:
        return 0
    data = path.read_bytes()
    places = {(place, len(n.data)) for n in needles.all for place in n.found_in(data, plain=True)}
    if places:
        with path.open("r+b") as file:
            for place, size in places:
                file.seek(place)
                file.write(b"*" * size)
    return len(places)


def _forms(text: str) -> Iterable[str]:
    """Return a text as it is, and as JSON and CSV write it."""
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text.replace('"', '""')}


def _pattern(beginnings: Iterable[bytes]) -> str:
    return "|".join("".join(map(_escaped, one)) for one in sorted(beginnings))


def _escaped(byte: int) -> str:
    return chr(byte) if byte < 128 and chr(byte).isalnum() else f"\\x{byte:02x}"
