"""A file that is there whole or not at all: written beside its name, flushed to disk, renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from audience_graph.errors import ConfigError


def check_folder(target: Path) -> None:
    """Raise ConfigError when a file cannot be there: a folder is, its own folder is not, or nothing has such a name."""
    try:
        named = b"\0" not in os.fsencode(target)
        is_folder, has_folder = named and target.is_dir(), named and target.parent.is_dir()
    except (OSError, UnicodeEncodeError):  # a name that is too long, or no text
        named = False
    if not named:
        raise ConfigError(f"no file can be named {str(target)[-80:]!r}", hint="name a file in an existing folder")
    if is_folder or not has_folder:
        wrong = f"{target} is a folder" if is_folder else f"no folder {target.parent}"
        raise ConfigError(wrong, hint="name a file in an existing folder")


@contextmanager
def whole_file(target: Path, *, part: str | None = None) -> Iterator[IO[bytes]]:
    """Open a file that gets its name, readable for its owner only, when the `with` ends well; else it is removed.

    `part` is its name until then, in the same folder: who was killed and writes it again leaves nothing behind.
    Raises ConfigError where the file cannot be written.
    """
    beside = target.with_name(part or f".{target.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                os.chmod(beside, 0o600)
                os.replace(beside, target)
            except BaseException:
                os.unlink(beside)
                raise
    except OSError as exc:
        raise ConfigError(f"cannot write {target}: {exc.strerror or exc}", hint="name another folder") from exc
