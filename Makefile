# Two commands: `make demo` and `make test`. The README shows the plain commands behind each.
PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell $(p) -c \
  'import sys, ensurepip; (3,11) <= sys.version_info < (3,14) and print("$(p)")' 2>/dev/null)))
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --progress-bar off -q -c tests/requirements.lock

.PHONY: demo test bench real procs reference down clean

demo: .venv/.demo
	$(PY) -m audience_graph.cli demo

test: .venv/.test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m pytest

bench: .venv/.test
	for file in tests/bench/bench_*.py; do $(PY) "$$file" || exit 1; done

real: .venv/.test
	$(PY) -m pytest tests/real --real-size whole -m "" -s

procs:
	cd gds_procs && mvn -q -B test

reference: .venv/.demo
	$(PY) -m audience_graph.cli.reference > py_client/CLI.md

down: .venv/.demo
	$(PY) -m audience_graph.cli down

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache gds_procs/target

.venv/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "audience-graph needs Python 3.11, 3.12 or 3.13 with venv: none found on PATH." \
	  "Name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	"$$($(PYTHON) -c 'import os, sys; print(os.path.realpath(sys.executable))')" -m venv .venv

.venv/.demo: .venv/pyvenv.cfg pyproject.toml tests/requirements.lock
	@echo "installing audience-graph and what it needs into .venv (a few minutes the first time)"
	$(PIP) -e '.[demo]'
	@touch $@

.venv/.test: .venv/pyvenv.cfg pyproject.toml tests/requirements.lock
	@echo "installing audience-graph and what its tests need into .venv (a few minutes the first time)"
	$(PIP) -e '.[test]'
	@touch $@ .venv/.demo
