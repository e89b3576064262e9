# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the connection, which every module has, and the environment variables that they are taken from.

Each is an entry of an argument spec of Ansible's, but for `env`: the variables, in the order in which they are asked.
"""

from __future__ import annotations

import os
import re
import typing as t

from ansible_collections.hwcloud.streaming.plugins.module_utils._wire.errors import ConfigurationError

Spec = t.Dict[str, t.Dict[str, t.Any]]

# They come from one source as a whole, so that no variable fills in what the options leave out.
CREDENTIALS: dict[str, tuple[str, ...]] = {
    "auth_token": ("HW_AUTH_TOKEN", "OS_AUTH_TOKEN"),
    "access_key": ("HUAWEICLOUD_SDK_AK", "HW_ACCESS_KEY", "OS_ACCESS_KEY"),
    "secret_key": ("HUAWEICLOUD_SDK_SK", "HW_SECRET_KEY", "OS_SECRET_KEY"),
    "security_token": ("HUAWEICLOUD_SDK_SECURITY_TOKEN", "HW_SECURITY_TOKEN"),
    "username": ("HW_USER_NAME", "OS_USERNAME"),
    "password": ("HW_USER_PASSWORD", "OS_PASSWORD"),
}
CONNECTION: Spec = {
    "region": {"env": ("HUAWEICLOUD_REGION", "HW_REGION_NAME", "OS_REGION_NAME")},
    "project_id": {"env": ("HUAWEICLOUD_SDK_PROJECT_ID", "HW_PROJECT_ID", "OS_PROJECT_ID", "OS_TENANT_ID")},
    "project_name": {"env": ("HW_PROJECT_NAME", "OS_PROJECT_NAME", "OS_TENANT_NAME")},
    "auth_token": {"no_log": True},
    "access_key": {"no_log": True, "aliases": ["ak"]},
    "secret_key": {"no_log": True, "aliases": ["sk"]},
    "security_token": {"no_log": True},
    "username": {},
    "password": {"no_log": True},
    "domain_name": {"env": ("HW_DOMAIN_NAME", "OS_DOMAIN_NAME", "OS_USER_DOMAIN_NAME")},
    "domain_id": {"env": ("HUAWEICLOUD_SDK_DOMAIN_ID", "HW_DOMAIN_ID", "OS_DOMAIN_ID", "OS_USER_DOMAIN_ID")},
    "credentials_file": {
        "type": "path",
        "default": "~/.huaweicloud/credentials",
        "env": ("HUAWEICLOUD_SDK_CREDENTIALS_FILE",),
    },
    "auth_type": {
        "default": "auto",
        "choices": ["auto", "token", "aksk", "password", "profile", "metadata"],
        "env": ("HUAWEICLOUD_AUTH_TYPE",),
    },
    "metadata_endpoint": {"default": "http://169.254.169.254", "env": ("HUAWEICLOUD_METADATA_ENDPOINT",)},
    "cloud": {"env": ("HW_CLOUD",)},
    "dis_endpoint": {"env": ("HUAWEICLOUD_DIS_ENDPOINT",)},
    "dms_endpoint": {"env": ("HUAWEICLOUD_DMS_ENDPOINT",)},
    "iam_endpoint": {"env": ("HUAWEICLOUD_SDK_IAM_ENDPOINT", "HW_AUTH_URL", "OS_AUTH_URL")},
    "sts_endpoint": {"env": ("HUAWEICLOUD_SDK_STS_ENDPOINT",)},
    "agency_name": {"env": ("HW_ASSUME_ROLE_AGENCY_NAME",)},
    "agency_domain_name": {"env": ("HW_ASSUME_ROLE_DOMAIN_NAME",)},
    "agency_domain_id": {"env": ("HW_ASSUME_ROLE_DOMAIN_ID",)},
    "agency_duration": {"type": "int", "default": 3600, "env": ("HW_ASSUME_ROLE_DURATION",)},
    "profile": {"env": ("HW_PROFILE",)},
    "shared_config_file": {"type": "path", "env": ("HW_SHARED_CONFIG_FILE",)},
    "validate_certs": {"type": "bool", "default": True},
    "ca_path": {"type": "path", "env": ("REQUESTS_CA_BUNDLE", "OS_CACERT", "CURL_CA_BUNDLE", "SSL_CERT_FILE")},
    "timeout": {"type": "float", "default": 30},
    "total_timeout": {"type": "float", "default": 300},
    "retries": {"type": "int", "default": 4},
    "concurrency": {"type": "int", "default": 16},
}
# What the two modules for DMS have for users of one enterprise project.
ENTERPRISE_PROJECT: Spec = {
    "enterprise_project_id": {"env": ("HUAWEICLOUD_ENTERPRISE_PROJECT_ID", "HW_ENTERPRISE_PROJECT_ID")}
}
LONGEST_TIMEOUT = 10**8  # seconds; the system's own limits are not far behind
SAFE_ID = re.compile(r"[A-Za-z0-9_-]+\Z")


def names_option(alias: str | None = None) -> dict[str, t.Any]:
    """Return the entry of an option that takes a list of names, or a single one."""
    option: dict[str, t.Any] = {"type": "list", "elements": "str"}
    return {**option, "aliases": [alias]} if alias else option


def limit_options(*names: str) -> Spec:
    """Return the entries of limits that a module judges by; `max_age` is raw, since a number stays one only so."""
    return {name: {"type": "raw" if name == "max_age" else "int"} for name in names}


def variable_names() -> frozenset[str]:
    """Return the names of all environment variables that options of the modules are taken from."""
    named = [option.get("env", ()) for option in (*CONNECTION.values(), *ENTERPRISE_PROJECT.values())]
    return frozenset(name for names in [*named, *CREDENTIALS.values()] for name in names)


def first_set(environment: t.Mapping[str, str], names: t.Iterable[str]) -> str | None:
    """Return the value of the first variable that is set and not empty."""
    return next((environment[name] for name in names if environment.get(name)), None)


def origin(params: t.Mapping[str, t.Any], environment: t.Mapping[str, str], option: str) -> str:
    """Return the variable that an option's value was taken from, or the option's name."""
    for variable in CONNECTION.get(option, {}).get("env", ()):
        if environment.get(variable):
            return variable if environment[variable] == str(params[option]) else option
    return option


def complete(params: dict[str, t.Any], environment: t.Mapping[str, str]) -> None:
    """Fill options that were given as null or as an empty text, as if they had been left out."""
    for name, option in {**CONNECTION, **ENTERPRISE_PROJECT}.items():
        if name in CREDENTIALS or name not in params or params[name] not in (None, ""):
            continue
        params[name] = first_set(environment, option.get("env", ())) or option.get("default")
        if option.get("type") == "path" and params[name]:
            params[name] = os.path.expanduser(os.path.expandvars(params[name]))
    for name, option in CONNECTION.items():
        if option.get("type") == "path" and "\0" in (params[name] or ""):
            raise ConfigurationError(f"{name} holds a NUL character, which no path of a file can.")


def check(params: t.Mapping[str, t.Any]) -> None:
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
    if params["project_id"] and not SAFE_ID.match(params["project_id"]):
        raise ConfigurationError(f"project_id is {params['project_id']!r}: it has letters, digits, '-' and '_' only.")
