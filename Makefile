# Each target sets up what it needs first: `make run` and `make test` work in a fresh clone.
PYTHON ?= python3.11
FOUND = $(or $(shell command -v $(PYTHON)),python3)
BIN := .venv/bin
READY := .venv/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)
unexport PYTHONDONTWRITEBYTECODE  # hundreds of processes would compile the same code again

.PHONY: setup run tomorrow test check audit chaos params same-numbers plots serve daily clean
setup: $(READY)

run: $(READY)  ## run all stages of all tasks on the data that params.yaml names
	@python -m trueline.core.compute.reproducible
	dvc repro

tomorrow: $(READY)  ## predict the cards of the day after each sample: three files that a spreadsheet opens
	python -m trueline predict racing data/sample/cards/racing.csv --now 2024-04-30T09:00 --out racing.csv
	python -m trueline predict props data/sample/cards/props --now 2024-02-11T15:00 --out props.csv
	python -m trueline predict events data/sample/cards/events.json --out events.csv

test: $(READY)  ## run the style checks, then all tests
	$(MAKE) --no-print-directory check
	pytest

check: $(READY)  ## check style, types and layers
	ruff check .
	ruff format --check .
	mypy
	lint-imports

audit: $(READY)  ## check licences and known vulnerabilities of the lock, and look for secrets in git
	@python .ci/audit_supply.py $(AUDIT)

chaos: $(READY)  ## kill stages, fill disks, damage files and so on, and see that nothing is lost: docs/chaos.md
	@python -m trueline benchmarks chaos $(CHAOS)

params: $(READY)  ## write params.yaml in the form in which `dvc exp run -S` writes it, which changes no value
	@python .ci/format_params.py

same-numbers: $(READY)  ## compare outputs and metrics with those of REV (default HEAD), after a change that should alter no number
	@python .ci/same_numbers.py $(REV)

plots: $(READY)  ## show every plot on one page that opens offline
	dvc plots show

serve: $(READY)  ## serve the workspace's models on http://127.0.0.1:8000
	dvc repro
	python -m trueline serve

daily: $(READY)  ## run the steps of a day for the task TASK, by default racing: docs/daily.md
	@python -m trueline daily $(or $(TASK),racing)

clean:  ## delete the environment and what the tools left behind
	rm -rf .venv .locks .tune .memory .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv installs in seconds what takes pip minutes. pip installs uv itself from the same lock, by hash, and installs
# everything if uv cannot reach the registry that pip is configured for. What is compiled here, no process compiles again.
$(READY): requirements.lock
	@$(FOUND) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else \
	  "This is Python %d.%d, and Trueline runs on 3.11, 3.12 and 3.13; install one, or name it: make PYTHON=python3.11" % v)'
	$(FOUND) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	$(BIN)/uv pip sync --quiet --compile-bytecode --native-tls --require-hashes --python $(BIN)/python requirements.lock \
	  || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	touch $(READY)
