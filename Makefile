# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Needs Python 3.11 or newer, git and make. All that is installed goes into .venv/ and .cache/ of this checkout.

CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3
IS_NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in $(CANDIDATES); do $$name -c $(IS_NEW_ENOUGH) 2>/dev/null && { echo $$name; break; }; done)
RUN = $(if $(PYTHON),$(PYTHON),$(error Python 3.11 or newer was not found; give one: make PYTHON=/path/to/python3.11)) tests/ci/run.py

.PHONY: help demo test unit lint docs guides matrix bench mutate lock clean

help: ## What there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 18

demo: ## See the collection at work, without an account: emulator, ad-hoc commands, a preflight play
	@$(RUN) demo

test: ## All that CI runs; LANES="unit static" for some of it
	@$(RUN) test $(LANES)

unit: ## Unit tests alone, about a minute on two cores; ARGS="tests/unit/plugins -k lag" goes to pytest
	@$(RUN) unit $(ARGS)

lint: ## Style, types, licences, ansible-lint, the examples
	@$(RUN) lint

docs: ## The documentation as a site: build/docs/index.html
	@$(RUN) docs

guides: ## Write what the guides print anew, from a run of their commands; look at the diff afterwards
	@WRITE_GUIDES=1 "$$($(RUN) python)" -m pytest --import-mode=importlib -q -p no:cacheprovider tests/e2e/test_guides.py -k works

matrix: ## Every ansible-core from the oldest supported on, with every Python found; LINES="2.16 2.21" for some
	@$(RUN) matrix $(LINES)

bench: ## How fast it is: requests and seconds against the emulator
	@"$$($(RUN) python)" tests/bench $(ARGS)

mutate: ## Whether the tests notice when the code is broken
	@"$$($(RUN) python mutation)" tests/mutation/run.py $(ARGS)

lock: ## Write the pinned requirement files anew; ARGS=--upgrade takes the newest versions
	@$(RUN) lock $(ARGS)

clean: ## Remove all that was made here
	@$(RUN) clean
