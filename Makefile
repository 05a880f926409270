# Each target sets up all that it needs and runs; a second call starts at once.
# Another Python: `make serve PYTHON=python3.12`. Another index for pip: PIP_INDEX_URL or PIP_EXTRA_INDEX_URL, as always.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help serve test lint format docs lock sbom mocap train-pretrain rendered train-finetune train-depths evaluate ablations needs-mocap evidence benchmark-rendering load soak benchmark-serving audit clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.core ## Serve on http://localhost:8000 (MPT_PORT=9000 for another port)
	@$(BIN)/python -m weights.fetch
	@exec $(BIN)/python -m service

test: $(VENV)/.dev ## Run the fast tests (ARGS="-m slow" for the slow ones)
	@$(BIN)/python -m weights.fetch
	$(BIN)/python -m pytest --numprocesses=3 $(ARGS)

lint: $(VENV)/.dev ## Check style, types, which package may import which, and the page's scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm exec --yes --package=@biomejs/biome@2.6.8 -- biome lint --error-on-warnings service/static

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev ## Build the documentation's site into site/ (ARGS="--site-dir folder")
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet $(ARGS)

mocap: $(VENV)/.train ## Fetch CMU's motion capture, free and without registering: 1.1 GB (DIR=folder)
	@$(BIN)/python -m training.mocap.cmu $(if $(DIR),--output "$(DIR)") $(ARGS)

train-pretrain: $(VENV)/.train ## Pre-train on motion capture (MOCAP=folder SIZE=tiny STEPS=1000)
	@$(BIN)/python -m training.pretrain \
		$(if $(MOCAP),--mocap "$(MOCAP)") $(if $(SIZE),--size $(SIZE)) $(if $(STEPS),--steps $(STEPS)) $(ARGS)

rendered: $(VENV)/.train ## Render people to fine-tune on (MOCAP=folder DIR=runs/rendered)
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m training.images.prepare \
		$(if $(MOCAP),--mocap "$(MOCAP)") $(if $(DIR),--output "$(DIR)") $(ARGS)

train-finetune: $(VENV)/.train ## Fine-tune on rendered people (MOCAP=folder DIR=runs/rendered RECIPE=end-to-end FROM=checkpoint)
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m training.finetune $(if $(MOCAP),--mocap "$(MOCAP)") $(if $(DIR),--images "$(DIR)") \
		$(if $(RECIPE),--recipe $(RECIPE)) $(if $(FROM),--from "$(FROM)") $(if $(STEPS),--steps $(STEPS)) $(ARGS)

train-depths: $(VENV)/.train ## Train what reads bones' depths off BlazePose's features (DIR=runs/varied STEPS=4000)
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m training.depths.train $(if $(DIR),--images "$(DIR)") $(if $(STEPS),--steps $(STEPS)) $(ARGS)

evaluate: $(VENV)/.train ## Evaluate checkpoints (MOCAP=, RENDERED=, PHOTOS=, FOOTAGE=, PW3D=folder, H36M=npz; CHECKPOINT="file ...")
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m training.evaluate \
		$(if $(MOCAP),--mocap "$(MOCAP)") $(if $(PHOTOS),--photos "$(PHOTOS)") $(if $(RENDERED),--rendered "$(RENDERED)") \
		$(if $(FOOTAGE),--footage "$(FOOTAGE)") $(if $(H36M),--h36m "$(H36M)") \
		$(if $(PW3D),--3dpw "$(PW3D)") $(if $(CHECKPOINT),--checkpoint $(CHECKPOINT)) $(ARGS)

benchmark-rendering: $(VENV)/.train ## Measure the renderer, and MoveNet on its people (MOCAP=folder)
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m benchmarks.rendering $(if $(MOCAP),--mocap "$(MOCAP)") $(ARGS)

ablations: needs-mocap $(VENV)/.train ## Repeat the paper's ablations on MOCAP=folder, some hours on two cores; goes on where it stopped
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m training.reproduction.ablations --mocap "$(MOCAP)" $(ARGS)

# Else a folder without a name would be read: this one.
needs-mocap:
	@test -n "$(MOCAP)" || { echo 'Name a folder of motion capture, as in `make ablations MOCAP=folder`; `make mocap` fetches one.' >&2; exit 2; }

evidence: $(VENV)/.train ## Repeat the paper's Tables 2, 3b and 4 and Fig. 4 and 6 on rendered people (DIR=runs/rendered)
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m training.reproduction.finetuning_tables $(if $(DIR),--images "$(DIR)") $(ARGS)

load: $(VENV)/.dev ## Open-loop load test: p50, p95, p99 at fixed rates (ARGS="--rates 2 5 --url http://...")
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m benchmarks.load $(ARGS)

soak: $(VENV)/.dev ## Photos and films for five minutes, while memory is watched (ARGS="--minutes 30")
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m benchmarks.soak $(ARGS)

benchmark-serving: $(VENV)/.dev ## Our service against plain FastAPI and LitServe, and the networks stage by stage
	@$(BIN)/python -m weights.fetch
	@$(BIN)/python -m model.runtime.export
	@$(BIN)/python -m pip install --quiet litserve
	@$(BIN)/python -m benchmarks.networks
	@$(BIN)/python -m benchmarks.serving $(ARGS)

# Strict: else packages of which the index says nothing would count as clean. Builds such as +cpu are of the same sources.
audit: $(VENV)/.core ## Look for known vulnerabilities in what the service needs
	@$(BIN)/python -m pip install --quiet pip-audit
	@$(BIN)/python -m pip freeze --exclude-editable | sed 's/+.*//' > $(VENV)/audited.txt
	@$(BIN)/python -m pip_audit --strict --disable-pip --no-deps --requirement $(VENV)/audited.txt

# The versions that this environment has, without builds such as +cpu.
lock: $(VENV)/.dev ## Write constraints.txt anew, after trying newer versions
	@{ sed '/^[^#]/d' constraints.txt; $(BIN)/python -m pip freeze --exclude-editable | \
		sed -E 's/ @ .*//; /^[^=]+$$/d; s/\+.*//; s/$$/ ; python_version >= "3.11"/'; } > constraints.new
	@mv constraints.new constraints.txt

# The tool in an environment of its own: it is no part of the service.
sbom: $(VENV)/.core ## Write sbom.json, CycloneDX's list of all that .venv holds: in a fresh clone, of the service
	@$(PYTHON) -m venv $(VENV)/cyclonedx
	@$(VENV)/cyclonedx/bin/python -m pip install --quiet cyclonedx-bom
	@$(VENV)/cyclonedx/bin/cyclonedx-py environment --pyproject pyproject.toml --output-file sbom.json $(BIN)/python

clean: ## Remove the virtual environment and what the tools left; fetched weights stay in the cache
	rm -rf $(VENV) build dist site sbom.json *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp for each set of dependencies, renewed when pyproject.toml changes.
$(VENV)/.core: EXTRAS := [onnx-cpu]
$(VENV)/.train: EXTRAS := [train]
$(VENV)/.dev: EXTRAS := [dev,footage,onnx-cpu,smpl,train]
$(VENV)/.core $(VENV)/.train $(VENV)/.dev: pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install --constraint constraints.txt --editable ".$(EXTRAS)"
	@touch $@

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))' || \
		{ echo 'Python 3.10 to 3.13 is needed: name one, as in `make serve PYTHON=python3.12`.' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@
