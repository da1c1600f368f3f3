# Everything a newcomer needs is one command away; the scripts behind are in deploy/.
# A second run is quick: stamps remember what was done, and are outdated by the files they depend on.

PYTHON ?= python3
BIN := .venv/bin
WEB := dashboard/web
PAGE_CHECK := sh deploy/page.sh check
PYTHON_READY := .venv/ready
PAGE_READY := dashboard/static/ready

# The page's sources, with their folders so that a deleted file counts as a change.
WEB_SOURCES := $(shell test -d $(WEB) && find $(WEB) -mindepth 1 \
	\( -name node_modules -o -name openapi.json -o -name schema.d.ts -o -name '*.tsbuildinfo' -o -name '*.timestamp-*' \) -prune -o -print)

# What the API's description is made from, with the folders for the same reason.
API_SOURCES := $(shell find alerting dashboard ingest inspection \
	\( -name web -o -name static -o -name __pycache__ \) -prune -o \( -name '*.py' -o -type d \) -print)
API_TYPES := $(WEB)/src/api/schema.d.ts

# The guides are part of the page.
GUIDES := docs/help_pages.py $(wildcard docs/zh/* docs/en/*)

.PHONY: help setup demo test test-cluster checks python-checks page-checks pytest browser bench screenshots format clean

help: ## 显示这些命令 / show these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(PYTHON_READY) $(if $(wildcard $(WEB)/package.json),$(PAGE_READY)) ## 准备 anhu 命令和网页 / prepare the anhu command and the page

demo: setup ## 运行演示 / run the demo
	@$(BIN)/anhu demo

test: browser ## 全部检查和测试 / every check and test
	@$(MAKE) --no-print-directory --jobs 2 python-checks pytest page-checks

test-cluster: setup ## 集群测试：三个 NATS 节点、三个进程 / a cluster: three NATS nodes, three workers
	$(BIN)/pytest -m cluster tests/cluster

checks: python-checks page-checks ## 只做静态检查 / the static checks alone

python-checks: $(PYTHON_READY) # in make test: while the page is built
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

page-checks: $(PAGE_READY)
	$(PAGE_CHECK)

# A file stays on one worker, with its fixtures; two of the four work while the others wait. The service's processes are
# begun some hundred times: with bytecode, also where the environment keeps Python from writing it.
pytest: setup
	$(BIN)/python -m compileall -q anhu alerting dashboard ingest inspection simulators
	$(BIN)/pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder

browser: # Chromium and Chinese fonts for the acceptance tests
	@sh deploy/browser.sh

bench: setup ## 性能测试，只测一组用 ONLY=组名 / benchmarks, one group with ONLY=group
	$(BIN)/python -m benchmarks $(ONLY)

screenshots: setup browser ## 重拍文档里的图 / take the pictures of the documentation anew
	$(BIN)/python docs/screenshots.py

format: $(PYTHON_READY) ## 整理代码格式 / format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean: ## 删除环境和构建结果，不动数据 / remove what was built, never the data
	rm -rf .venv build dist dashboard/static $(WEB)/node_modules benchmarks/results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(PYTHON_READY): pyproject.toml deploy/python.sh
	@PYTHON="$(PYTHON)" sh deploy/python.sh
	@touch $@

$(WEB)/node_modules/ready: $(WEB)/package.json $(WEB)/package-lock.json | $(PYTHON_READY)
	@sh deploy/page.sh install
	@touch $@

$(WEB)/node_modules/types-ready: $(PYTHON_READY) $(WEB)/node_modules/ready $(API_SOURCES)
	@sh deploy/page.sh types

# Left as they are where nothing in them has changed: then the page need not be built again either.
$(API_TYPES): $(WEB)/node_modules/types-ready ;

$(PAGE_READY): $(WEB)/node_modules/ready $(API_TYPES) $(WEB_SOURCES) $(GUIDES)
	@sh deploy/page.sh build
	@touch $@
