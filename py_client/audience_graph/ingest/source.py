"""Open a file of the user: refuse what is no readable file of a known format, and watch its bytes.

Symbolic links are followed to regular files only; a dangling link, a link to a folder or to a device is refused.
"""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from audience_graph.errors import InputError, Problem

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
_KNOWN = ".csv, .jsonl, .parquet (.csv.gz and .jsonl.gz too)"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"PK\x03\x04", "a zip or Excel file"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A regular, non-empty file of a known format. `name` is the path as the user wrote it."""

    path: Path
    name: str
    format: str
    size: int
    gzipped: bool


def broken_file(name: str, expected: str, found: str, *, hint: str | None = None) -> InputError:
    """Return the error of a file that is broken as a whole."""
    return InputError(
        f"{name} cannot be loaded", problems=[Problem(name, None, None, expected, found)], count=1, hint=hint
    )


def open_source(path: str | os.PathLike[str]) -> Source:
    """Check that `path` is a file that can be loaded. Reads its first bytes; raises InputError."""
    given = Path(path)
    name = str(given)
    if "\0" in name:
        raise broken_file(name.replace("\0", "\\0"), "the name of a file", "a NUL character in it")
    try:
        info = given.stat()
    except FileNotFoundError:
        if given.is_symlink():
            raise broken_file(name, "a file", f"a link to {os.readlink(given)}, which is not there") from None
        raise broken_file(name, "a file", "nothing of this name") from None
    except OSError as exc:
        raise broken_file(name, "a readable file", exc.strerror or str(exc)) from exc
    if not stat.S_ISREG(info.st_mode):
        raise broken_file(name, "a file", _kind(info.st_mode, link=given.is_symlink()))
    suffixes = [s.lower() for s in given.suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    fmt = FORMATS.get((suffixes[:-1] if gzipped else suffixes)[-1:][0] if suffixes[: len(suffixes) - gzipped] else "")
    if fmt is None or (gzipped and fmt == "parquet"):
        raise broken_file(name, f"a name that ends in {_KNOWN}", given.name)
    if info.st_size == 0:
        raise broken_file(name, "a header and rows" if fmt == "csv" else "rows", "an empty file")
    source = Source(given, name, fmt, info.st_size, gzipped)
    _check_magic(source)
    return source


def _kind(mode: int, *, link: bool) -> str:
    tests: tuple[tuple[Callable[[int], bool], str], ...] = (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    kind = next((word for test, word in tests if test(mode)), "something else")
    return f"a link to {kind}" if link else kind


def _check_magic(source: Source) -> None:
    try:
        with source.path.open("rb") as file:
            start = file.read(8)
    except OSError as exc:
        raise broken_file(source.name, "a readable file", exc.strerror or str(exc)) from exc
    if source.gzipped:
        if not start.startswith(b"\x1f\x8b"):
            raise broken_file(source.name, "a gzip file, as its name says", "something else")
        return
    if source.format == "parquet":
        if not start.startswith(b"PAR1"):
            raise broken_file(source.name, "a Parquet file, as its name says", "something else")
        return
    for magic, found in _MAGIC:
        if start.startswith(magic):
            hint = "save it as UTF-8" if "UTF-16" in found else None
            raise broken_file(source.name, f"{source.format.upper()} text in UTF-8", found, hint=hint)


class ByteStream(io.RawIOBase):
    """The bytes of a CSV or JSONL file, unpacked, without a byte order mark, checked to be UTF-8 as they pass.

    Raises InputError at the first byte that is not UTF-8, naming its place, and for a gzip file that is cut off.
    The error is kept in `error` too, because libraries that read through a stream may replace it by their own.
    """

    def __init__(self, source: Source, watch: Callable[[bytes], None] | None = None) -> None:
        super().__init__()
        self._source = source
        self._file: IO[bytes] = source.path.open("rb")
        self._bytes: Any = gzip.open(self._file, "rb") if source.gzipped else self._file  # noqa: SIM115
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._watch = watch
        self._passed = 0
        self._lines = 1
        self.error: InputError | None = None

    @property
    def done(self) -> int:
        """Bytes of the file on disk that have been read."""
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            block: bytes = self._bytes.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error) as exc:
            self.error = broken_file(self._source.name, "a whole gzip file", f"{exc}")
            raise self.error from exc
        self._check(block)
        if self._passed == 0 and block.startswith(codecs.BOM_UTF8):
            self._passed += len(codecs.BOM_UTF8)
            block = block[len(codecs.BOM_UTF8) :]
        self._passed += len(block)
        self._lines += block.count(b"\n")
        if self._watch is not None:
            self._watch(block)
        return block

    def readinto(self, buffer: Any) -> int:
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)

    def _check(self, block: bytes) -> None:
        kept = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(block, final=not block)
        except UnicodeDecodeError as exc:
            place = self._passed - kept + exc.start
            line = self._lines + block[: max(0, exc.start - kept)].count(b"\n")
            found = f"byte 0x{exc.object[exc.start]:02x} at offset {place:,}, line {line:,}"
            self.error = broken_file(self._source.name, "text in UTF-8", found, hint="save the file as UTF-8")
            raise self.error from exc

    def close(self) -> None:
        if not self.closed:
            self._bytes.close()
            self._file.close()
        super().close()
