"""Values as words of a sentence: what was bought, seen, searched for, in the way that a marketer would type it."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_WORDS = 8
LEAST_CENTS = 1_100  # a smaller sum lies over no round amount
_ADDRESS = re.compile(r"\b(?:https?://|www\.)\S+", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w.])#?\d[\d\-/]{4,}(?![\w.])")  # order numbers, dates, telephone numbers
_SPACE = re.compile(r"[\s_\x00-\x1f\x7f\u200b\u2028\u2029\ufeff]+")
_ENDS = " \t\"'`.,;:!?[]{}<>|/\\*=~-–—“”‘’«»"
_PAIRED = "()"
_METHODS = {
    "balance": "their account balance",
    "wallet": "their wallet",
    "instalment": "instalments",
    "installment": "instalments",
    "instalments": "instalments",
    "cash": "cash",
    "paypal": "PayPal",
    "alipay": "Alipay",
    "direct debit": "direct debit",
}
_COUNTED = ("card", "transfer", "voucher", "check", "cheque", "wallet", "account", "coupon", "loan")


def clean(value: str) -> str | None:
    """Return a value without addresses, long numbers, control characters and outer punctuation.

    None where no word is left: one with a letter and without a digit, so no number of an article. At most 8 words are
    kept. WORDS IN CAPITALS of more than four letters become small: they are how systems write, not people. Underscores
    are spaces.
    """
    text = _SPACE.sub(" ", _NUMBER.sub(" ", _ADDRESS.sub(" ", value)))
    text = _trimmed(_SPACE.sub(" ", text))
    if not any(_is_word(word) for word in text.split(" ")):
        return None
    if len(text) > 4 and text.isupper():
        text = text.lower()
    return _trimmed(" ".join(text.split(" ")[:MOST_WORDS])[:80])


def _trimmed(text: str) -> str:
    """Strip outer punctuation, but a bracket that closes one within: `Amadeus (1984)`."""
    text = text.strip(_ENDS + _PAIRED)
    return f"{text})" if text.rpartition("(")[1] and ")" not in text.rpartition("(")[2] else text


def _is_word(word: str) -> bool:
    return any(letter.isalpha() for letter in word) and not any(letter.isdigit() for letter in word)


def method_words(channel: str) -> str:
    """Return a payment channel as what one pays with: `credit_card` -> `a credit card`."""
    text = clean(channel) or channel
    text = text if text.isupper() else text.lower()
    if text in _METHODS:
        return _METHODS[text]
    if text.rpartition(" ")[2] in _COUNTED:
        return f"{'an' if text[0].lower() in 'aeiou' else 'a'} {text}"
    return text


def round_amount(cents: int) -> int | None:
    """Return the round amount of money that a sum lies over: 1, 2, 3 or 5 times a power of ten, None below 11."""
    if cents < LEAST_CENTS:
        return None
    units = cents // 100
    power: int = 10 ** (len(str(units - 1)) - 1)
    return max(step * power for step in (1, 2, 3, 5) if step * power < units)


def horizon_words(days: int) -> tuple[str, ...]:
    """Return the ways to say that something happens within so many days."""
    ways = [f"in the next {days} days", f"within {days} days"]
    if days == 1:
        return ("tomorrow", "within a day", "in the next 24 hours")
    if days % 7 == 0 and days <= 56:
        weeks = days // 7
        count = ("", "", "two", "three", "four", "five", "six", "seven", "eight")[weeks]
        if weeks == 1:
            return ("in the next week", "within a week", "over the next seven days", *ways)
        return (f"in the next {count} weeks", f"within {count} weeks", f"over the next {count} weeks", *ways)
    months = round(days / 30.4)
    if months >= 1 and abs(days - 30.4 * months) <= 2.5:
        if months == 1:
            return ("in the next month", "within a month", "over the next month", *ways)
        return (f"in the next {months} months", f"within {months} months", *ways)
    return (f"over the next {days} days", *ways)


def join_words(words: Sequence[str], last: str) -> str:
    """Return `a`, `a and b`, `a, b and c`; `last` is `and` or `or`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
