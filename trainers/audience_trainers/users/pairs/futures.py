"""What happened in windows, as facts: one ibis expression, equal on DuckDB and on Spark.

A fact says: in the window of a cut, a user did something of a family (purchase, browse ...) with a value, `count`
times, for `cents` in all. Values are what an event is about:

    item      each of its items                      category, merchant   of the event (merchant where money moves)
    group     words that names of items share, where no category and no entity says what kind of things they are
    entity    its entity ids; where it has none, the entities that a tagger found or that its text names (`phrases`)
    text      its text, where there is none of these, or only numbers of articles; what is searched for always
    any       '' - that it happened at all, where money moves

A purchase with a payment channel is a fact of the payment family too. `way` is that channel there, and the verb of
browsing channels that have one. Amounts are summed in whole cents, so that every engine gets the same sum; the amount
of an event with several items is split evenly among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from audience_trainers.users.pairs.families import FamilyMap
from audience_trainers.users.pairs.groups import bare_events
from audience_trainers.users.pairs.windows import Windows
from audience_trainers.users.source import seconds_of

KINDS = ("item", "category", "entity", "merchant", "text", "any", "group")
OUTCOMES = ("done", "failed", "refunded")
FAILED = ("failed", "declined", "blocked", "rejected", "error", "unpaid")
REFUNDED = ("refunded", "returned", "cancelled", "canceled", "reversed", "chargeback")
KEYS = ("user_id", "cut", "family", "way", "outcome", "kind", "value")
_MOST = 1e12  # an amount beyond this is no amount
# A list of items that says something: one of its words has no digit. Numbers of articles do not.
_WORDS = "(^| )[^0-9 ]{2,}( |$)"
_MENTION = ("user_id", "seconds", "family", "way", "outcome", "kind", "value", "cents")


def facts_of(
    events: Any, cuts: Any, channels: Any, *, phrases: Any = None, tagged: Any = None, groups: Any = None
) -> Any:
    """Return the facts as an ibis expression: KEYS, count, cents (int64), first (bool), in the order of KEYS.

    `cuts` (cut, begin, end; seconds): begin <= time < end is described. `channels` (channel, family, verb). `first`:
    the user did nothing of this family with this value before `begin`. `phrases` (phrase, entity_id) are texts with
    the entities that they name, `tagged` (event_id, entity_id) what a tagger found, `groups` (item, group).
    """
    import ibis

    told = mentions_of(events, channels, phrases=phrases, tagged=tagged, groups=groups)
    same = ["user_id", "family", "kind", "value"]
    begun = told.group_by(same).aggregate(begun=told.seconds.min())
    inside = told.inner_join(cuts, [told.seconds >= cuts.begin, told.seconds < cuts.end])
    facts = inside.group_by([*KEYS, "begin"]).aggregate(count=inside.count(), cents=inside.cents.sum())
    dated = facts.inner_join(begun, same)
    return dated.select(
        *KEYS, "count", cents=ibis.coalesce(dated.cents, 0).cast("int64"), first=dated.begun >= dated.begin
    ).order_by(list(KEYS))


def mentions_of(events: Any, channels: Any, *, phrases: Any = None, tagged: Any = None, groups: Any = None) -> Any:
    """Return one row for each thing that an event is about: see the module's table of kinds."""
    import ibis

    base = _base(events, channels)
    listed = base.filter(base["items"].length() > 0)
    named = base.filter(base.entity_ids.length() > 0)
    silent = base.filter(ibis.coalesce(base.entity_ids.length(), 0) == 0)
    money = base.filter(base.family.isin(["purchase", "payment"]))
    each = listed.mutate(cents=((listed.amount / listed["items"].length()) * 100 + 0.5).floor().cast("int64"))
    found = [
        _mention(each.mutate(value=each["items"].unnest()), "item"),
        _mention(base.mutate(value=base.category), "category"),
        _mention(named.mutate(value=named.entity_ids.unnest()), "entity"),
        _mention(money.mutate(value=money.merchant), "merchant"),
    ]
    if groups is not None:
        bare = bare_events(each)
        grouped = bare.mutate(item=bare["items"].unnest()).inner_join(groups, "item")
        found.append(_mention(grouped.mutate(value=grouped.group), "group"))
    plain = silent.filter(
        (silent.family == "search")
        | (
            ~ibis.coalesce(silent["items"].join(" "), "").re_search(_WORDS)
            & silent.category.nullif("").isnull()
            & (silent.merchant.nullif("").isnull() | ~silent.family.isin(["purchase", "payment"]))
        )
    )
    if phrases is not None:
        linked = silent.inner_join(phrases, silent.text == phrases.phrase)
        found.append(_mention(linked.mutate(value=linked.entity_id), "entity"))
        searched, other = plain.filter(plain.family == "search"), plain.filter(plain.family != "search")
        plain = searched.union(other.anti_join(phrases, other.text == phrases.phrase))
    if tagged is not None:
        marked = silent.inner_join(tagged, "event_id")
        found.append(_mention(marked.mutate(value=marked.entity_id), "entity"))
    found.append(_mention(plain.mutate(value=plain.text), "text"))
    told = ibis.union(*found)
    told = told.filter(told.value.nullif("").notnull())
    return _with_payments(told.union(_mention(money.mutate(value=ibis.literal("")), "any")))


def cut_table(windows: Windows) -> Any:
    """Return the windows as the table `cuts` of `facts_of`."""
    import ibis

    begin, end = windows.described
    return ibis.memtable(pa.table({"cut": windows.cut, "begin": begin, "end": end}))


def channel_table(channels: Sequence[str], families: FamilyMap) -> Any:
    """Return the table `channels` of `facts_of`."""
    import ibis

    rows = {
        "channel": list(channels),
        "family": [families.family(channel) for channel in channels],
        "verb": [families.verb(channel) for channel in channels],
    }
    return ibis.memtable(pa.table({name: pa.array(cells, pa.string()) for name, cells in rows.items()}))


def _base(events: Any, channels: Any) -> Any:
    import ibis

    joined = events.inner_join(channels, "channel")
    moves_money = joined.family.isin(["purchase", "payment"])
    status = ibis.coalesce(joined.status, "").lower()
    real = joined.amount.between(-_MOST, _MOST)
    return joined.select(
        "user_id",
        "event_id",
        "family",
        "text",
        "entity_ids",
        "category",
        "merchant",
        items=joined["items"],
        seconds=seconds_of(joined.time),
        method=ibis.coalesce(joined.payment_channel, ""),
        way=ibis.cases((joined.family == "payment", ibis.coalesce(joined.payment_channel, "")), else_=joined.verb),
        outcome=ibis.cases(
            (moves_money & status.isin(FAILED), "failed"),
            (moves_money & status.isin(REFUNDED), "refunded"),
            else_="done",
        ),
        amount=real.ifelse(joined.amount, ibis.null("float64")),
        cents=(real.ifelse(joined.amount, ibis.null("float64")) * 100 + 0.5).floor().cast("int64"),
    )


def _mention(events: Any, kind: str) -> Any:
    import ibis

    return events.mutate(kind=ibis.literal(kind)).select(*_MENTION, "method")


def _with_payments(told: Any) -> Any:
    """Add the payment side of purchases that tell how they were paid; drop the column `method`."""
    import ibis

    paid = told.filter((told.family == "purchase") & (told.method != ""))
    paid = paid.mutate(way=paid.method, family=ibis.literal("payment"))
    return told.select(*_MENTION).union(paid.select(*_MENTION))
