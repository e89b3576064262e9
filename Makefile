# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Short names for sessions of nox (`make sessions` shows all). Needs Python 3.11 or newer, git and make; all that is
# installed goes into .venv/, .nox/ and .cache/ of this checkout.

CANDIDATES := python3.11 python3.12 python3.13 python3.14 python3
IS_NEW_ENOUGH := 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in $(CANDIDATES); do $$name -c $(IS_NEW_ENOUGH) 2>/dev/null && { echo $$name; break; }; done)
NOX = $(if $(PYTHON),$(PYTHON),$(error Python 3.11 or newer was not found; give one: make PYTHON=/path/to/python3.11)) tests/ci/machine.py

.PHONY: help sessions demo test unit lint docs guides matrix bench mutate lock clean

help: ## What there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 18

sessions: ## Every session by name: nox -l
	@$(NOX) -l

demo: ## See the collection at work, without an account: emulator, ad-hoc commands, a preflight play
	@$(NOX) -s demo

test: ## All that CI runs; SESSIONS="unit docs" for some of it
	@$(NOX) -s test -- $(SESSIONS)

unit: ## Unit tests alone, about a minute on two cores; ARGS="tests/unit/plugins -k lag" goes to pytest
	@$(NOX) -s unit -- $(ARGS)

lint: ## Style, types, licences, ansible-lint, the examples
	@$(NOX) -s quick

docs: ## The documentation as a site: build/docs/index.html
	@$(NOX) -s docs

guides: ## Write what the guides print anew, and the report's picture; look at the diff afterwards
	@$(NOX) -s guides

matrix: ## Every ansible-core from the oldest supported on, with every Python found; LINES="2.16 2.21" for some
	@$(NOX) -s matrix -- $(LINES)

bench: ## How fast it is: requests and seconds against the emulator
	@$(NOX) -s bench -- $(ARGS)

mutate: ## Whether the tests notice when the code is broken
	@$(NOX) -s mutate -- $(ARGS)

lock: ## Write the pinned requirement files anew; ARGS=--upgrade takes the newest versions
	@$(NOX) -s lock -- $(ARGS)

clean: ## Remove all that was made here
	@rm -rf .venv .nox .cache build
