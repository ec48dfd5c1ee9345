"""What is known of events, before and after their reader is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from audience_trainers.users.event_text.config import EventTextConfig
from audience_trainers.users.event_text.encoder import EventText
from audience_trainers.users.inputs import Known


def new_events(known: Known, config: EventTextConfig, beside: int) -> EventText | None:
    """Return what reads the events; None where they have the vectors that are there anyway.

    The last `beside` columns of the known vectors are no words. Raises ConfigError when a folder holds no model.
    """
    if not config.reads and not config.trained:
        return None
    return EventText(config, words=known.vectors.shape[1] - beside, beside=beside)


def open_events(folder: Path, config: EventTextConfig, *, words: int, beside: int) -> EventText:
    """Return what read events in a training with these settings, from the folder where its reader was kept.

    The map of tune=head is still to be filled. Raises ConfigError when the folder holds no model.
    """
    kept = replace(
        config, folder=str(folder) if config.reads else "", tune="frozen" if config.trains_reader else config.tune
    )
    return EventText(kept, words=words, beside=beside)


def start_events(known: Known, events: EventText | None, cache: Path | None) -> Known:
    """Return what training starts from: vectors that stay as they are, or the words, for a reader that is trained."""
    if events is None:
        return known
    if not events.config.trains_reader:
        known = replace(known, events=events.start(known.histories.texts, known.vectors, cache))
    return replace(known, tuned=events.config.trained)


def settle_events(known: Known, events: EventText | None, cache: Path | None) -> Known:
    """Return what is known for use: every distinct text as it is read now, for good."""
    if events is None:
        return known
    events.settle()
    return replace(known, events=events.table(known.histories.texts, known.vectors, cache), tuned=False)
