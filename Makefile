# The two commands that matter: `make demo` and `make test`. Both set up what they need first.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test slow lint bench docs ladder lock clean help

help:
	@echo "make demo   forecast a bundled real log, end to end"
	@echo "make test   the quick tests"
	@echo "make slow   the slow tests, heavy log writers among them"
	@echo "make lint   style, types and the direction of imports"
	@echo "make bench  speed and accuracy against peers"
	@echo "make docs   renew the output that the pages show"
	@echo "make ladder train a small member of the language model ladder again and compare it"
	@echo "make lock   renew requirements.lock"

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	@$(BIN)/predictor demo

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

slow: $(READY)
	$(BIN)/python -m pytest -m slow -n auto --dist loadfile --durations=12

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python benchmarks/fit_speed.py
	$(BIN)/python benchmarks/curve_forecasts.py
	$(BIN)/python benchmarks/information_capacity.py
	$(BIN)/python benchmarks/response_alignment.py
	$(BIN)/python benchmarks/gate_alarms.py
	$(BIN)/python benchmarks/downstream.py
	$(BIN)/python benchmarks/many_curves.py
	$(BIN)/python benchmarks/scaling_laws.py
	$(BIN)/python benchmarks/schedule_laws.py
	$(BIN)/python benchmarks/run_health.py --large
	$(BIN)/python benchmarks/ladder.py
	$(BIN)/python benchmarks/dashboard.py
	$(BIN)/python benchmarks/start_up.py

docs: $(READY)
	$(BIN)/python docs/refresh.py
	$(BIN)/python docs/pictures.py
	$(BIN)/python docs/screenshot.py

# PyTorch is large and only needed here: it gets an environment of its own, with the version that the
# ladder was trained with (its CPU build where there is one).
$(VENV)-train/.ready:
	$(PYTHON) -m venv $(VENV)-train
	$(VENV)-train/bin/python -m pip install --quiet --disable-pip-version-check \
		torch==2.13.0 tokenizers safetensors numpy pandas pyarrow
	@touch $@

ladder: $(VENV)-train/.ready
	$(VENV)-train/bin/python datasets/ladder/again.py

lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet uv
	$(VENV)-lock/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --group dev \
		--extra tensorboard --extra distributed --extra dashboard --extra postgresql --generate-hashes \
		--no-strip-extras --no-emit-index-url --no-annotate --no-header --upgrade --output-file requirements.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) $(VENV)-train build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
