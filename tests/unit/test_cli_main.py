"""What the command line says when it ends early."""

from __future__ import annotations

import pytest

from audience_graph import cli


def test_ctrl_c_promises_only_what_is_true(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def stopped(*, standalone_mode: bool) -> None:  # noqa: ARG001 - click's name
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "audience_graph", stopped)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    said = capsys.readouterr().err
    assert said == "stopped; what readers see is unchanged; run the same command again to go on\n"
