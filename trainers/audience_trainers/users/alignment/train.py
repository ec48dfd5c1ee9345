"""Train users and sentences into one space: InfoNCE over pairs of a past and a description of its future."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audience_graph.errors import ConfigError
from audience_trainers.checkpoint import State, load_checkpoint, save_checkpoint
from audience_trainers.run import Progress, silent
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.alignment.info_nce import Temperature, info_nce
from audience_trainers.users.behaviour.pretrain import CLIP, warm_cosine
from audience_trainers.users.user_model import Floats, Indices, UserInputs, UserModel


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Descriptions of p pairs: `text` (p, views) points into `vectors` (texts, t), one row per distinct sentence."""

    text: npt.NDArray[np.int64]
    vectors: Floats

    @classmethod
    def of(cls, sentences: Sequence[Sequence[str]], encode: Callable[[Sequence[str]], Floats]) -> Described:
        """Encode each distinct sentence of `sentences` (p, views) once, with `encode(texts) -> (n, t)`."""
        distinct: dict[str, int] = {}
        text = np.array([[distinct.setdefault(s, len(distinct)) for s in row] for row in sentences], np.int64)
        return cls(text, np.asarray(encode(list(distinct)), np.float32))


class Aligned(nn.Module):
    """Both sides and the temperature. `head` carries text vectors into the users' space: unit vectors (n, out)."""

    def __init__(self, users: UserModel, text_dims: int, config: AlignConfig) -> None:
        super().__init__()
        self.users = users
        self.head = nn.Linear(text_dims, config.dims)
        self.temperature = Temperature(config.temperature)

    def texts(self, vectors: Tensor) -> Tensor:
        """Return the unit vectors (n, out) of text vectors (n, t)."""
        return F.normalize(self.head(vectors), dim=1)

    @torch.no_grad()
    def embed_texts(self, vectors: Floats) -> Floats:
        """Return the unit vectors (n, out) of text vectors (n, t) as an array."""
        self.eval()
        found: Floats = self.texts(torch.from_numpy(vectors).to(self.head.weight.device)).float().cpu().numpy()
        return found


@dataclass(frozen=True, slots=True)
class AlignOptions:
    """Seed, device, and the folder that keeps checkpoints (None: none are kept); `key` names data and settings."""

    seed: int = 7
    device: str = "cpu"
    folder: Path | None = None
    key: str = ""
    bf16: bool = False
    progress: Progress = silent


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """The model at its best epoch, its validation loss, and the curves (epoch, name, value)."""

    model: Aligned
    valid_loss: float
    curves: list[tuple[int, str, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """Pairs: inputs and descriptions of the same p moments; `training` and `validation` rows of them."""

    inputs: UserInputs
    described: Described
    training: Indices
    validation: Indices

    def __post_init__(self) -> None:
        if len(self.training) < 2 or len(self.validation) < 2:
            raise ConfigError(
                f"{len(self.training)} pairs to train and {len(self.validation)} to validate; 2 of each are needed"
            )


def align(model: Aligned, material: Material, config: AlignConfig, options: AlignOptions) -> Trained:
    """Train both sides on L_CP (FIND eq. 13) and return the model of the best epoch by validation loss.

    Same data, settings and seed: same weights on one machine; with a folder a killed run goes on to the same end.
    Raises RunError for a damaged checkpoint or one of another training.
    """
    model = model.to(options.device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    steps = config.epochs * -(-len(material.training) // config.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: warm_cosine(step, steps, config.warm))
    parts = {"model": model, "optimizer": optimizer, "schedule": schedule}
    state = State() if options.folder is None else load_checkpoint(options.folder, parts, options.key, options.device)
    while state.epoch < config.epochs and state.since < config.patience:
        torch.manual_seed(hash((options.seed, state.epoch, 3)) & 0x7FFFFFFF)
        rng, losses = _rng(options.seed, state.epoch), []
        view = state.epoch % material.described.text.shape[1]
        for rows in _batches(material.training, config.batch, rng):
            model.train()
            loss = _loss(model, material, rows, view, config, options)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        _examine(model, material, state, float(np.mean(losses)), config, options)
        if options.folder is not None:
            save_checkpoint(options.folder, state, parts, options.key)
        options.progress("alignment", state.epoch, config.epochs)
    model.load_state_dict(state.best_weights)
    return Trained(model, -state.best, state.curves)


def _loss(
    model: Aligned, material: Material, rows: Indices, view: int, config: AlignConfig, options: AlignOptions
) -> Tensor:
    text = material.described.text[rows, view]
    distinct, place = np.unique(text, return_inverse=True)
    with torch.autocast(options.device, torch.bfloat16, enabled=options.bf16):
        users = model.users(material.inputs, rows)
        known = torch.from_numpy(material.described.vectors[distinct]).to(options.device)
        texts = model.texts(known).index_select(0, torch.from_numpy(place).to(options.device))
    same = torch.from_numpy(text).to(options.device)
    return info_nce(users, texts, model.temperature(), same=same, both=config.both, block=config.block)


@torch.no_grad()
def _examine(
    model: Aligned, material: Material, state: State, training_loss: float, config: AlignConfig, options: AlignOptions
) -> None:
    """Measure the loss on the validation pairs, keep the weights when it is the best, and add to the curves."""
    model.eval()
    total, seen = 0.0, 0
    for rows in _batches(material.validation, config.batch, _rng(options.seed, 0)):
        if len(rows) > 1:
            total += len(rows) * float(_loss(model, material, rows, 0, config, options))
            seen += len(rows)
    valid = total / seen
    state.epoch += 1
    state.curves += [(state.epoch, "loss", training_loss), (state.epoch, "valid_loss", valid)]
    state.since += 1
    if not state.best_weights or -valid > state.best:
        state.best, state.since = -valid, 0
        state.best_weights = {name: value.detach().clone() for name, value in model.state_dict().items()}


def _batches(rows: Indices, batch: int, rng: np.random.Generator) -> list[Indices]:
    """Return the rows in a new order, in equal parts of at most `batch`: negatives are of any length of history."""
    order = rng.permutation(rows)
    return [np.asarray(part, np.int64) for part in np.array_split(order, -(-len(order) // batch))]


def _rng(seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([seed, 3, epoch])
