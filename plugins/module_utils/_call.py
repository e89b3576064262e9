# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One call: options in, a result with facts and failures out. Knows nothing of who runs it: a module, an event source."""

from __future__ import annotations

import os
import sys
import time
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils import _options
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import sources
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.agency import Agency, agency
from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.secrets import Cleaner, bounded
from ansible_collections.hwcloud.streaming.plugins.module_utils._options import SAFE_ID
from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import (
    ConfigurationError,
    Failure,
    defect,
)

if t.TYPE_CHECKING:
    from ansible_collections.hwcloud.streaming.plugins.module_utils._identity.credentials import Profile
    from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.client import Client
    from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.request import Endpoint, Flow
    from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.transport import Transport

NO_STATS = {"requests": 0, "retries": 0, "throttled": 0, "connections": 0, "elapsed": 0.0}
LIMITS = ("max_age", "max_lag", "max_discarded")  # the options that add to the problems
LONGEST_WARNING = 2000  # characters: names that a service sends stand in some
SHOWN_FAILURES = 100  # in `errors`


class Options:
    """The options of one call, as a question checks them; `now` is epoch milliseconds."""

    def __init__(self, params: dict[str, t.Any], warn: t.Callable[[str], None]) -> None:
        self.params, self.warn = params, warn
        self.now = int(time.time() * 1000)
        self.limits: dict[str, t.Any] = {}  # those that were given, once they have been checked

    def names(self, option: str, in_path: bool = True, longest: int | None = None) -> list[str] | None:
        """Return a list option without duplicates; None stays None ("all that there is").

        in_path: the names become part of a path, so they are letters, digits, "-" and "_" only.
        """
        values = self.params[option]
        if values is None:
            return None
        for value in values:
            if not value.strip():
                raise ConfigurationError(
                    f"{option} holds an empty name: leave the option out to ask for all, give an empty list to ask for none."
                )
            if in_path and not SAFE_ID.match(value):
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
        values = self.names(option, in_path=False)
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
        if value and not SAFE_ID.match(value):
            raise ConfigurationError(
                f"enterprise_project_id is {value!r}: it has letters, digits, '-' and '_' only (0 is the default one)."
            )
        return value

    def one_of(self, *options: str) -> None:
        """Refuse more than one of the options. (Ansible's own check counts those that are null.)"""
        given = [option for option in options if self.params[option] is not None]
        if len(given) > 1:
            raise ConfigurationError(f"{' and '.join(given)} are mutually exclusive: leave out all but one.")


# The service to ask, and the flow that returns the facts.
Asked = t.Tuple[str, t.Callable[["Client"], "Flow"]]


class Question(t.NamedTuple):
    """What one module asks.

    options: the entries of its argument spec that are its own. nothing: the facts of a call that asked for nothing or
    could not ask. check: looks at the options and returns what they ask for, None when that is nothing. line: says of a
    result how many things of what kind there are. tasks: the list that the option only_problems cuts.
    """

    options: _options.Spec
    nothing: t.Dict[str, t.Any]
    check: t.Callable[[Options], t.Optional[Asked]]
    line: t.Callable[[t.Dict[str, t.Any]], str]
    tasks: str = ""


class Caller(t.NamedTuple):
    """Who runs the call: what takes warnings and what is of interest for debugging, and is told every secret at once."""

    warn: t.Callable[[str], None]
    debug: t.Callable[[str], None]
    learned: t.Callable[..., None]
    missing_library: t.Callable[[str], str] = "The Python library {0} is missing.".format


class Session:
    """Asks questions with one set of connection options. What is worth keeping is kept: connections and credentials."""

    def __init__(
        self, params: t.Mapping[str, t.Any], caller: Caller, environment: t.Mapping[str, str] | None = None
    ) -> None:
        self._params, self._caller = dict(params), caller
        self._environment: t.Mapping[str, str] = os.environ if environment is None else environment
        self.cleaner = Cleaner()
        self._transport: Transport | None = None
        self._found: t.Any = None  # the credentials of the last question
        self._kept: tuple[t.Any, str | None] = (None, None)  # what was obtained with them, and the project's ID

    def ask(self, question: Question, last: bool = False) -> dict[str, t.Any]:
        """Return the result of a question, as a module returns it; with `failed` when anything failed.

        last: no other follows. Then the connections are closed before the result is judged: they may hold every file
        handle that there is.
        """
        params = dict(self._params)
        result: dict[str, t.Any] = {
            "changed": False,
            **question.nothing,
            "region": None,
            "project_id": None,
            "request_stats": NO_STATS,
        }
        options = Options(params, self._warn)
        try:
            failures = self._gather(question, options, result)
        except ConfigurationError as error:
            failures = [Failure("configuration", error_msg=self.cleaner.clean(str(error)))]
        except Exception as error:  # noqa: BLE001  # a defect of the collection: say where, not what the values were
            failures = [Failure("protocol", error_msg=defect(error))]
        finally:
            if last:
                self.close()
        failures, left_out = _bounded([_masked(failure, self.cleaner) for failure in failures])
        try:
            message = _judge(question, options, result, failures, left_out, self.cleaner)
        except Exception as error:  # noqa: BLE001  # likewise: what was gathered is still in the result
            failures, more = _bounded([Failure("protocol", error_msg=defect(error)), *failures])
            left_out += more
            message = _failure_message(failures, left_out)
            result["problems"] = [f"failed: {message}"]
        result["msg"] = message
        if failures:
            result.update(_told(failures, left_out))
        return result

    def close(self) -> None:
        """Close the connections, those in use too: who waits for an answer waits no longer."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def _warn(self, text: str) -> None:
        self._caller.warn(self.cleaner.mask([text])[0][:LONGEST_WARNING])

    def _learned(self, *secrets: str | None) -> None:
        self.cleaner.add(*secrets)
        self._caller.learned(*secrets)

    def _origin(self, params: t.Mapping[str, t.Any], option: str) -> str:
        return _options.origin(params, self._environment, option)

    def _gather(self, question: Question, options: Options, result: dict[str, t.Any]) -> list[Failure]:
        """Fill the result with what can be had; return what failed."""
        params = options.params
        _options.complete(params, self._environment)
        result.update(region=params["region"], project_id=params["project_id"])
        self.cleaner.add(*(params[name] for name in _options.CREDENTIALS if name != "username"))
        self._learned(*_proxy_passwords(self._environment))
        credentials, profile = sources.find(params, self._environment)
        self._learned(*credentials.secrets())
        acting_as = agency(params, credentials, lambda option: self._origin(params, option))
        filled = _fill(params, profile, acting_as)
        _options.check(params)
        result.update(region=params["region"], project_id=params["project_id"])
        options.limits = _limits(params)
        asked = question.check(options)
        if asked is None:
            return []
        service, flow = asked
        from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import iam

        client = self._client(params, [service, *([acting_as.service] if acting_as else [])])
        client.origins = {
            name: self._address(params, filled, name) for name in ("dis", "dms", "iam", "sts", "metadata")
        }
        named_by = "project_name" if params["project_name"] else "region"
        source = filled.get(named_by) or self._origin(params, named_by)
        told = f" (from {source})" if source != named_by else ""
        project = iam.Project(params["project_id"], params[named_by], told)
        acting = iam.Acting(acting_as, params["domain_id"]) if acting_as else None
        if not project.id and not project.name:
            raise ConfigurationError(
                "The project is not known: set region (or HUAWEICLOUD_REGION, for example eu-west-101), "
                "project_name (HW_PROJECT_NAME) or project_id (HUAWEICLOUD_SDK_PROJECT_ID)."
            )
        if credentials == self._found:
            client.credentials, client.project_id = self._kept
        self._found = credentials
        try:
            if client.run(iam.authenticate(client, credentials, project, self._learned, acting)):
                result["project_id"] = client.project_id
                result.update(client.run(flow(client)))
        finally:
            self._kept = client.credentials, client.project_id
            result["request_stats"] = client.stats()
            client.close()
        return [failure for _place, failure in sorted(client.failures, key=lambda entry: entry[0])]

    def _client(self, params: dict[str, t.Any], services: list[str]) -> Client:
        """Return a client with the endpoints and limits that the options say; what is missing for the services is said first."""
        from ansible_collections.hwcloud.streaming.plugins.module_utils._identity import endpoints
        from ansible_collections.hwcloud.streaming.plugins.module_utils._wire import client, transport

        known: dict[str, Endpoint] = {}

        def endpoint(name: str) -> Endpoint:
            if name == "metadata" and name not in known:
                known[name] = endpoints.parse("metadata_endpoint", params["metadata_endpoint"])
            elif name not in known:
                known[name] = endpoints.resolve(name, params["region"], params["cloud"], params[f"{name}_endpoint"])
                if known[name].url.startswith("http:") and not endpoints.is_loopback(known[name]):
                    self._caller.warn(
                        f"{name}_endpoint is http://{known[name].host}, without encryption: whoever sits between this host"
                        " and the service can read the credentials."
                    )
            return known[name]

        for service in services:
            endpoint(service)
        if self._transport is None:
            if not params["validate_certs"]:
                self._caller.warn(
                    "validate_certs is false: whoever sits between this host and the service can read the credentials."
                )
            try:
                self._transport = transport.Transport(
                    params["concurrency"], params["timeout"], params["validate_certs"], params["ca_path"]
                )
            except transport.MissingRequests as error:
                missing = self._caller.missing_library("requests")
                raise ConfigurationError(f"{missing}. {how_to_install()}") from error
        policy = client.Policy(params["total_timeout"], params["retries"], params["concurrency"])
        return client.Client(
            self._transport,
            endpoint,
            policy,
            self.cleaner.clean,
            lambda count: self._caller.debug(f"{count} requests sent"),
        )

    def _address(self, params: dict[str, t.Any], filled: dict[str, str], service: str) -> str:
        """Return which options or variables a service's endpoint is made of; `filled` are those that a file gave."""
        option = f"{service}_endpoint"
        parts = [option] if params[option] else [name for name in ("region", "cloud") if params[name]]
        named = [filled.get(name) or self._origin(params, name) for name in parts]
        told = [name if name == source else f"{name}, from {source}" for name, source in zip(parts, named)]
        return told[0] if params[option] else f"built of {' and '.join(told)}"


# -- before


def _fill(params: dict[str, t.Any], profile: Profile, acting_as: Agency | None) -> dict[str, str]:
    """Take what the options leave open from the file that the credentials are from; return the file's name by option."""
    filled = {}
    for name in ("region", "project_id", "domain_id", "iam_endpoint"):
        if name == "project_id" and acting_as:  # the file's project is the base account's, not the agency's
            continue
        if not params[name] and profile.values.get(name):
            params[name], filled[name] = profile.values[name], profile.source
    return filled


def _limits(params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return the limits that were given; refuse those that cannot be."""
    given = {name: params[name] for name in LIMITS if params.get(name) is not None}
    if given:
        from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

        _standing.check_limits(given)
    return given


def how_to_install() -> str:
    """Return how to get the missing library for this Python: one that the system manages takes nothing from pip."""
    pip = f"{sys.executable} -m pip install 'requests>=2.25.1'"
    if "/pipx/" in sys.prefix:
        return f"For example: pipx inject {os.path.basename(sys.prefix)} requests, or {pip}"
    import sysconfig

    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")  # PEP 668
    if sys.prefix == sys.base_prefix and os.path.exists(marker):
        return "This Python is the system's own: install the distribution's package, which is mostly called python3-requests."
    return f"For example: {pip}, or where this is the system's own Python, the distribution's package python3-requests"


def _proxy_passwords(environment: t.Mapping[str, str]) -> t.Iterator[str]:
    """Yield the passwords that the environment's proxy URLs hold."""
    for name, value in environment.items():
        if name.lower().endswith("_proxy") and "@" in value:
            from urllib.parse import unquote

            password = value.rpartition("@")[0].rpartition("/")[2].partition(":")[2]
            yield from {password, unquote(password)}


# -- after


def _masked(failure: Failure, cleaner: Cleaner) -> Failure:
    """Return a failure whose request does not show a secret: a resource may have one as its name."""
    purpose, path = cleaner.mask([failure.purpose, failure.path or ""])
    return failure._replace(purpose=bounded(purpose), path=path or None)


def _judge(
    question: Question,
    options: Options,
    result: dict[str, t.Any],
    failures: list[Failure],
    left_out: int,
    cleaner: Cleaner,
) -> str:
    """Put into the result what is wrong in it; return its message: how things stand, or what failed."""
    from ansible_collections.hwcloud.streaming.plugins.module_utils import _standing

    message = _failure_message(failures, left_out) if failures else ""
    seen = {**result, "msg": message, **_told(failures, left_out)} if failures else result
    problems = _standing.judge(seen, options.limits, options.now, cleaner.mask)
    result.update(summary=seen["summary"], problems=problems)
    message = message or cleaner.mask([_standing.with_problems(question.line(result), problems)])[0]
    if options.params.get("only_problems"):
        result[question.tasks] = [task for task in result[question.tasks] if task["problems"]]
    return message


def _told(failures: list[Failure], left_out: int) -> dict[str, t.Any]:
    """Return the keys of a result that tell of failures."""
    errors = [failure.as_dict() for failure in failures]
    return {"failed": True, "error": _first(failures).as_dict(), "errors": errors, "errors_left_out": left_out}


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
