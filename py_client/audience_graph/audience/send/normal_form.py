"""E-mail addresses and phone numbers in the normal form of the ad platforms, then as SHA-256 in hex: SQL, per column.

    google-email   no space around it, small letters; in gmail.com and googlemail.com no dots before the @ (Google's
                   enhanced conversions ask for that, Customer Match takes both); a `+tag` stays
    google-phone   E.164: `+`, country code, number
    meta-email     no space around it, small letters, nothing else: dots and tags stay
    meta-phone     country code and number, digits alone

A number counts only where it says its country (`+49 ...` or `0049 ...`); spaces, dots, dashes, slashes, parentheses
and the `(0)` of `+49 (0)30` are dropped. Anything else gives no hash: with a guessed country it would be that of
another person's number.
"""

from __future__ import annotations

from collections.abc import Callable

FORMS: dict[str, Callable[[str], str]] = {
    "google-email": lambda value: _email(_undotted(_trimmed(value))),
    "google-phone": lambda value: _phone(value, ""),
    "meta-email": lambda value: _email(_trimmed(value)),
    "meta-phone": lambda value: _phone(value, "+"),
}


def hashed(value: str) -> str:
    """Return the SQL of a text's SHA-256 in hex, NULL of NULL."""
    return f"encode(sha256(convert_to({value}, 'UTF8')), 'hex')"


def _trimmed(value: str) -> str:
    return rf"lower(regexp_replace({value}, '^\s+|\s+$', '', 'g'))"


def _undotted(email: str) -> str:
    local = f"replace(split_part({email}, '@', 1), '.', '') || '@' || split_part({email}, '@', 2)"
    return rf"(CASE WHEN {email} ~ '@(gmail|googlemail)\.com$' THEN {local} ELSE {email} END)"


def _email(email: str) -> str:
    return rf"CASE WHEN {email} ~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' THEN {hashed(email)} END"


def _phone(value: str, dropped: str) -> str:
    dialled = rf"regexp_replace(replace({value}, '(0)', ''), '[\s().\-/]', '', 'g')"
    number = f"regexp_replace({dialled}, '^00', '+')"
    sent = hashed(f"ltrim({number}, '{dropped}')")
    return rf"CASE WHEN {number} ~ '^\+[1-9][0-9]{{6,14}}$' THEN {sent} END"
