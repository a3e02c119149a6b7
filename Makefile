# One command each: `make demo`, `make test`. All of them create `.venv` first and reuse it afterwards.

VENV ?= .venv
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3; do command -v $$name && break; done)
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
COMPARED := $(VENV)/.torchvggish
COMPILED := $(VENV)/.mmcv-compiled

SERVED := $(VENV)/.web
DOCUMENTED := $(VENV)/.docs
BROWSED := $(VENV)/.browser

.PHONY: help env demo web docs test-env test-browser test test-quick lint baselines data-shapes data-shapes-av train-shapes train-shapes-av

help:
	@echo 'make demo          write outputs/demo_real.mp4 (people and a cat), demo.mp4 and demo_av.mp4 (synthetic shapes)'
	@echo 'make web           serve a page to drop a video on, at http://127.0.0.1:7860'
	@echo 'make docs          write the documentation site to build/docs'
	@echo 'make test          run the tests'
	@echo 'make test-browser  run those of the page, in Chromium (apt-get install chromium chromium-driver)'
	@echo 'make test-quick    run them without those marked slow'
	@echo 'make lint          check the style'
	@echo 'make data-shapes   write the synthetic benchmark to data/shapes'
	@echo 'make train-shapes  train on it, on a GPU if there is one'
	@echo 'make train-shapes-av  train with and without audio on the audio-visual benchmark'
	@echo 'make baselines     compile mmcv, which configs/baselines need: ten to thirty minutes on two cores, and a C++ compiler'
	@echo 'make env           only create $(VENV)'

env: $(INSTALLED)

# The stamp is older than what the installation depends on: install again, which is quick where all is satisfied.
$(INSTALLED): setup.py pyproject.toml mmrcf/version.py requirements/runtime.txt requirements/dev.txt requirements/onnx.txt
	@test -n '$(PYTHON)' || { echo 'error: no python3 found; install Python 3.11 or newer, or give PYTHON=<path>' >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'error: $(PYTHON) is older than Python 3.11; give PYTHON=<path of a newer one>' >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --editable '.[dev,onnx]'
	# OpenCV's ordinary build needs libGL, which a server may lack; the headless build has the same version and files.
	$(BIN)/python -c 'import cv2' 2>/dev/null || $(BIN)/python -m pip install --force-reinstall --no-deps \
		"$$($(BIN)/python -m pip freeze | grep '^opencv-python-headless==')"
	touch $@

demo: $(INSTALLED)
	$(BIN)/python demo/video_demo.py demo/shapes.mp4 --model shapes --out outputs/demo.mp4 --json outputs/demo.json
	$(BIN)/python demo/video_demo.py demo/shapes_av.mp4 --model shapes-av \
		--out outputs/demo_av.mp4 --json outputs/demo_av.json
	$(BIN)/python demo/video_demo.py demo/photographs.mp4 --model real \
		--out outputs/demo_real.mp4 --json outputs/demo_real.json

# Lists of all that is needed beside the rest, so that pip has nothing to search for: with the search it takes minutes.
$(SERVED) $(DOCUMENTED) $(BROWSED): $(VENV)/.%: requirements/%.txt | $(INSTALLED)
	$(BIN)/python -m pip install --no-deps -r $<
	touch $@

web: $(INSTALLED) $(SERVED)
	$(BIN)/python demo/web_demo.py

# From the root, since pages link to files of the whole tree; conf.py names those that are pages.
docs: $(INSTALLED) $(DOCUMENTED)
	$(BIN)/python -m sphinx -q -W --keep-going -c docs . build/docs

# Our log-mel is tested against that of torchvggish, of which a single module is used: its dependencies stay away.
$(COMPARED): $(INSTALLED)
	$(BIN)/python -m pip install --no-deps torchvggish==0.2
	touch $@

# A process for each core, up to four, of one thread each: threads of several processes wait for each other. Each takes
# one file after the other, in the order of tests/conftest.py.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --numprocesses auto --maxprocesses 4 --dist loadfile \
	--no-loadscope-reorder

test: $(COMPARED)
	$(PYTEST)

# All that tests need which are skipped without it; with MMRCF_TEST_ALL=1 they fail instead.
test-env: $(COMPARED) $(SERVED) $(DOCUMENTED) $(BROWSED)

test-browser: $(COMPARED) $(SERVED) $(BROWSED)
	MMRCF_TEST_ALL=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/test_web/test_page.py

test-quick: $(COMPARED)
	$(PYTEST) -m 'not slow'

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Without build isolation it finds torch and compiles; pip's cache may hold the light build.
$(COMPILED): | $(INSTALLED)
	@command -v c++ >/dev/null || { echo 'error: no C++ compiler (c++) found; install g++ and start again' >&2; exit 2; }
	$(BIN)/python -m pip install ninja wheel
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m pip install --no-build-isolation --no-cache-dir --no-deps \
		--force-reinstall --no-binary onedl-mmcv onedl-mmcv==2.3.6
	$(BIN)/python -c 'import torch, mmcv._ext'
	touch $@

baselines: $(COMPILED)

# Always run: it keeps splits that are complete and of these settings, and refuses others.
data-shapes: $(INSTALLED)
	$(BIN)/python tools/misc/make_shapes.py --out data/shapes

data-shapes-av: $(INSTALLED)
	$(BIN)/python tools/misc/make_shapes.py --variant shapes_av --out data/shapes_av

train-shapes: data-shapes
	$(BIN)/python tools/train.py configs/shapes/rcf_r18_shapes.py --resume

train-shapes-av: data-shapes-av
	$(BIN)/python tools/train.py configs/shapes/rcf-av_r18_shapes-av.py --resume
	$(BIN)/python tools/train.py configs/shapes/rcf_r18_shapes-av.py --resume
