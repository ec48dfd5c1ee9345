"""Where an export goes: a file, numbered files, or a webhook."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from audience_graph.audience.output import check_path
from audience_graph.errors import ConfigError
from audience_graph.whole_file import check_folder

WEBHOOK = "webhook"
FORMATS = ("csv", "parquet", "jsonl")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class Destination:
    """A file (`to` is its absolute path) or a webhook (`to` is its URL) in a format.

    `name`: under which the exports of an audience to this place are counted, for appends and deltas.
    """

    to: str
    name: str
    format: str

    @property
    def is_webhook(self) -> bool:
        return self.format == WEBHOOK


def find_destination(to: str | os.PathLike[str], format_: str | None = None, name: str | None = None) -> Destination:
    """Return where to send. Raises ConfigError for a place that cannot be written or may not be sent to."""
    if name is not None and (not name.strip() or not name.isprintable()):
        raise ConfigError(f"a destination is named by text, not {name!r}")
    if isinstance(to, str) and _URL.match(to):
        if format_ not in (None, "json"):
            raise ConfigError(f"a webhook is sent JSON, not {format_}", hint="leave the format out")
        return Destination(_checked_url(to), name or _without_query(to), WEBHOOK)
    if not os.fspath(to) or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in os.fspath(to)):
        raise ConfigError(f"{os.fspath(to)!r} names no file")
    path = Path(os.path.abspath(to))
    if format_ is None:
        return Destination(str(path), name or str(path), check_path(path).suffix.lower().removeprefix("."))
    if format_ not in FORMATS:
        raise ConfigError(f"no format {format_!r}", hint=f"formats are {', '.join(FORMATS)}")
    check_folder(path)
    return Destination(str(path), name or str(path), format_)


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, by its name or number."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise ConfigError(f"{url!r} is not a URL: {exc}") from exc
    if not host or not url.isascii() or any(c.isspace() or not c.isprintable() for c in url) or parts.fragment:
        raise ConfigError("a webhook's URL is https://HOST/PATH, in ASCII, without a #fragment")
    if parts.username is not None or parts.password is not None:
        raise ConfigError("no names or passwords in a webhook's URL: it is kept", hint="sign with the secret instead")
    if parts.scheme.lower() == "https" or (parts.scheme.lower() == "http" and is_loopback(host)):
        return url
    raise ConfigError(
        f"users leave by https only, not by {parts.scheme}", hint="http is for receivers on this machine, to try them"
    )


def _without_query(url: str) -> str:
    return url.partition("?")[0]
