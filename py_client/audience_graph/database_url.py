"""The address of Postgres: checked before it is used, shown without its password.

Read the way libpq reads it, which is not the way of `urllib`: the password ends at the first `@`. Where a person
forgot to encode a character of a password, libpq takes its rest for a host name or a port and prints it; such an
address is refused here, by the name of the setting and never by its value.
"""

from __future__ import annotations

import re

from audience_graph.errors import ConfigError

_SCHEME = re.compile(r"(postgresql|postgres)://")
_PERCENT = re.compile(r"%(?!00)[0-9a-fA-F]{2}")
_HOST = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+(%25[^\]]+)?\]|[^\[\]:@]*)(:(?P<port>[0-9]{1,5})?)?")
_PARAMETER = re.compile(r"[A-Za-z_]+=[^=]*")
_HINT = "write postgresql://user:password@host:5432/database (or postgres://), with @ : / ? # % of a password encoded"


def check_database_url(url: str, *, name: str) -> None:
    """Raise ConfigError, naming the setting and never its value, for what is no address of a Postgres."""
    wrong = _trouble(url)
    if wrong is not None:
        raise ConfigError(f"{name} {wrong}", hint=_HINT)


def without_password(url: str) -> str:
    """Return a database address that may be printed: no user, no password, no options."""
    if _trouble(url) is not None:
        return "DATABASE_URL"
    _, hosts, rest = _parts(url)
    return f"{url.partition(':')[0]}://{hosts}{rest.partition('?')[0]}"


def _trouble(url: str) -> str | None:
    if _SCHEME.match(url) is None:
        return "does not begin with postgresql:// or postgres://"
    if any(letter.isspace() or not letter.isprintable() for letter in url):
        return "holds a space or a control character"
    if url.count("%") != len(_PERCENT.findall(url)):
        return "holds a % that is not the beginning of an encoded character such as %40"
    _, hosts, rest = _parts(url)
    if "@" in hosts or "@" in rest:
        return "holds an @ that is not encoded as %40"
    for host in hosts.split(","):
        found = _HOST.fullmatch(host)
        if found is None or not 0 < int(found["port"] or 1) < 65_536:
            return "has a host or a port that cannot be one"
    options = rest.partition("?")[2]
    if options and not all(_PARAMETER.fullmatch(option) for option in options.split("&")):
        return "has an option that is not name=value"
    return None


def _parts(url: str) -> tuple[str, str, str]:
    """Return user and password, hosts with their ports, and the rest from `/` or `?` on."""
    after = _SCHEME.sub("", url, count=1)
    credentials, at, address = after.partition("@")
    if not at or "/" in credentials:
        credentials, address = "", after
    end = re.search(r"[/?]", address)
    cut = len(address) if end is None else end.start()
    return credentials, address[:cut], address[cut:]
