# Each target sets up what it needs in .venv, once. Arguments: make bench ARGS="--quick"

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: bench demo test lint table clean

bench: .venv/ready
	$(BIN)/python -m bench $(ARGS)

demo: .venv/ready
	$(BIN)/python app.py

test: .venv/ready
	$(BIN)/python -m pytest $(ARGS)

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# What the README shows, measured anew; nothing else should run meanwhile.
table: .venv/ready
	$(BIN)/python -m bench --out bench/results
	$(BIN)/python -m bench report

.venv/ready: requirements.txt
	$(PYTHON) -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and 'Python 3.10 to 3.13 is needed: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/ready-dev: .venv/ready pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,onnx,ray,distributed]"
	touch $@

clean:
	rm -rf .venv runs
