# Each target sets up what it needs in .venv, once. Arguments: make bench ARGS="--quick"

PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: bench demo test check lint help table gpu screenshots browser peers clean

bench: .venv/ready
	$(BIN)/python -m bench $(ARGS)

demo: .venv/ready
	$(BIN)/python app.py

test: .venv/ready
	$(BIN)/python -m pytest $(ARGS)

# Before a commit: everything but the tests that are marked slow; two cores are enough.
check: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal $(ARGS)

lint: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	find demo -name '*.pyi' -delete  # Gradio writes them beside its components; mypy would read them first
	$(BIN)/mypy

# docs/help/*.txt from the --help of every command.
help: .venv/ready
	$(BIN)/python -m bench.report.help_texts

# The committed tables of the shipped networks, measured again; nothing else should run meanwhile.
table: .venv/ready
	$(BIN)/python -m bench --out bench/results
	$(BIN)/python -m bench --datasets bsd68 set12 cbsd68 documents --out bench/results/photographs
	$(BIN)/python -m bench --datasets real_noise cbsd68_jpeg --untimed --out bench/results/camera
	$(BIN)/python -m bench strips
	$(BIN)/python -m bench report
	$(BIN)/python -m bench report --results bench/results/unet

# Everything that needs an NVIDIA GPU, in at most 9 minutes.
gpu: .venv/ready
	$(BIN)/python -m bench gpu $(ARGS)

# The README's pictures of the page, and that of link previews; also needs a Chromium (apt-get install chromium).
screenshots: .venv/ready-dev
	$(BIN)/python -m demo.preview docs/preview.png
	$(BIN)/python -m demo.recording docs/demo.webp
	$(BIN)/python -m demo.screenshot docs/demo-photo.png --tab Photo --height 860
	$(BIN)/python -m demo.screenshot docs/demo-learn.png --tab Learn --height 860

# The rules that the tests of the page hold it to; they also need a Chromium (apt-get install chromium).
browser: .venv/axe.min.js

.venv/axe.min.js: .venv/ready-dev
	cd .venv && npm pack --silent axe-core && tar -xzf axe-core-*.tgz --strip-components 1 package/axe.min.js
	touch $@

# Keras, ONNX Runtime and OpenVINO, in an environment of their own, for python -m bench speed.
peers: .venv-peers/ready

.venv-peers/ready: bench/speed/workers/requirements.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

.venv/ready: requirements.txt
	$(PYTHON) -c "import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13) and 'Python 3.10 to 3.13 is needed: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/ready-dev: .venv/ready pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,onnx,openvino,ray,distributed,opencv]"
	touch $@

clean:
	rm -rf .venv .venv-peers runs
