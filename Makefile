# The two commands of README: `make bench` and `make test`. `make check` is format, lint and types; `make reference`
# measures anew what CI compares with (after a change that is meant to change results).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
BASELINES := implicit irspack lightfm surprise

.PHONY: bench test check format reference clean

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

reference: $(VENV)/.package
	rm -rf build/reference
	for data in ml-100k synthetic; do \
		$(BIN)/python -m bench run --config tests/references/experiment.toml --dataset $$data \
			--out build/reference/$$data || exit 1; \
		for metric in ndcg@10 rmse; do \
			$(BIN)/python -m bench reference save build/reference/$$data --metric $$metric \
				-o tests/references/$$data-$$metric.json || exit 1; \
		done; \
	done

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
	$(PIP) install --quiet --constraint constraints.txt --editable ".[cluster,test]"
	@touch $@

$(VENV)/.dev: $(VENV)/.package
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev]"
	@touch $@
