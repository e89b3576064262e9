# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module's own code inside Ansible's worker process, when nothing could tell the difference from a process of its own.

Most of what one question costs is the start of a Python process. Inside, the real AnsibleModule does what it always
does; what differs is only where its options come from and where its result goes. Whatever is not as it should be, in
the task or in ansible-core, leads to the module process.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import json
import logging
import os
import re
import signal
import sys
import typing as t

from ansible import constants
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as collected
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible.utils.display import Display
from ansible.utils.vars import merge_hash

VARIABLE = "hwcloud_streaming_in_process"
PLUGINS = "ansible_collections.hwcloud.streaming.plugins"
PROFILE = "legacy"  # how ansible-core 2.19 and newer talks to modules that do not say otherwise
DISCOVERED = frozenset({"auto", "auto_silent", "auto_legacy", "auto_legacy_silent"})
_PROXY = re.compile(r"(https?|no|all)_proxy\Z", re.IGNORECASE)

SETTINGS: t.Any = constants  # it makes its names as it is loaded
display = Display()


class Unfit(Exception):
    """Something is not as it should be. The argument says what."""


def main_of(module: str) -> t.Callable[[], None]:
    """Return the module's main(), loaded when it is called: ansible-lint checks a task's options by that of the action plugin."""
    return lambda: importlib.import_module(f"{PLUGINS}.modules.{module}").main()


class Core(t.NamedTuple):
    """What ansible-core keeps to itself and this needs."""

    encode: t.Callable[[dict[str, t.Any]], str]
    profile: str | None  # of what is said between the two; None up to 2.18
    internal: t.Any  # the module that holds `is_controller`; None up to 2.18


def _core() -> Core:
    """Return what is needed of ansible-core; raises Unfit where a name is missing or means something else."""
    _expect("_update_module_args", "module_name", "module_args", "task_vars")
    _expect("_compute_environment_string", "raw_environment_out")
    _expect("_execute_module", "module_name", "module_args", "tmp", "task_vars")
    if getattr(basic, "_ANSIBLE_ARGS", "") is not None:
        raise Unfit("ansible.module_utils.basic._ANSIBLE_ARGS")
    for name in ("_global_warnings", "_global_deprecations"):
        if not isinstance(getattr(collected, name, None), (list, dict)):
            raise Unfit(f"ansible.module_utils.common.warnings.{name}")
    if not hasattr(basic, "_ANSIBLE_PROFILE"):
        from ansible.module_utils.common import json as spoken

        _expect("_parse_returned_data", "res")
        old: t.Any = vars(spoken)["AnsibleJSONEncoder"]

        def encode_old(arguments: dict[str, t.Any]) -> str:
            return json.dumps(arguments, cls=old, vault_to_text=True)

        return Core(encode_old, None, None)
    from ansible.module_utils import _internal
    from ansible.module_utils.common.json import Direction, get_module_encoder

    _expect("_parse_returned_data", "res", "profile")
    if basic._ANSIBLE_PROFILE is not None or getattr(_internal, "is_controller", None) is not True:
        raise Unfit("ansible.module_utils._internal.is_controller")
    encoder = t.cast(t.Any, get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE))

    def encode(arguments: dict[str, t.Any]) -> str:
        return json.dumps(arguments, cls=encoder)

    return Core(encode, PROFILE, _internal)


def _expect(name: str, *parameters: str) -> None:
    """Hold a method's first parameters against those that are known."""
    method = getattr(ActionBase, name, None)
    if not callable(method) or tuple(inspect.signature(method).parameters)[1 : len(parameters) + 1] != parameters:
        raise Unfit(f"ActionBase.{name}")


# Every worker inherits what is imported here: the strategies load the action class before they fork.
try:
    for _name in ("encodings.idna", "http.client", "ssl", "requests.adapters", "requests.utils"):
        importlib.import_module(_name)
    for _name in (
        "_dis.logs",
        "_dis.tasks",
        "_dms.sink",
        "_dms.smart_connect",
        "_identity.endpoints",
        "_identity.iam",
        "_module",
        "_standing",
        "_wire.client",
        "_wire.transport",
    ):
        importlib.import_module(f"{PLUGINS}.module_utils.{_name}")
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _options

    CORE: Core | None = _core()
    UNFIT = ""
except (Exception, SystemExit) as error:  # noqa: BLE001  # whatever is wrong here, the module process says it better
    CORE = None
    if isinstance(error, Unfit):
        UNFIT = f"this ansible-core has changed, or lacks, {error}"
    elif isinstance(error, ImportError) and (error.name or "").partition(".")[0] == "requests":
        UNFIT = f"{sys.executable} cannot import requests"
    else:
        UNFIT = f"what it needs cannot be imported ({type(error).__name__})"


class ActionModule(NormalAction):
    """The action of every module of the collection."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module inside this process if that makes no difference, else the way that Ansible runs modules."""
        variables = task_vars or {}
        host = variables.get("inventory_hostname")
        try:
            environment = self._environment(variables)
            display.vvv(f"{self._task.action} runs inside the worker process", host=host)
            result = self._inside(variables, environment)
        except Unfit as reason:
            display.vvv(f"{self._task.action} runs as a module process: {reason}", host=host)
        except Exception as error:  # noqa: BLE001  # the process shows it as modules do; the text may hold anything
            display.vvv(f"{self._task.action} runs as a module process: {type(error).__name__} inside", host=host)
        else:
            merged: dict[str, t.Any] = merge_hash(super(NormalAction, self).run(tmp, task_vars), result)
            return merged
        told: dict[str, t.Any] = super().run(tmp, task_vars)  # type: ignore[no-untyped-call]
        return told

    def _environment(self, task_vars: dict[str, t.Any]) -> dict[str, str]:
        """Return the task's `environment:`; raises Unfit when the module has to be a process."""
        wanted = self._templar.template(task_vars.get(VARIABLE, True))
        try:
            if not boolean(wanted):
                raise Unfit(f"{VARIABLE} is false")
        except TypeError:
            raise Unfit(f"{VARIABLE} is {wanted!r}, which is neither true nor false") from None
        if CORE is None:
            raise Unfit(UNFIT)
        if sys.platform == "darwin":
            raise Unfit("macOS ends a forked process that looks for its proxies")
        if self._connection.transport != "local":
            raise Unfit(f"the connection is {self._connection.transport}, not local")
        if self._connection.become is not None or self._task.become:
            raise Unfit("become")
        if self._task.async_val:
            raise Unfit("async")
        if SETTINGS.DEFAULT_KEEP_REMOTE_FILES:
            raise Unfit("remote files are kept")
        if SETTINGS.DEFAULT_DEBUG or _debugged(task_vars):
            raise Unfit("modules are debugged")
        self._check_interpreter(task_vars)
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        read = _options.variable_names()
        foreign = sorted(str(name) for name in environment if name not in read and not _PROXY.match(str(name)))
        if foreign:
            raise Unfit(f"environment sets {', '.join(foreign)}")
        return {str(name): str(value) for name, value in environment.items()}

    def _check_interpreter(self, task_vars: dict[str, t.Any]) -> None:
        variables = task_vars
        if self._task.delegate_to:
            variables = task_vars["ansible_delegated_vars"][self._task.delegate_to]
        value = SETTINGS.config.get_config_value("INTERPRETER_PYTHON", variables=variables)
        interpreter = str(self._templar.template(value) or "auto")
        if interpreter not in DISCOVERED and not _same_python(interpreter):
            raise Unfit(f"ansible_python_interpreter is {interpreter}, not {sys.executable}")

    def _inside(self, task_vars: dict[str, t.Any], environment: dict[str, str]) -> dict[str, t.Any]:
        """Return what the module returns."""
        core = t.cast(Core, CORE)
        name = (getattr(self._task, "resolved_action", None) or self._task.action).rpartition(".")[2]
        arguments = dict(self._task.args)
        self._update_module_args(self._task.action, arguments, task_vars)
        said = core.encode({"ANSIBLE_MODULE_ARGS": arguments}).encode("utf-8")
        code, out, err = _run(core, f"{PLUGINS}.modules.{name}", said, environment, self._loader.get_basedir())
        if code not in (0, 1) or not out.strip():
            raise Unfit(f"it ended with {code!r} inside")
        self._used_interpreter = sys.executable
        returned = {"rc": code, "stdout": out, "stdout_lines": out.splitlines(), "stderr": err, "stderr_lines": []}
        parse: t.Callable[..., t.Any] = self._parse_returned_data  # its arguments depend on the core
        return _result(parse(returned, core.profile) if core.profile else parse(returned))


def _same_python(interpreter: str) -> bool:
    """Tell whether a path is the controller's own Python: another name for it in the same folder is."""
    folder, own = os.path.dirname(interpreter), os.path.dirname(sys.executable)
    return os.path.realpath(folder) == os.path.realpath(own) and os.path.realpath(interpreter) == os.path.realpath(
        sys.executable
    )


def _debugged(task_vars: dict[str, t.Any]) -> bool:
    """Tell whether ansible-core is to put a debugger or the like into its module processes."""
    if os.environ.get("_ANSIBLE_COVERAGE_CONFIG"):  # up to 2.18
        return True
    known = SETTINGS.config.get_configuration_definitions()
    names = [name for name in known if name.startswith("_ANSIBALLZ_") and name.endswith("_CONFIG")]
    return any(SETTINGS.config.get_config_value(name, variables=task_vars) is not None for name in names)


def _run(core: Core, module: str, said: bytes, environment: dict[str, str], folder: str) -> tuple[t.Any, str, str]:
    """Return the exit status, the standard output and the standard error of a module's main()."""
    out, err = io.StringIO(), io.StringIO()
    code: t.Any = 0
    with contextlib.ExitStack() as after:
        _leave_as_found(after, core, folder)
        basic._ANSIBLE_ARGS = said
        if core.profile:
            basic._ANSIBLE_PROFILE = core.profile
            # A module collects its warnings for its result; the controller shows its own at once.
            core.internal.is_controller = False
        collected._global_warnings.clear()
        collected._global_deprecations.clear()
        logging.disable(logging.CRITICAL)  # a process of its own would not write into the log of Ansible
        os.environ.update(environment)
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                importlib.import_module(module).main()
        except SystemExit as end:
            code = end.code or 0
    return code, out.getvalue(), err.getvalue()


def _leave_as_found(after: contextlib.ExitStack, core: Core, folder: str) -> None:
    """Have all that a module process could change for itself be put back."""
    variables, here, disabled = dict(os.environ), os.getcwd(), logging.root.manager.disable
    handler = signal.getsignal(signal.SIGUSR1)  # taken by AnsibleModule of ansible-core 2.22

    def restore() -> None:
        basic._ANSIBLE_ARGS = None
        if core.profile:
            basic._ANSIBLE_PROFILE = None
            core.internal.is_controller = True
        collected._global_warnings.clear()
        collected._global_deprecations.clear()
        logging.disable(disabled)
        if signal.getsignal(signal.SIGUSR1) is not handler:
            signal.signal(signal.SIGUSR1, handler)
        if os.environ != variables:
            os.environ.clear()
            os.environ.update(variables)
        if here != folder:
            os.chdir(here)

    after.callback(restore)


def _result(data: t.Any) -> dict[str, t.Any]:
    """Do to a parsed result what ActionBase._execute_module does."""
    result: dict[str, t.Any]
    if isinstance(data, dict):
        from ansible.utils.unsafe_proxy import wrap_var
        from ansible.vars import clean

        if not data.get("_ansible_parsed"):
            raise Unfit("it returned no result inside")
        remove: t.Callable[[dict[str, t.Any]], None] = clean.remove_internal_keys  # type: ignore[attr-defined]
        remove(data)
        result = wrap_var(data)
    else:
        if not data.ansible_parsed:
            raise Unfit("it returned no result inside")
        data.remove_internal_keys()
        result = data.as_result_dict(for_round_trip=True)
    return result
