"""Settings of the whole user model, and those of a small one."""

from __future__ import annotations

from dataclasses import dataclass, field

from audience_graph.errors import ConfigError
from audience_trainers.users.alignment.config import AlignConfig
from audience_trainers.users.behaviour.config import BehaviourConfig
from audience_trainers.users.entity_text import EntityTextConfig
from audience_trainers.users.pairs.build import PairsConfig
from audience_trainers.users.pairs.windows import WindowConfig
from audience_trainers.users.tabular.config import TabularConfig
from audience_trainers.users.text_tower.config import TowerConfig

# A model that learns in minutes on a CPU; the defaults are the paper's.
SMALL = (
    *("behaviour.dims=64", "behaviour.layers=1", "behaviour.epochs=1", "behaviour.width=64"),
    *("tabular.layers=2", "tabular.epochs=1"),
    *("align.dims=384", "align.layers=1", "align.views=2", "align.pairs=6144"),
    *("align.epochs=8", "align.patience=8", "align.learning_rate=2e-3"),
)


@dataclass(frozen=True, slots=True)
class UsersConfig:
    """Resolved settings of the whole model.

    `tower` reads sentences, `search_text` a user's last searches. With tune=head and no folder, the default of both,
    nothing is read again: sentences go through a head over their kept vectors, of searches the mean vector is taken.
    With lora, full, or a folder, they are read by a model that is trained along within alignment. `behaviour.text`
    reads the texts of events, and may be trained in pre-training and alignment. Raises ConfigError for a tower of other
    dims than the space.
    """

    pairs: PairsConfig = field(default_factory=lambda: PairsConfig(windows=WindowConfig(test_cuts=0)))
    entities: EntityTextConfig = field(default_factory=EntityTextConfig)
    behaviour: BehaviourConfig = field(default_factory=BehaviourConfig)
    tabular: TabularConfig = field(default_factory=TabularConfig)
    align: AlignConfig = field(default_factory=AlignConfig)
    tower: TowerConfig = field(default_factory=TowerConfig)
    search_text: TowerConfig = field(default_factory=TowerConfig)

    def __post_init__(self) -> None:
        for name, wanted, space in (
            ("tower", self.align.dims, "align"),
            ("search_text", self.behaviour.dims, "behaviour"),
        ):
            if getattr(self, name).dims not in (0, wanted):
                raise ConfigError(
                    f"setting {name}.dims: expected {wanted:,}, as {space}.dims, found {getattr(self, name).dims:,}",
                    hint=f"leave it out, and set {space}.dims",
                )
