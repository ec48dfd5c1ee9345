"""Every model of `audience-graph evaluate users`, by name, and the protocol that all of them follow.

A model is prepared once per cut from the history alone, then asked task by task: `prepare(history, options)` returns a
scorer, `scorer(asked)` one number per user of the history, more = more likely. A model without labels sees a task's
sentence (and may see which past events its query counts), one with labels also users of the fitting part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from audience_graph.errors import ConfigError, InputError
from audience_trainers.run import Progress, silent
from audience_trainers.users.measures import Labels, Values
from audience_trainers.users.tasks.history import History

Encode = Callable[[Sequence[str]], npt.NDArray[np.float32]]
T = TypeVar("T")
Budget = Literal["none", "few", "fitting"]
Needs = Literal["", "events", "matching", "profile", "language model"]


class Shared:
    """What several models of one cut are made of, such as the trained user model: made by the first, then given out."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what `make` gave the first time that this name was asked for, or raise what it raised then.

        Only an InputError is kept: data that a model cannot learn from stay so.
        """
        if name not in self._made:
            try:
                self._made[name] = make()
            except InputError as exc:
                self._made[name] = exc
        found: T = self._made[name]
        if isinstance(found, InputError):
            raise found
        return found


@dataclass(frozen=True, slots=True)
class Options:
    """Where the folder of tasks is, where text vectors may be kept (None = nowhere), and who encodes text.

    `settings` are `key=value` of the user model, `training` is its seed, `progress` is told of long trainings. `shared`
    is of one cut: all models of that cut get the same options.
    """

    folder: Path
    cache: Path | None = None
    encode: Encode | None = None
    settings: tuple[str, ...] = ()
    progress: Progress = silent
    training: int = 7
    shared: Shared = field(default_factory=Shared)

    def own(self, row: str) -> tuple[str, ...]:
        """Return the settings `row.key=value` of one row of the evaluation, as `key=value`."""
        return tuple(text.removeprefix(f"{row}.") for text in self.settings if text.startswith(f"{row}."))


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One question. `matching` (m,) marks past events that the task's query counts; none for a query of a column.

    `seeds` (s,) are rows of the history's users and `y` (s,) their labels: of the fitting part, empty without a budget.
    """

    name: str
    sentence: str
    matching: npt.NDArray[np.bool_]
    seeds: npt.NDArray[np.int64]
    y: Labels
    seed: int


Scorer = Callable[[Asked], Values]
Prepare = Callable[[History, Options], Scorer]


@dataclass(frozen=True, slots=True)
class Model:
    """Where `prepare(history, options)` lives, what it needs, and its label budget.

    `few` is 5 positive and 5 negative users, `fitting` the whole fitting part (1/5 of the task). `drawn`: chance plays
    a part, so every seed is scored again; a model with labels always is, because its labels change.
    """

    prepare: str  # "module:function", imported when it runs
    labels: Budget = "none"
    needs: Needs = "events"
    drawn: bool = False

    def load(self) -> Prepare:
        """Import and return the function."""
        module, _, name = self.prepare.partition(":")
        found: Prepare = getattr(import_module(module), name)
        return found


_OURS = "audience_trainers.users"
_HERE = "audience_trainers.users.baselines"

MODELS: dict[str, Model] = {
    "zero_shot": Model(f"{_OURS}.zero_shot:prepare_zero_shot"),
    "zero_shot_rewritten": Model(f"{_OURS}.zero_shot:prepare_rewritten"),
    "few_shot": Model(f"{_OURS}.few_shot:prepare_few_shot", "few"),
    "probe_few": Model(f"{_OURS}.few_shot:prepare_probe_few", "few"),
    "probe": Model(f"{_OURS}.probe:prepare_probe", "fitting"),
    "probe_behaviour": Model(f"{_OURS}.probe:prepare_probe_behaviour", "fitting"),
    "probe_tabular": Model(f"{_OURS}.probe:prepare_probe_tabular", "fitting", needs="profile"),
    "probe_search": Model(f"{_OURS}.probe:prepare_probe_search", "fitting"),
    "probe_concatenation": Model(f"{_OURS}.probe:prepare_probe_concatenation", "fitting"),
    "bm25": Model(f"{_HERE}.bm25:prepare_bm25", needs=""),
    "text_mean": Model(f"{_HERE}.text_mean:prepare_text_mean", needs=""),
    "popularity": Model(f"{_HERE}.popularity:prepare_popularity"),
    "popularity_matching": Model(f"{_HERE}.popularity:prepare_popularity_matching", needs="matching"),
    "item_knn": Model(f"{_HERE}.item_knn:prepare_item_knn", needs="matching"),
    "item_knn_few": Model(f"{_HERE}.item_knn:prepare_item_knn_few", "few"),
    "boosting": Model(f"{_HERE}.boosting:prepare_boosting", "fitting", needs=""),
    "logistic": Model(f"{_HERE}.logistic:prepare_logistic", "fitting", needs="profile"),
    "tabular_alone": Model(f"{_HERE}.tabular_alone:prepare_tabular_alone", "fitting", needs="profile"),
    "text_alone": Model(f"{_HERE}.text_alone:prepare_text_alone", "fitting", needs=""),
    "arallm": Model(f"{_HERE}.arallm.language_model:prepare_arallm", needs="language model"),
    "arallm_tuned": Model(f"{_HERE}.arallm.language_model:prepare_arallm_tuned", needs="language model"),
    "arallm_grammar": Model(f"{_HERE}.arallm.grammar:prepare_arallm_grammar", needs=""),
    "msdp": Model(f"{_HERE}.msdp:prepare_msdp", "fitting"),
    "msdp_few": Model(f"{_HERE}.msdp:prepare_msdp_few", "few"),
    "one4all": Model(f"{_HERE}.one4all:prepare_one4all", "fitting"),
    "one4all_few": Model(f"{_HERE}.one4all:prepare_one4all_few", "few"),
    "random": Model(f"{_HERE}.chance:prepare_random", needs="", drawn=True),
}


# Rows with settings of their own, `--set msdp.epochs=5`; all other settings are the user model's.
SETTINGS_OF_ROWS = ("arallm", "msdp", "one4all", "zero_shot_rewritten")


def model_settings(options: Options) -> tuple[str, ...]:
    """Return the settings of the user model."""
    return tuple(text for text in options.settings if text.partition(".")[0] not in SETTINGS_OF_ROWS)


def choose_models(names: str) -> dict[str, Model]:
    """Return the models of a comma-separated list, or every one for `all`. Raises ConfigError for an unknown name."""
    if names == "all":
        return dict(MODELS)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in MODELS]
    if unknown or not wanted:
        raise ConfigError(
            f"unknown model {', '.join(map(repr, unknown)) or repr(names)}", hint=f"models: all, {', '.join(MODELS)}"
        )
    return {name: MODELS[name] for name in wanted}
