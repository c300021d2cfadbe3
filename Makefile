# The two commands of README: `make bench` and `make test`. `make check` is format, lint and types.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
BASELINES := implicit irspack lightfm surprise

.PHONY: bench test check format clean

bench: $(VENV)/.baselines
	$(BIN)/python -m bench run --all

test: $(VENV)/.test $(VENV)/.baselines
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist *.egg-info

$(VENV)/.package: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

# One command for each library: a source build that fails must not take the others along. Its models are then skipped rows.
$(VENV)/.baselines: $(VENV)/.package
	@for extra in $(BASELINES); do \
		$(PIP) install --quiet --constraint constraints.txt --editable ".[$$extra]" \
			|| echo "could not install $$extra: its models will be skipped rows" >&2; \
	done
	@touch $@

$(VENV)/.test: $(VENV)/.package
	$(PIP) install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@

$(VENV)/.dev: $(VENV)/.package
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@
