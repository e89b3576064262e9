# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The face of a module process: AnsibleModule in, exit_json or fail_json out, nothing else."""

from __future__ import annotations

import importlib
import os
import typing as t

from ansible.module_utils import basic
from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible_collections.hwcloud.streaming.plugins.module_utils import _call, _options
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.secrets import MASK

REGISTERED_LENGTH = 8  # Ansible replaces a registered value wherever it occurs: shorter ones would garble facts


def _environment(*variables: str) -> str:
    """Return the first of the environment variables that is set and not empty (Ansible's own fallback takes empty ones)."""
    value = _options.first_set(os.environ, variables)
    if value is None:
        raise AnsibleFallbackNotFound
    return value


def argument_spec(options: _options.Spec) -> dict[str, dict[str, t.Any]]:
    """Return options as Ansible's argument spec has them."""
    spec = {}
    for name, option in options.items():
        entry = {"type": "str", **option}
        variables = entry.pop("env", None)
        spec[name] = {**entry, "fallback": (_environment, list(variables))} if variables else entry
    return spec


def run(question: _call.Question) -> t.NoReturn:
    """Be the module that asks a question. This is the only place that ends the process."""
    module = basic.AnsibleModule(
        argument_spec=argument_spec({**question.options, **_options.CONNECTION}), supports_check_mode=True
    )

    def learned(*secrets: str | None) -> None:
        module.no_log_values.update(secret for secret in secrets if secret and len(secret) >= REGISTERED_LENGTH)

    session = _call.Session(module.params, _call.Caller(module.warn, module.debug, learned, basic.missing_required_lib))
    result = session.ask(question, last=True)
    module.no_log_values = _registered(module.no_log_values, result)
    _hide(module.no_log_values)
    result["invocation"] = {"module_args": _shown_options(module)}
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)


def _shown_options(module: basic.AnsibleModule) -> dict[str, t.Any]:
    """Return the options as the result may show them: secrets are masked by name, so that this needs no search by value."""
    secret = {
        name
        for option, spec in _options.CONNECTION.items()
        if spec.get("no_log")
        for name in (option, *spec.get("aliases", ()))
    }
    # A URL with a password in it is refused, but Ansible would still show it.
    secret |= {name for name, value in module.params.items() if name.endswith("_endpoint") and "@" in (value or "")}
    return {name: MASK if name in secret and value else value for name, value in module.params.items()}


def _hide(values: set[str]) -> None:
    """Have ansible-core 2.22 and newer hide values in all that follows; these no longer read `no_log_values`."""
    try:
        secrets: t.Any = importlib.import_module("ansible.module_utils.secrets")
        secrets.register_secrets(values)
    except Exception:  # noqa: BLE001  # older ones have none; one that has changed must not cost the result
        return


def _registered(values: set[str], result: dict[str, t.Any]) -> set[str]:
    """Return the values that Ansible may replace wherever they occur: none so short, or part of a fact, that facts would suffer.

    Secrets are not kept out of the result by this: those in texts are cleaned, those in resources go by their keys.
    """
    left = {value: (value, repr(value)[1:-1]) for value in values if len(value) >= REGISTERED_LENGTH}
    facts = (repr(part) for entry in result.values() for part in (entry if isinstance(entry, list) else [entry]))
    for fact in facts:
        if not left:
            break
        left = {value: forms for value, forms in left.items() if not any(form in fact for form in forms)}
    return set(left)
