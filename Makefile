# SPDX-License-Identifier: Apache-2.0
# Streamify. `make` alone lists the targets. Another environment beside the first: make up STREAMIFY_ENV=second
SHELL := /bin/bash
.DEFAULT_GOAL := help
export STREAMIFY_ENV ?= local
python := .venv/bin/python

.PHONY: help up down test lint unit roles restore iam fuzz bench bench-deployment chaos chaos-kills soak lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## deploy the platform on this machine, upload a sample video, print its watch page (repeatable)
	@scripts/up

down: ## remove every process, container, network and file that `make up` made
	@scripts/down

test: export STREAMIFY_ENV = test
test: ## lint, unit tests, Molecule's scenarios, then the deployed platform (its own environment, `test`)
	@scripts/setup test
	@$(python) scripts/test

lint: ## the linters alone
	@scripts/setup test
	@$(python) scripts/test lint

unit: ## the tests that need no deployment
	@scripts/setup test
	@$(python) scripts/test unit

roles: export STREAMIFY_ENV = test
roles: ## Molecule's scenarios alone: the whole site, then each role
	@scripts/setup test
	@$(python) scripts/test roles

bench: ## CPU of a playback request beside FastAPI and fastify, of presigning and DynamoDB beside the SDK (minutes; prints ratios, judges nothing)
	@scripts/setup test
	@scripts/bench

soak: export STREAMIFY_ENV = soak
soak: ## 2 GiB uploaded while client and tasks are killed; DynamoDB away for a minute, twice (SOAK_MEBIBYTES, SOAK_SECONDS; 10 minutes)
	@scripts/setup test
	@scripts/soak

restore: export STREAMIFY_ENV = restore
restore: ## delete and spoil a video on a platform of its own, go back with restore.yml, play it again (8 minutes)
	@scripts/setup test
	@trap scripts/down EXIT; scripts/up && PYTHONPATH=local:tests:api/src:api/client/src ANSIBLE_HOME=$$PWD/.ansible $(python) -m pytest -v tests/restore

bench-deployment: ## a first run and one with nothing to do beside the same end state by published modules (half an hour; prints ratios)
	@scripts/setup test
	@env -u STREAMIFY_ENV PYTHONPATH=local:tests $(python) tests/bench/deployment/run.py

iam: export STREAMIFY_ENV = iam
iam: ## deploy, repair, rotate and tear down with the deployer's policies alone; no grant missing, none idle (10 minutes)
	@scripts/setup test
	@PYTHONPATH=local:tests:api/src:api/client/src $(python) -m pytest -v -s tests/iam

chaos: ## break what `make up` deployed in every way and report what callers see (FAULT=zone_loss MODE=alb|tuned SEED=n DURATION=s)
	@scripts/setup test
	@PYTHONPATH=local:tests $(python) -m chaos $(addprefix --fault ,$(FAULT)) $(addprefix --mode ,$(MODE)) $(addprefix --seed ,$(SEED)) $(addprefix --seconds ,$(DURATION))

chaos-kills: ## 1,000 SIGKILLs in the middle of uploads, and clocks two hours off; nothing acknowledged may be lost (KILLS=n SEED=n)
	@scripts/setup test
	@env -u STREAMIFY_ENV PYTHONPATH=local:tests:api/src:api/client/src $(python) -m chaos.kills $(addprefix --kills ,$(KILLS)) $(addprefix --seed ,$(SEED))

lock: ## resolve requirements/*.in again
	@scripts/setup up
	@requirements/lock.sh --upgrade

fuzz: ## 10,000 HTTP and 20,000 gRPC calls from our own descriptions; SEED=n repeats a run
	@scripts/setup test
	@env -u STREAMIFY_ENV PYTHONPATH=local:tests:api/src:api/client/src $(python) -m fuzz $(SEED)

clean: down ## also remove what setup made: the virtual environment, caches, build output
	@rm -rf .venv .local .ansible build
