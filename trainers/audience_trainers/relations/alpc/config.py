"""Settings of ALPC."""

from __future__ import annotations

from dataclasses import dataclass

from audience_graph.errors import ConfigError

SCORINGS = ("inner", "bilinear", "mlp")
PRECISIONS = ("float32", "bf16")
COMPILERS = ("", "inductor", "eager")


@dataclass(frozen=True, slots=True)
class AlpcConfig:
    """Resolved settings, saved in run.json. `alpha = beta = 1` as in the paper.

    Raises ConfigError, naming the setting and what was expected, for a value out of range.
    """

    # encoder (eq. 1)
    dims: int = 128
    layers: int = 2
    attention_dims: int = 32
    lazy: bool = True
    normalise: bool = False
    residual: bool = True
    dropout: float = 0.0
    text_dims: int = 128
    walk_dims: int = 256  # E^Co from the visible edges: random vectors after 1 .. walk_hops steps; 0 = none
    walk_hops: int = 3
    # scoring (eq. 2)
    scoring: str = "mlp"
    hidden: int = 128
    structure: bool = False  # features of the pair itself join g: `alpc+structure`
    bins: int = 32  # per feature of the pair, cut at quantiles; 0 = standardised numbers only
    use_z: bool = True  # False: g sees the structure alone
    # losses (eq. 3-5)
    alpha: float = 1.0
    beta: float = 1.0
    temperature: float = 0.2  # of dot products of unit vectors
    anchor_share: float = 0.5  # of the correlated pairs, those of the highest semantic similarity are anchors
    anchors: int = 512
    source_ridge: float = 0.0  # mining: holds a source's own offset to eps_u near 0 (see offsets.py); 0 = no offset
    # negatives: `negatives` per positive, `hard_share` of them from the candidates
    negatives: int = 3
    hard_share: float = 0.0
    confirmed_weight: float = 5.0
    explore: int = 10  # unknown pairs per entity that are retrieved in the space of z and scored
    # training
    folds: int = 10  # message passing never sees the fold whose edges are predicted
    fanout: int = 0  # neighbours drawn per node and hop; 0 = all of them
    batch: int = 8_192
    epochs: int = 15
    patience: int = 6
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    precision: str = "float32"
    compile: str = ""  # torch.compile's backend for g: `inductor` pays off in long runs on a GPU; "" = as it is

    def __post_init__(self) -> None:
        self._choice("scoring", SCORINGS)
        self._choice("precision", PRECISIONS)
        self._choice("compile", COMPILERS)
        for name in ("dims", "layers", "attention_dims", "hidden", "batch", "epochs", "patience"):
            self._range(name, 1, 1_000_000)
        for name in ("text_dims", "walk_dims", "fanout", "negatives", "anchors", "explore", "bins"):
            self._range(name, 0, 1_000_000)
        self._range("walk_hops", 1, 10)
        self._range("folds", 2, 1_000)
        for name in ("alpha", "beta", "source_ridge", "weight_decay"):
            self._range(name, 0, 1_000)
        for name in ("hard_share", "dropout", "anchor_share"):
            self._range(name, 0, 1)
        for name in ("temperature", "learning_rate", "confirmed_weight"):
            self._range(name, 1e-9, 1_000)
        if not self.use_z and not self.structure:
            raise ConfigError("setting use_z: without z, structure must be true: g would see nothing")
        if self.structure and self.scoring == "bilinear":
            raise ConfigError("setting scoring: structure joins mlp or inner, found 'bilinear'")

    def _choice(self, name: str, allowed: tuple[str, ...]) -> None:
        if getattr(self, name) not in allowed:
            raise ConfigError(f"setting {name}: expected {' or '.join(allowed)}, found {getattr(self, name)!r}")

    def _range(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise ConfigError(f"setting {name}: expected a number from {low:g} to {high:,g}, found {value!r}")
