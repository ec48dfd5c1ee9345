"""Put behaviour into words: searches, page titles, receipts and payment notes, in English and Chinese."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audience_graph.demo.behaviour import Behaviour
from audience_graph.demo.entities import Entities
from audience_graph.demo.services import Services
from audience_graph.demo.users import Users

# One list per channel of CHANNELS: {e} the entity, {w} a word of its service.
ENGLISH: tuple[tuple[str, ...], ...] = (
    ("{e}", "{e} near me", "best {e} price", "{e} review", "how good is {e} for {w}", "cheap {e} 2025", "{e} or not"),
    ("viewed page: {e}", "{e} - details and photos", "browsing {e}, {w}", "opened the {e} page", "read about {e}"),
    ("bought {e} x1", "order of {e}, {w}", "receipt: {e}", "{e} delivered to my door", "paid order - {e}"),
    ("clicked banner: {e}", "tapped {e} in the feed", "ad about {e} and {w}", "opened push message on {e}"),
    ("payment to {e}", "bill: {e}", "transfer for {e} {w}", "monthly fee {e}"),
)
CHINESE: tuple[tuple[str, ...], ...] = (
    ("{e}", "{e}怎么样", "附近的{e}", "{e} 价格", "{e}推荐"),
    ("浏览 {e} 页面", "{e} 详情", "查看{e}"),
    ("购买 {e} 一件", "订单：{e}", "{e} 已签收"),
    ("点击广告 {e}", "在首页点开{e}", "打开推送：{e}"),
    ("付款给 {e}", "账单 {e}", "{e} 月费"),
)
NOTHING: tuple[tuple[str, ...], ...] = (
    ("weather tomorrow", "exchange rate today", "nearest parking", "how to delete photos", "news", "天气"),
    ("home screen", "message centre", "settings", "order history", "首页"),
    ("top up phone credit", "convenience purchase", "parcel fee", "话费充值"),
    ("closed a popup", "opened the scan tool", "switched tab", "扫一扫"),
    ("water bill", "electricity bill", "bus fare", "parking fee", "split bill with a friend", "电费"),
)
JOIN = (" and ", " with ", " vs ", ", ")


@dataclass(frozen=True, slots=True)
class Surfaces:
    """How an entity may be written: the first is its name."""

    english: tuple[tuple[str, ...], ...]
    chinese: tuple[tuple[str, ...], ...]


def surfaces_of(entities: Entities) -> Surfaces:
    """Return the writings of every entity, those with Chinese characters apart."""
    english, chinese = [], []
    for name, aliases in zip(entities.names, entities.aliases, strict=True):
        every = (name, *aliases)
        zh = tuple(text for text in every if any("一" <= c <= "鿿" for c in text))
        english.append(tuple(text for text in every if text not in zh) or zh)
        chinese.append(zh)
    return Surfaces(tuple(english), tuple(chinese))


def write_texts(
    rng: np.random.Generator,
    behaviour: Behaviour,
    users: Users,
    entities: Entities,
    services: Services,
    surfaces: Surfaces,
) -> list[str]:
    """Return one text per event. One mention in 33 is misspelt: no dictionary finds it."""
    draws = rng.random((len(behaviour), 6))
    channel = behaviour.channel.tolist()
    entity, second = behaviour.entity.tolist(), behaviour.second.tolist()
    chinese = (users.chinese[behaviour.user] * (draws[:, 5] < 0.8)).tolist()
    texts = []
    for e, other, c, zh, d in zip(entity, second, channel, chinese, draws.tolist(), strict=True):
        if e < 0:
            texts.append(_one(NOTHING[c], d[0]))
            continue
        in_chinese = bool(zh) and len(surfaces.chinese[e]) > 0
        mention = _mention((surfaces.chinese if in_chinese else surfaces.english)[e], d[1], d[2])
        if other >= 0:
            mention = (
                f"{mention}{'和' if in_chinese else _one(JOIN, d[3])}{_mention(surfaces.english[other], d[4], 1.0)}"
            )
        template = _one((CHINESE if in_chinese else ENGLISH)[c], d[0])
        word = "daily" if entities.main[e] < 0 else _one(services.nouns[entities.main[e]], d[3])
        texts.append(template.replace("{e}", mention).replace("{w}", word))
    return texts


def _one(options: Sequence[str], draw: float) -> str:
    return options[int(draw * len(options))]


def _mention(writings: Sequence[str], draw: float, typo: float) -> str:
    """Return the name (6 in 10) or an alias; below .03 `typo` drops a letter, below .3 letter case is lost."""
    text = writings[0] if draw < 0.6 or len(writings) == 1 else _one(writings[1:], (draw - 0.6) / 0.4)
    if typo < 0.03 and len(text) > 4:
        at = 1 + int(typo / 0.03 * (len(text) - 2))
        return text[:at] + text[at + 1 :]
    return text.lower() if typo < 0.3 else text
