"""Embed the histories of many moments in bounded memory: read some thousand, then batches of like length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from audience_trainers.run import Progress, silent
from audience_trainers.users.behaviour.batches import Floats, Indices, Reading
from audience_trainers.users.behaviour.encoder import BehaviourEncoder, Events
from audience_trainers.users.histories import Histories, Moments, last_events

READ_ROWS = 8_192  # moments whose events are in memory at once
PROJECTED_BYTES = 1 << 30  # a projected table of distinct texts is kept when it is not larger


@dataclass(frozen=True, slots=True)
class EmbedOptions:
    """Events of a batch (padding counted; 2,048 stay in a core's cache), device, precision, and whom to tell.

    `bf16`: products of 16 bits; twice to three times as fast on processors that have them, about .9999 as a cosine.
    """

    tokens: int = 2_048
    device: str = "cpu"
    bf16: bool = False
    progress: Progress = silent


def encode_moments(
    encoder: BehaviourEncoder,
    histories: Histories,
    moments: Moments,
    vectors: Floats,
    *,
    width: int,
    options: EmbedOptions | None = None,
    out: Floats | None = None,
) -> Floats:
    """Return the pooled vectors (p, d) of users at moments, from their last `width` events; 0 for those without any.

    `vectors` (texts, t) are those of `histories.texts`, in memory or mapped. In memory besides: the answer (or `out`,
    which may be mapped), the events of READ_ROWS moments, the projected texts, one batch.
    """
    chosen = EmbedOptions() if options is None else options
    found = np.zeros((len(moments), encoder.config.dims), np.float32) if out is None else out
    encoder.to(chosen.device).eval()
    with torch.inference_mode(), torch.autocast(chosen.device, torch.bfloat16, enabled=chosen.bf16):
        table = _projected(encoder, vectors, chosen.device)
        for begin in range(0, len(moments), READ_ROWS):
            part = moments[begin : begin + READ_ROWS]
            reading = Reading(last_events(histories, part, width), part.time, vectors)
            _encode(encoder, reading, table, found[begin : begin + READ_ROWS], chosen)
            chosen.progress("embed users", min(begin + READ_ROWS, len(moments)), len(moments))
    return found


def encode_histories(encoder: BehaviourEncoder, reading: Reading, options: EmbedOptions | None = None) -> Floats:
    """Return the pooled vectors (p, d) of histories in memory; those without events are 0."""
    chosen = EmbedOptions() if options is None else options
    found = np.zeros((len(reading.block.length), encoder.config.dims), np.float32)
    encoder.to(chosen.device).eval()
    with torch.inference_mode(), torch.autocast(chosen.device, torch.bfloat16, enabled=chosen.bf16):
        _encode(encoder, reading, _projected(encoder, reading.vectors, chosen.device), found, chosen)
    return found


def _encode(
    encoder: BehaviourEncoder, reading: Reading, table: Tensor | None, out: Floats, options: EmbedOptions
) -> None:
    """Put the pooled vectors of a reading into `out` (p, d), from a projected table or from its own vectors."""
    for rows in _alike(reading.block.length, options.tokens):
        if table is None:
            events, moment = reading.events(rows, options.device)
            states = encoder(events)
        else:
            text, events, moment = _columns(reading, rows, options.device)
            states = encoder.encode(torch.nn.functional.embedding(text, table), events)
        out[rows] = encoder.pooled(states, events.time, moment).float().cpu().numpy()


def _columns(reading: Reading, rows: Indices, device: str) -> tuple[Tensor, Events, Tensor]:
    """Return the texts (b, w) of rows by number, their events without vectors, and their moments (b,)."""
    block, most = reading.block, int(reading.block.length[rows].max())
    text, source, time = (
        torch.from_numpy(np.ascontiguousarray(part[rows, :most], np.int64)).to(device)
        for part in (block.text, block.source, block.time)
    )
    length, moment = (torch.from_numpy(part[rows]).to(device) for part in (block.length, reading.moment))
    return text, Events(torch.empty(0, device=device), source, time, length), moment


def _alike(length: Indices, tokens: int) -> Iterator[Indices]:
    """Yield the rows with events, longest first, in batches of at most `tokens` events with their padding."""
    order = np.argsort(-length, kind="stable")
    order = order[length[order] > 0]
    begin = 0
    while begin < len(order):
        size = max(1, tokens // int(length[order[begin]]))
        yield order[begin : begin + size]
        begin += size


def _projected(encoder: BehaviourEncoder, vectors: Floats, device: str) -> Tensor | None:
    """Return the projections (texts, d) of all texts; None when they are too many to keep."""
    if not 0 < len(vectors) * encoder.config.dims * 4 <= PROJECTED_BYTES:
        return None
    parts = [
        encoder.text(torch.from_numpy(np.array(vectors[begin : begin + READ_ROWS], np.float32)).to(device)).float()
        for begin in range(0, len(vectors), READ_ROWS)
    ]
    return torch.cat(parts)
