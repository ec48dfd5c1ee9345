"""The servers of a model that asks them: started when the first such model is fitted, stopped again at the end."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from audience_graph import local
from audience_graph.config import find_home


class ServersOnDemand:
    """Starts the embedded stack of a data folder at `need`, unless it runs or the environment names servers."""

    def __init__(self, data_dir: str | None) -> None:
        self._home = find_home(data_dir)
        self._asked = False
        self._started = False

    def need(self) -> None:
        """Have the servers answer. Raises StackError when they cannot be started; tried once."""
        if not self._asked:
            self._asked = True
            self._started = bool(local.up(self._home).started)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            local.down(self._home)
