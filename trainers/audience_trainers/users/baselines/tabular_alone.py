"""The TabTransformer alone: columns at the cut through the tabular encoder (MLM and RTD), with a linear probe.

The row `TabTransformer-MLM&RTD` of FIND Table 4. The probe reads the contextual columns side by side, as the classifier
of TabTransformer does; their mean (FIND eq. 9) keeps less apart. It is trained on the rows in force at the cut, without
labels; settings are those of the user model's tabular encoder (`--set tabular.dims=64`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from audience_graph.errors import ConfigError
from audience_trainers.run import resolve_config
from audience_trainers.users.baselines.linear_probe import Floats, probe
from audience_trainers.users.config import UsersConfig
from audience_trainers.users.scoring import Options, Scorer, model_settings
from audience_trainers.users.tabular.encoder import TabularEncoder
from audience_trainers.users.tabular.pretrain import pretrain_tabular
from audience_trainers.users.tabular.schema import Cells, Rows, TabularSchema
from audience_trainers.users.tasks.history import History
from audience_trainers.users.training import TrainOptions


def prepare_tabular_alone(history: History, options: Options) -> Scorer:
    """Return a linear probe of the columns; a user of whom no column is known has zeros."""
    return probe(tabular_vectors(history, options))


def tabular_vectors(history: History, options: Options) -> Floats:
    """Return the F contextual columns (n, F d) of everybody; columns that tell nobody apart give (n, 0)."""
    n = len(history.users)
    columns = {name: _cells(cells) for name, cells in history.profile.items()}
    known = np.zeros(n, np.bool_)
    for cells in history.profile.values():
        known |= np.fromiter((cell is not None and cell == cell for cell in cells), np.bool_, n)
    rows = np.flatnonzero(known)
    try:
        schema = TabularSchema.fit({name: cells[rows] for name, cells in columns.items()})
    except ConfigError:  # columns that tell nothing are no reason to stop
        return np.zeros((n, 0), np.float32)
    table = schema.encode({name: cells[rows] for name, cells in columns.items()})
    config = resolve_config(UsersConfig, model_settings(options)).tabular
    trained = pretrain_tabular(schema, table, rows, config, TrainOptions(progress=options.progress))
    found = np.zeros((n, len(schema.columns) * config.dims), np.float32)
    found[rows] = _side_by_side(trained.model, table)
    return found


@torch.no_grad()
def _side_by_side(encoder: TabularEncoder, table: Rows, *, batch: int = 1_024) -> Floats:
    """Return h (p, F d) of rows, batch by batch."""
    encoder.eval()
    codes, values = torch.from_numpy(table.codes), torch.from_numpy(table.values)
    parts = [encoder(codes[i : i + batch], values[i : i + batch]).flatten(1) for i in range(0, len(table), batch)]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def _cells(cells: npt.NDArray[np.object_]) -> Cells:
    """Return a column as numbers with NaN where all that is given are numbers, else as it is."""
    given = [cell for cell in cells if cell is not None and cell == cell]
    if all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in given):
        return np.array([np.nan if cell is None else cell for cell in cells], np.float64)
    return cells
