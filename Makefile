# Every target works on a fresh machine with Python >= 3.10, pip and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
RUN    ?= runs/demo
# One worker a core, one thread a worker: threads that wait for each other's cores make tests several times slower.
# Each worker takes a stretch of the tests and steals when it is done: what the tests of a file share is made once, not once a worker.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo install test test-fast coverage lint format types docs release-check bench networks clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[train]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[dev]'
	@touch $@ $(VENV)/.train

$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[docs]'
	@touch $@

install: $(VENV)/.train ## make .venv and install mien with what training needs

demo: $(VENV)/.train ## train and evaluate on the synthetic faces (90 s on two cores), then say where the pictures are
	@rm -rf $(RUN)
	$(BIN)/mien train --data synthetic --recipe quick --out $(RUN)
	$(BIN)/mien evaluate $(RUN)

test: $(VENV)/.dev ## install what the tests need and run them all (10 to 13 minutes on two cores)
	$(PYTEST)

test-fast: $(VENV)/.dev ## the tests without the slow ones
	$(PYTEST) -m 'not slow'

coverage: $(VENV)/.dev ## run all tests and say which lines and branches of src/mien none of them reaches
	$(PYTEST) --cov --cov-report=term --cov-report=html

release-check: $(VENV)/.dev ## build the package, check its description, install the wheel alone and recognise a face
	$(PIP) build twine
	MIEN_REQUIRE=release $(BIN)/python -m pytest -n 0 tests/test_release.py

lint: $(VENV)/.dev ## ruff, format check and mypy strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## rewrite the code in the one format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.docs ## build the site of the documents into build/site, strictly: a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict
	@echo "build/site/index.html"

bench: $(VENV)/.dev ## measure everything into benchmarks/README.md; FER2013=fer2013.csv and MODEL=model.onnx add their rows
	$(BIN)/python -m benchmarks.table $(if $(FER2013),--csv $(FER2013)) $(if $(MODEL),--model $(MODEL))

networks: $(VENV)/.dev ## train what ships from random weights and make its files (three hours on one core; FER2013=, VOTES= and PHOTOGRAPHS= name the data)
	$(BIN)/python -m benchmarks.networks --data $(or $(FER2013),fer2013.csv) --votes $(or $(VOTES),fer2013new.csv) $(if $(PHOTOGRAPHS),--photographs $(PHOTOGRAPHS))

clean: ## remove the virtual environment and caches (never your runs)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov
