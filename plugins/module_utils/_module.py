# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every module of the collection does around its own question: options in, result or failure out."""

from __future__ import annotations

import importlib
import os
import re
import sys
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.errors import AnsibleFallbackNotFound
from ansible_collections.hwcloud.streaming.plugins.module_utils import _auth, _endpoints
from ansible_collections.hwcloud.streaming.plugins.module_utils._errors import ConfigurationError, Failure, defect
from ansible_collections.hwcloud.streaming.plugins.module_utils._secrets import MASK, Cleaner, bounded

if t.TYPE_CHECKING:
    from ansible_collections.hwcloud.streaming.plugins.module_utils._client import Client, Flow

NO_STATS = {"requests": 0, "retries": 0, "throttled": 0, "connections": 0, "elapsed": 0.0}
REGISTERED_LENGTH = 8  # Ansible replaces a registered value wherever it occurs: shorter ones would garble facts
LIMITS = ("max_age", "max_lag", "max_discarded")  # the options that add to the problems
LONGEST_WARNING = 2000  # characters: names that a service sends stand in some
SHOWN_FAILURES = 100  # in `errors`
LONGEST_TIMEOUT = 10**8  # seconds; the system's own limits are not far behind
_SAFE = re.compile(r"[A-Za-z0-9_-]+\Z")


def _environment(*variables: str) -> str:
    """Return the first of the environment variables that is set and not empty (Ansible's own fallback takes empty ones)."""
    for variable in variables:
        if os.environ.get(variable):
            return os.environ[variable]
    raise AnsibleFallbackNotFound


def _filled(*variables: str, **option: t.Any) -> dict[str, t.Any]:
    return {"type": "str", "fallback": (_environment, list(variables)), **option}


def connection_options() -> dict[str, dict[str, t.Any]]:
    """Return the argument spec of the connection options, which every module has.

    The credentials have no fallback here: they come from one source as a whole, which `_auth.find` sees to.
    """
    variables = _auth.ENVIRONMENT
    return {
        "region": _filled(*variables["region"]),
        "project_id": _filled(*variables["project_id"]),
        "project_name": _filled(*variables["project_name"]),
        "auth_token": {"type": "str", "no_log": True},
        "access_key": {"type": "str", "no_log": True, "aliases": ["ak"]},
        "secret_key": {"type": "str", "no_log": True, "aliases": ["sk"]},
        "security_token": {"type": "str", "no_log": True},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "domain_name": _filled("HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME"),
        "domain_id": _filled("HUAWEICLOUD_SDK_DOMAIN_ID", "HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID"),
        "credentials_file": _filled(
            "HUAWEICLOUD_SDK_CREDENTIALS_FILE", type="path", default="~/.huaweicloud/credentials"
        ),
        "auth_type": _filled(
            "HUAWEICLOUD_AUTH_TYPE",
            default="auto",
            choices=["auto", "token", "aksk", "password", "profile", "metadata"],
        ),
        "metadata_endpoint": _filled(*variables["metadata_endpoint"], default="http://169.254.169.254"),
        "cloud": _filled(*variables["cloud"]),
        "dis_endpoint": _filled(*variables["dis_endpoint"]),
        "dms_endpoint": _filled(*variables["dms_endpoint"]),
        "iam_endpoint": _filled(*variables["iam_endpoint"]),
        "sts_endpoint": _filled(*variables["sts_endpoint"]),
        "agency_name": _filled(*variables["agency_name"]),
        "agency_domain_name": _filled(*variables["agency_domain_name"]),
        "agency_domain_id": _filled(*variables["agency_domain_id"]),
        "agency_duration": _filled(*variables["agency_duration"], type="int", default=3600),
        "profile": _filled(*variables["profile"]),
        "shared_config_file": _filled(*variables["shared_config_file"], type="path"),
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": _filled("REQUESTS_CA_BUNDLE", "OS_CACERT", "CURL_CA_BUNDLE", "SSL_CERT_FILE", type="path"),
        "timeout": {"type": "float", "default": 30},
        "total_timeout": {"type": "float", "default": 300},
        "retries": {"type": "int", "default": 4},
        "concurrency": {"type": "int", "default": 16},
    }


def enterprise_project_option() -> dict[str, t.Any]:
    """Return the spec of the option that the two DMS modules have for users of one enterprise project."""
    return _filled("HUAWEICLOUD_ENTERPRISE_PROJECT_ID", "HW_ENTERPRISE_PROJECT_ID")


def environment_variables() -> frozenset[str]:
    """Return the names of all environment variables that options of the modules are taken from."""
    specs = [*connection_options().values(), enterprise_project_option()]
    named = [spec["fallback"][1] for spec in specs if "fallback" in spec]
    return frozenset(name for names in [*named, *_auth.SECRET_ENVIRONMENT.values()] for name in names)


def list_option(alias: str | None = None) -> dict[str, t.Any]:
    """Return the spec of an option that takes a list of names, or a single one."""
    option: dict[str, t.Any] = {"type": "list", "elements": "str"}
    if alias:
        option["aliases"] = [alias]
    return option


def limit_options(*names: str) -> dict[str, dict[str, t.Any]]:
    """Return the specs of the limits that a module judges by; `max_age` is raw, since a number stays one only so."""
    return {name: {"type": "raw" if name == "max_age" else "int"} for name in names}


class Call:
    """One run of a module: its options, checked, and what it needs to ask and to warn."""

    def __init__(self, module: AnsibleModule, cleaner: Cleaner) -> None:
        self.params: dict[str, t.Any] = module.params
        self.now = int(time.time() * 1000)
        self.limits: dict[str, t.Any] = {}  # those that were given, once they have been checked
        self.warn: t.Callable[[str], None] = lambda text: module.warn(cleaner.mask([text])[0][:LONGEST_WARNING])

    def names(self, option: str, safe: bool = True, longest: int | None = None) -> list[str] | None:
        """Return a list option without duplicates; None stays None ("all that there is").

        `safe` names go into a path, so they are letters, digits, "-" and "_" only.
        """
        values = self.params[option]
        if values is None:
            return None
        for value in values:
            if not value.strip():
                raise ConfigurationError(
                    f"{option} holds an empty name: leave the option out to ask for all, give an empty list to ask for none."
                )
            if safe and not _SAFE.match(value):
                raise ConfigurationError(
                    f"{option} holds {value!r}: a name or ID has letters, digits, '-' and '_' only."
                )
            if longest and len(value) > longest:
                raise ConfigurationError(f"{option} holds {value!r}: a name has at most {longest} characters.")
        return list(dict.fromkeys(values))

    def words(self, option: str, known: str) -> frozenset[str] | None:
        """Return a filter option's words in upper case; None when there is no such filter.

        A word that is none of the `known` ones is warned of, no more: the services may know others tomorrow.
        """
        values = self.names(option, safe=False)
        if values is None:
            return None
        words = dict.fromkeys(value.strip().upper() for value in values)
        unknown = [word for word in words if word not in known.split()]
        if unknown:
            self.warn(
                f"{option} holds {', '.join(repr(word) for word in unknown)}, which the service is not known to send; "
                f"known are {', '.join(known.split())}. Such a word selects nothing."
            )
        return frozenset(words)

    def enterprise_project(self) -> str | None:
        """Return the enterprise project that the list of instances is asked for, or None."""
        value: str | None = self.params["enterprise_project_id"]
        if not value:  # given as null or as an empty text, as if it had been left out
            try:
                value = _environment(*enterprise_project_option()["fallback"][1])
            except AnsibleFallbackNotFound:
                return None
        if not _SAFE.match(value):
            raise ConfigurationError(
                f"enterprise_project_id is {value!r}: it has letters, digits, '-' and '_' only (0 is the default one)."
            )
        return value

    def one_of(self, *options: str) -> None:
        """Refuse more than one of the options. (Ansible's own check counts those that are null.)"""
        given = [option for option in options if self.params[option] is not None]
        if len(given) > 1:
            raise ConfigurationError(f"{' and '.join(given)} are mutually exclusive: leave out all but one.")

    def any_of(self, *options: str) -> None:
        """Refuse none of the options."""
        if all(self.params[option] is None for option in options):
            raise ConfigurationError(f"one of the following is required: {', '.join(options)}.")


class Question(t.NamedTuple):
    """What a module asks: the service that it is for, and the flow that returns the module's facts."""

    service: str
    flow: t.Callable[[Client], Flow]


Check = t.Callable[[Call], t.Optional[Question]]
Line = t.Callable[[t.Dict[str, t.Any]], str]


def run(
    options: dict[str, dict[str, t.Any]], nothing: dict[str, t.Any], check: Check, line: Line, tasks: str = ""
) -> None:
    """Be the module: `check` looks at the options and returns the question, or None when there is nothing to ask.

    The question is a flow that returns the module's facts; `nothing` are the facts of a call that asked for nothing or
    could not ask. `line` says of a result how many things of what kind there are; `tasks` is the list that the option
    only_problems cuts. This is the only place that ends the process.
    """
    module = AnsibleModule(argument_spec={**options, **connection_options()}, supports_check_mode=True)
    cleaner = Cleaner()
    result: dict[str, t.Any] = {
        "changed": False,
        **nothing,
        "region": None,
        "project_id": None,
        "request_stats": NO_STATS,
    }
    call = Call(module, cleaner)
    try:
        failures = _gather(module, cleaner, result, call, check)
    except ConfigurationError as error:
        failures = [Failure("configuration", error_msg=cleaner.clean(str(error)))]
    except Exception as error:  # noqa: BLE001  # a defect of the collection: say where, not what the values were
        failures = [Failure("protocol", error_msg=defect(error))]
    failures, left_out = _bounded(failures)
    failures = [_masked(failure, cleaner) for failure in failures]
    try:
        message = _stand(result, failures, left_out, call, cleaner, line)
        if module.params.get("only_problems"):
            result[tasks] = [task for task in result[tasks] if task["problems"]]
    except Exception as error:  # noqa: BLE001  # likewise: what was gathered is still in the result
        failures, more = _bounded([Failure("protocol", error_msg=defect(error)), *failures])
        left_out += more
        message = _failure_message(failures, left_out)
        result["problems"] = [f"failed: {message}"]
    _finish(module, result, failures, left_out, message)


def _gather(
    module: AnsibleModule, cleaner: Cleaner, result: dict[str, t.Any], call: Call, check: Check
) -> list[Failure]:
    """Fill the result with what can be had; return what failed."""
    params = module.params
    _complete_connection(params)
    result.update(region=params["region"], project_id=params["project_id"])

    def learned(*secrets: str | None) -> None:
        cleaner.add(*secrets)
        module.no_log_values.update(secret for secret in secrets if secret and len(secret) >= REGISTERED_LENGTH)

    cleaner.add(*(params[name] for name in _auth.SECRET_ENVIRONMENT if name != "username"))
    learned(*_proxy_passwords())
    credentials, profile = _auth.find(params, os.environ)
    learned(*credentials.secrets())
    agency = _auth.agency(params, credentials, lambda option: _auth.origin(params, os.environ, option))
    filled = {}
    for name in ("region", "project_id", "domain_id", "iam_endpoint"):
        if name == "project_id" and agency:  # the file's project is the base account's, not the agency's
            continue
        if not params[name] and profile.values.get(name):
            params[name], filled[name] = profile.values[name], profile.source
    _check_connection(params)
    result.update(region=params["region"], project_id=params["project_id"])
    given = {name: params[name] for name in LIMITS if params.get(name) is not None}
    if given:
        from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

        _standing.check_limits(given)
        call.limits = given
    question = check(call)
    if question is None:
        return []
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _iam

    client = _client_for(module, cleaner, [question.service, *([agency.service] if agency else [])])
    named_by = "project_name" if params["project_name"] else "region"
    source = filled.get(named_by) or _auth.origin(params, os.environ, named_by)
    told = f" (from {source})" if source != named_by else ""
    project = _iam.Project(params["project_id"], params[named_by], told)
    acting = _iam.Acting(agency, params["domain_id"]) if agency else None
    client.origins = {name: _origin_of(params, filled, name) for name in ("dis", "dms", "iam", "sts", "metadata")}
    if not project.id and not project.name:
        raise ConfigurationError(
            "The project is not known: set region (or HUAWEICLOUD_REGION, for example eu-west-101), "
            "project_name (HW_PROJECT_NAME) or project_id (HUAWEICLOUD_SDK_PROJECT_ID)."
        )
    try:
        if client.run(_iam.authenticate(client, credentials, project, learned, acting)):
            result["project_id"] = client.project_id
            result.update(client.run(question.flow(client)))
    finally:
        result["request_stats"] = client.stats()
        client.close()
    return [failure for _place, failure in sorted(client.failures, key=lambda entry: entry[0])]


def _client_for(module: AnsibleModule, cleaner: Cleaner, services: list[str]) -> Client:
    """Return a client with the endpoints and limits that the options say; what is missing for the services is said first."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _client, _transport

    params = module.params
    endpoints: dict[str, _endpoints.Endpoint] = {}

    def endpoint(name: str) -> _endpoints.Endpoint:
        if name == "metadata" and name not in endpoints:
            endpoints[name] = _endpoints.parse("metadata_endpoint", params["metadata_endpoint"])
        elif name not in endpoints:
            found = _endpoints.resolve(name, params["region"], params["cloud"], params[f"{name}_endpoint"])
            if found.url.startswith("http:") and not _endpoints.is_loopback(found):
                module.warn(
                    f"{name}_endpoint is http://{found.host}, without encryption: whoever sits between this host and the"
                    " service can read the credentials."
                )
            endpoints[name] = found
        return endpoints[name]

    for service in services:
        endpoint(service)
    if not params["validate_certs"]:
        module.warn("validate_certs is false: whoever sits between this host and the service can read the credentials.")
    try:
        transport = _transport.Transport(
            params["concurrency"], params["timeout"], params["validate_certs"], params["ca_path"]
        )
    except _transport.MissingRequests as error:
        raise ConfigurationError(f"{missing_required_lib('requests')}. {_how_to_install()}") from error
    policy = _client.Policy(params["total_timeout"], params["retries"], params["concurrency"])
    return _client.Client(transport, endpoint, policy, cleaner, lambda count: module.debug(f"{count} requests sent"))


def _origin_of(params: dict[str, t.Any], filled: dict[str, str], service: str) -> str:
    """Return which options or variables a service's endpoint is made of; `filled` are those that a file gave."""
    option = f"{service}_endpoint"
    parts = [option] if params[option] else [name for name in ("region", "cloud") if params[name]]
    named = [filled.get(name) or _auth.origin(params, os.environ, name) for name in parts]
    told = [name if name == source else f"{name}, from {source}" for name, source in zip(parts, named)]
    return told[0] if params[option] else f"built of {' and '.join(told)}"


def _how_to_install() -> str:
    """Return how to get the missing library for this Python: one that the system manages takes nothing from pip."""
    pip = f"{sys.executable} -m pip install 'requests>=2.25.1'"
    if "/pipx/" in sys.prefix:
        return f"For example: pipx inject {os.path.basename(sys.prefix)} requests, or {pip}"
    import sysconfig

    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")  # PEP 668
    if sys.prefix == sys.base_prefix and os.path.exists(marker):
        return "This Python is the system's own: install the distribution's package, which is mostly called python3-requests."
    return f"For example: {pip}, or where this is the system's own Python, the distribution's package python3-requests"


def _complete_connection(params: dict[str, t.Any]) -> None:
    """Fill options that were given as null or as an empty text, as if they had been left out."""
    for name, option in connection_options().items():
        if name in _auth.SECRET_ENVIRONMENT or params[name] not in (None, ""):
            continue
        params[name] = option.get("default")
        if "fallback" in option:
            strategy, variables = option["fallback"]
            try:
                params[name] = strategy(*variables)
            except AnsibleFallbackNotFound:
                pass
        if option["type"] == "path" and params[name]:
            params[name] = os.path.expanduser(os.path.expandvars(params[name]))
    for name, option in connection_options().items():
        if option["type"] == "path" and "\0" in (params[name] or ""):
            raise ConfigurationError(f"{name} holds a NUL character, which no path of a file can.")


def _check_connection(params: dict[str, t.Any]) -> None:
    """Refuse values that cannot work, whatever the service says."""
    for name in ("timeout", "total_timeout"):
        if not 0 < params[name] <= LONGEST_TIMEOUT:
            raise ConfigurationError(
                f"{name} is {params[name]:g}: it takes a number of seconds greater than 0, up to {LONGEST_TIMEOUT}."
            )
    if params["retries"] < 0:
        raise ConfigurationError(f"retries is {params['retries']}: it takes 0 or more.")
    if not 1 <= params["concurrency"] <= 64:
        raise ConfigurationError(f"concurrency is {params['concurrency']}: it takes 1 to 64.")
    if params["project_id"] and not _SAFE.match(params["project_id"]):
        raise ConfigurationError(f"project_id is {params['project_id']!r}: it has letters, digits, '-' and '_' only.")


def _proxy_passwords() -> t.Iterator[str]:
    """Yield the passwords that the environment's proxy URLs hold."""
    for name, value in os.environ.items():
        if name.lower().endswith("_proxy") and "@" in value:
            from urllib.parse import unquote

            password = value.rpartition("@")[0].rpartition("/")[2].partition(":")[2]
            yield from {password, unquote(password)}


def _masked(failure: Failure, cleaner: Cleaner) -> Failure:
    """Return a failure whose request does not show a secret: a resource may have one as its name."""
    purpose, path = cleaner.mask([failure.purpose, failure.path or ""])
    return failure._replace(purpose=bounded(purpose), path=path or None)


def _stand(
    result: dict[str, t.Any], failures: list[Failure], left_out: int, call: Call, cleaner: Cleaner, line: Line
) -> str:
    """Put into the result what is wrong in it; return its message: how things stand, or what failed."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

    seen = result
    message = ""
    if failures:
        errors = [failure.as_dict() for failure in failures]
        first = _first(failures).as_dict()
        message = _failure_message(failures, left_out)
        told = {"msg": message, "error": first, "errors": errors, "errors_left_out": left_out}
        seen = {**result, "failed": True, **told}
    problems = _standing.judge(seen, call.limits, call.now, cleaner.mask)
    result.update(summary=seen["summary"], problems=problems)
    return message or cleaner.mask([_standing.with_problems(line(result), problems)])[0]


def _first(failures: list[Failure]) -> Failure:
    """Return the failure that the message speaks of: one whose request had its turn, if any had."""
    return next((failure for failure in failures if failure.attempts), failures[0])


def _bounded(failures: list[Failure]) -> tuple[list[Failure], int]:
    """Return the failures that are shown, the one that the message speaks of among them, and how many are not."""
    if len(failures) <= SHOWN_FAILURES:
        return failures, 0
    shown = failures[:SHOWN_FAILURES]
    first = _first(failures)
    if first not in shown:
        shown[-1] = first
    return shown, len(failures) - SHOWN_FAILURES


def _failure_message(failures: list[Failure], left_out: int) -> str:
    first = _first(failures)
    message = first.error_msg or "" if first.kind == "configuration" else first.sentence()
    others = len(failures) - 1 + left_out
    if others:
        more = "1 more request" if others == 1 else f"{others} more requests"
        message = f"{message} {more} failed or had no turn, see errors; what did arrive is in the result."
    return message


def _finish(
    module: AnsibleModule, result: dict[str, t.Any], failures: list[Failure], left_out: int, message: str
) -> t.NoReturn:
    """End the module with what was gathered, as a failure if anything failed."""
    if failures:
        result["errors"] = [failure.as_dict() for failure in failures]
        result["errors_left_out"] = left_out
    module.no_log_values = _registered(module.no_log_values, result)
    _hide(module.no_log_values)
    result["invocation"] = {"module_args": _shown_options(module)}
    if not failures:
        module.exit_json(msg=message, **result)
    result["error"] = _first(failures).as_dict()
    module.fail_json(msg=message, **result)


def _shown_options(module: AnsibleModule) -> dict[str, t.Any]:
    """Return the options as the result may show them: secrets are masked by name, so that this needs no search by value."""
    secret = {
        name
        for option, spec in connection_options().items()
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
