.DEFAULT_GOAL := help
VENV ?= .venv
BIN := $(VENV)/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: help
help: ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: install
install: ## Set up .venv with all that the tests need
	@POSTROOM_VENV=$(VENV) ./postroom test --version

.PHONY: check
check: lint test ## Run all that must be green before a commit

.PHONY: lint
lint: install ## Run ruff, mypy and the import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: install ## Lay out the code, sort its imports, and mend what ruff can
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

.PHONY: test
test: ## Run the tests
	@POSTROOM_VENV=$(VENV) ./postroom test

.PHONY: coverage
coverage: ## Run the tests but those of whole processes, and name the branches that none takes
	@POSTROOM_VENV=$(VENV) ./postroom test --ignore=tests/end_to_end --ignore=tests/simulation --cov

.PHONY: simulate
simulate: install ## Run all of Postroom in virtual time under drawn faults: SEEDS=500, or 100-149
	@$(BIN)/python -m tests.simulation $(SEEDS) $(if $(MUTATIONS),--mutations) $(ARGS)

.PHONY: docs
docs: install ## Write the generated parts of the documents again, and check links and records
	$(BIN)/python -m tests.documents
	$(BIN)/python -m pytest --quiet tests/unit/test_repository.py tests/unit/test_documents.py

.PHONY: prove
prove: ## Run a thousand messages of Graph and of Gmail through every fault, kill 210 processes: takes an hour
	@OUTAGES="600 300" GMAIL_MESSAGES=1000 KILLS=210 MESSAGES=700 CRASHES=6 POSTROOM_VENV=$(VENV) \
		./postroom test -v tests/end_to_end/test_fault_run.py \
		tests/end_to_end/test_gmail_fault_run.py tests/end_to_end/test_handover_kills.py

.PHONY: demo
demo: ## Show a dozen messages on their way from notification to ticket
	@POSTROOM_VENV=$(VENV) ./postroom demo

NODE_MODULES := benchmarks/node/node_modules/.package-lock.json

.PHONY: bench
bench: .venv-bench/set-up.done .venv-bench-arq/set-up.done .venv-bench-saq/set-up.done $(if $(shell command -v npm),$(NODE_MODULES)) ## Measure the queue beside others: takes 45 minutes (ARGS=--help tells of shorter ways)
	@PYTHONPATH=src .venv-bench/bin/python -m benchmarks $(ARGS)

.venv-%/set-up.done: requirements-%.txt | install
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(@D)
	$(BIN)/uv pip sync --quiet --python $(@D) --require-hashes $<
	@touch $@

$(NODE_MODULES): benchmarks/node/package-lock.json
	cd $(<D) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

.PHONY: lock
lock: install ## Bring the locks to the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --group pyproject.toml:uv --output-file requirements-uv.txt
	$(COMPILE) --upgrade --extra embedded --extra checkout --output-file requirements.txt pyproject.toml
	$(COMPILE) --upgrade --extra embedded --extra checkout --extra dev --constraints requirements.txt --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --upgrade --extra embedded --group bench --constraints requirements.txt --output-file requirements-bench.txt pyproject.toml
	$(COMPILE) --upgrade --group pyproject.toml:bench-arq --output-file requirements-bench-arq.txt
	$(COMPILE) --upgrade --group pyproject.toml:bench-saq --output-file requirements-bench-saq.txt
