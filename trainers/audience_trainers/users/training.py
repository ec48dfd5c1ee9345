"""The loop that trains every part of the user model: AdamW, warm-up and cosine decay, the best epoch, safe to stop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from audience_graph.errors import ConfigError
from audience_trainers.checkpoint import State, load_checkpoint, save_checkpoint
from audience_trainers.processes import Processes, is_first
from audience_trainers.run import Progress, silent
from audience_trainers.settings import Range

Indices = npt.NDArray[np.int64]
M = TypeVar("M", bound=nn.Module)
CLIP = 1.0


# Of the settings that every training has, see Steps.
STEP_RANGES = {
    "epochs": Range(1, 10_000),
    "patience": Range(1, 10_000),
    "learning_rate": Range(0, 10, open_low=True),
    "warm": Range(0, 1),
    "weight_decay": Range(0, 10),
}


class Steps(Protocol):
    """The settings of training that every configuration has."""

    @property
    def epochs(self) -> int: ...
    @property
    def patience(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warm(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Seed, device, and the folder that keeps checkpoints (None: none are kept); `key` names data and settings.

    `cache` keeps the vectors of texts that a model of the training's own reads (None: they are not kept).
    """

    seed: int = 7
    device: str = "cpu"
    folder: Path | None = None
    key: str = ""
    bf16: bool = False
    progress: Progress = silent
    cache: Path | None = None

    def within(self, name: str) -> TrainOptions:
        """Return options for one of several trainings, whose checkpoints lie in a folder of their own; it is made."""
        if self.folder is None:
            return self
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        return replace(self, folder=self.folder / name)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """What is trained on: `batches(rng)` rows of an epoch, in a new order each time; `loss(rows, epoch)` of a batch.

    `held` are batches whose loss judges an epoch, or whose `judge(rows)` (less is better, a mean over rows) where there
    is one; `name` is what progress calls the training. `measure()` says more of the model after an epoch, for the
    curves. Among several `processes`, each loss is this process's share.
    """

    name: str
    batches: Callable[[np.random.Generator], Iterable[Indices]]
    loss: Callable[[Indices, int], Tensor]
    held: list[Indices]
    measure: Callable[[], dict[str, float]] = dict
    processes: Processes = field(default_factory=Processes)
    judge: Callable[[Indices], Tensor] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Trained(Generic[M]):
    """A model at its best epoch, its loss there on what was held out, and the curves (epoch, name, value)."""

    model: M
    valid_loss: float
    curves: list[tuple[int, str, float]]


def train(model: M, lessons: Lessons, config: Steps, options: TrainOptions) -> Trained[M]:
    """Train a model in place and return it at its best epoch by the held-out loss.

    Same data, settings and seed: same weights on one machine. With a folder the state is kept after every epoch, and a
    killed run goes on to the same end. Raises RunError for a damaged checkpoint or one of another training.
    """
    processes, learned = lessons.processes, Learned(model)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * len(list(lessons.batches(_rng(options.seed, 0))))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, steps, config.warm))
    parts = {"model": learned, "optimizer": optimizer, "schedule": schedule}
    state = State() if options.folder is None else load_checkpoint(options.folder, parts, options.key, options.device)
    while state.epoch < config.epochs and state.since < config.patience:
        torch.manual_seed(hash((options.seed, state.epoch)) & 0x7FFFFFFF)
        losses = []
        for rows in lessons.batches(_rng(options.seed, state.epoch)):
            model.train()
            with torch.autocast(options.device, torch.bfloat16, enabled=options.bf16):
                loss = lessons.loss(rows, state.epoch)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            processes.sum_gradients(model.parameters())
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            losses.append(float(processes.sum(loss.detach())))
        _examine(model, lessons, state, float(np.mean(losses)), options)
        if options.folder is not None and is_first():
            save_checkpoint(options.folder, state, parts, options.key)
        options.progress(lessons.name, state.epoch, config.epochs)
    learned.load_state_dict(state.best_weights)
    model.eval()
    return Trained(model, -state.best, state.curves)


class Learned:
    """What training changes of a model: all of its state but the parameters that are frozen."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self._frozen = {name for name, p in model.named_parameters() if not p.requires_grad}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state without frozen parameters."""
        return {name: value for name, value in self.model.state_dict().items() if name not in self._frozen}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Put a state back. Raises RuntimeError when it is not of this model."""
        kept = {name: value for name, value in self.model.state_dict().items() if name in self._frozen}
        self.model.load_state_dict(state | kept)


def warm_cosine(step: int, steps: int, warm: float) -> float:
    """Return the share of the full learning rate: a linear rise over the first `warm` of the steps, then a cosine."""
    rise = max(1, round(warm * steps))
    if step < rise:
        return (step + 1) / rise
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - rise) / max(1, steps - rise))))


def hold_out(user: Indices, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Return (p,) bool: the rows of users held out whole, at least one user and never all, drawn by the seed.

    Raises ConfigError for fewer than two users.
    """
    users = np.unique(user)
    if len(users) < 2:
        raise ConfigError(f"{len(users)} users to learn from; at least 2 are needed, to train and to hold out")
    count = min(len(users) - 1, max(1, round(share * len(users))))
    return np.isin(user, np.random.default_rng([seed, 1]).choice(users, count, replace=False))


def check_rows(training: Indices, validation: Indices) -> None:
    """Raise ConfigError when there are too few pairs to contrast one with another."""
    if len(training) < 2 or len(validation) < 2:
        raise ConfigError(f"{len(training)} pairs to train and {len(validation)} to validate; 2 of each are needed")


def equal_parts(rows: Indices, batch: int, rng: np.random.Generator) -> list[Indices]:
    """Return the rows in a new order, in equal parts of at most `batch`."""
    order = rng.permutation(rows)
    return [np.asarray(part, np.int64) for part in np.array_split(order, max(1, -(-len(order) // batch)))]


@torch.no_grad()
def _examine(model: nn.Module, lessons: Lessons, state: State, training_loss: float, options: TrainOptions) -> None:
    """Measure the held-out loss, keep the weights when it is the best, and add to the curves."""
    model.eval()
    torch.manual_seed(options.seed)  # what is drawn for the loss is the same every epoch
    total, seen = 0.0, 0
    for rows in lessons.held:
        with torch.autocast(options.device, torch.bfloat16, enabled=options.bf16):
            found = lessons.loss(rows, 0) if lessons.judge is None else lessons.judge(rows)
            total += len(rows) * float(lessons.processes.sum(found))
        seen += len(rows)
    valid = total / seen
    state.epoch += 1
    state.curves += [(state.epoch, "loss", training_loss), (state.epoch, "valid_loss", valid)]
    state.curves += [(state.epoch, name, value) for name, value in lessons.measure().items()]
    state.since += 1
    if not state.best_weights or -valid > state.best:
        state.best, state.since = -valid, 0
        state.best_weights = {name: value.detach().clone() for name, value in Learned(model).state_dict().items()}


def _rng(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, 2, epoch])
