PYTHON ?= python3
PORT ?= 8000
export PORT

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCK := .local/lock
PIP := -m pip --disable-pip-version-check --no-input
EMULATOR := .local/venvs/emulator
LINT := .local/venvs/lint
RING_1 := tests/properties/test_ring1_buying.py tests/properties/test_ring1_ending.py

.DEFAULT_GOAL := help
.PHONY: help run demo test check unit ring cloud format openapi policies bench cost deploy package destroy owner lock clean

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(READY) ## Run the whole system on this machine; PORT=8000
	@exec $(BIN)/python -m infra.local

demo: $(READY) ## Walk a purchase through the running system
	@exec $(BIN)/python -m infra.local.demo.walk

test: check ## Checks and tests, coverage; CI runs `ring` and `cloud` as well
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term --ignore=tests/properties --ignore=tests/deployed
	$(BIN)/python -m tests.kit.grants

check: $(READY) ## Format, lint, types, who imports whom
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY) ## The tests that need no emulator, in seconds
	$(BIN)/python -m pytest tests/unit tests/architecture

ring: $(READY) ## Interleavings, faults, real threads (rings 1 and 2), fuzzing; RING=20000 schedules
	$(BIN)/python -m infra.local.dynamodb_local
	LARIS_RING=$(or $(RING),0) LARIS_EXAMPLES=30 $(BIN)/python -m pytest -n 2 --dist loadfile \
		$(if $(RING),$(RING_1),tests/properties tests/contract/test_api_schemathesis.py)

cloud: $(READY) $(EMULATOR)/.ready $(LINT)/.ready ## Lint, deploy and use the packaged system on emulated AWS (ring 3)
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/deployed --ignore=tests/deployed/ring3
	$(BIN)/python -m pytest tests/deployed/ring3

format: $(READY) ## Format and sort imports
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

openapi: $(READY) ## Write the API's description anew from its doors
	@exec $(BIN)/python -m infra.openapi

policies: $(READY) ## Write each function's policy anew from infra/policies.py
	@exec $(BIN)/python -m infra.policies

bench: $(READY) ## Print import time, CPU and cost of the use cases
	@exec $(BIN)/python -m tests.benchmarks

cost: $(READY) ## Print the monthly bill at AWS, in USD and IDR; ORDERS=10000
	@exec $(BIN)/python -m infra.cost --orders $(or $(ORDERS),10000)

deploy: $(READY) ## Deploy a stage to AWS; STAGE=prod, PLAN=1 only shows what would change, YES=1 does not ask
	@exec $(BIN)/python -m infra.deploy $(STAGE) $(if $(PLAN),--plan) $(if $(YES),--yes)

package: $(READY) ## One template and one zip of a stage, for a pipeline; STAGE=prod
	@exec $(BIN)/python -m infra.deploy package $(STAGE)

destroy: $(READY) ## Take down what runs of a stage; its data stays, unless DATA=1 and the stage is unprotected
	@exec $(BIN)/python -m infra.deploy destroy $(STAGE) $(if $(DATA),--data)

owner: $(READY) ## Print the link by which the first owner joins; EMAIL=… NAME=… and, for a deployed stage, STAGE=prod
	@exec $(BIN)/python $(if $(STAGE),-m infra.deploy run $(STAGE) -- $(BIN)/python )-m infra.owner "$(EMAIL)" "$(NAME)"

lock: ## Pin all that the dependency groups of pyproject.toml bring
	$(PYTHON) -m venv --clear $(LOCK)
	$(LOCK)/bin/python $(PIP) install --quiet --upgrade "pip<26.3"
	$(LOCK)/bin/python $(PIP) install --quiet --group lambda
	@echo '# What Lambda gets, all of it. Made by `make lock` from pyproject.toml.' > requirements.txt
	$(LOCK)/bin/python $(PIP) freeze --exclude setuptools >> requirements.txt
	$(LOCK)/bin/python $(PIP) install --quiet --upgrade --group dev setuptools wheel
	@printf '%s\n' '# What building, running and testing need besides. Made by `make lock` from pyproject.toml.' \
		'-r requirements.txt' > requirements-dev.txt
	$(LOCK)/bin/python $(PIP) freeze --all | grep -vxFf requirements.txt >> requirements-dev.txt
	@$(MAKE) --no-print-directory lock-emulator lock-lint

lock-%:
	$(PYTHON) -m venv --clear $(LOCK)
	$(LOCK)/bin/python $(PIP) install --quiet --upgrade "pip<26.3"
	$(LOCK)/bin/python $(PIP) install --quiet --group $*
	@echo '# What $* needs, in an environment of its own. Made by `make lock` from pyproject.toml.' > infra/requirements-$*.txt
	$(LOCK)/bin/python $(PIP) freeze --exclude setuptools >> infra/requirements-$*.txt

clean: ## Remove the environment, caches and the local system's state
	rm -rf $(VENV) .local .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	rm -rf .coverage .coverage.* htmlcov .chalice/deployments out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Laris needs Python 3.11 or newer; name one with PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making the environment in $(VENV) (again only when the requirements change)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python $(PIP) install --quiet --requirement requirements-dev.txt
	@touch $@

.local/venvs/%/.ready: infra/requirements-%.txt
	@echo "Making the environment of the $* in .local/venvs (again only when its requirements change)"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python $(PIP) install --quiet --requirement $<
	@touch $@
