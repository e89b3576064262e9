# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The faults by name: which actions there are, their settings, and ready-made ones for what services really send."""

from __future__ import annotations

from typing import Any

# Action -> its settings with their defaults.
ACTIONS: dict[str, dict[str, Any]] = {
    "status": {
        "code": 500,
        "body": None,
        "headers": {},
        "content_type": None,
        "retry_after": None,
        "retry_after_date": None,
        "reason": None,
    },
    "delay": {"seconds": 1.0},
    "reset": {},
    "close": {},
    "close_mid_body": {},
    "content_length_too_long": {"by": 10, "hold": False},
    "content_length_too_short": {"by": 10},
    "silence": {},
    "drip": {"every": 0.5, "start": "status"},
    "gzip": {},
    "bad_gzip": {},
    "not_utf8": {},
    "deep_nesting": {"depth": 100_000},
    "huge_body": {"size": 1024**3, "framing": "length", "gzip": False},
    "empty_body": {},
    "null_body": {},
    "list_body": {},
    "html_200": {},
}

_GATEWAY_ID = "914a39d68c290da3e187f827f7e1b771"


def _gateway(code: str, message: str) -> dict[str, Any]:
    return {"error_msg": message, "error_code": code, "request_id": _GATEWAY_ID}


def _html(title: str) -> str:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )


HTML_200 = _html("Welcome")
THROTTLED = _gateway(
    "APIG.0308", "The throttling threshold has been reached: policy api over ratelimit,limit:200,time:1 second"
)

# Name -> settings of the action "status".
PRESETS: dict[str, dict[str, Any]] = {
    "throttle_429": {"code": 429, "body": THROTTLED},
    "throttle_429_seconds": {"code": 429, "body": THROTTLED, "retry_after": 1},
    "throttle_429_date": {"code": 429, "body": THROTTLED, "retry_after_date": 2},
    "throttle_429_nonsense": {"code": 429, "body": THROTTLED, "retry_after": "a while"},
    "throttle_429_hour": {"code": 429, "body": THROTTLED, "retry_after": 3600},
    "server_500": {"code": 500, "body": _gateway("APIGW.0601", "Internal server error.")},
    "dis_5000": {"code": 500, "body": {"errorCode": "DIS.5000", "message": "System error."}},
    "html_502": {"code": 502, "body": _html("502 Bad Gateway"), "content_type": "text/html"},
    "backend_502": {"code": 502, "body": _gateway("APIGW.0201", "Backend unavailable.")},
    "empty_503": {"code": 503},
    "timeout_504": {"code": 504, "body": _gateway("APIGW.0201", "Backend timeout.")},
    "dms_throttle_404": {
        "code": 404,
        "body": {"error_code": "DMS.10240407", "error_msg": "The request is too frequent. Flow control."},
    },
    "dis_4303": {"code": 400, "body": {"errorCode": "DIS.4303", "message": "Exceeded traffic control limit."}},
    "dis_4305": {"code": 400, "body": {"errorCode": "DIS.4305", "message": "Too many stream requests."}},
    "dis_4309": {
        "code": 400,
        "body": {"errorCode": "DIS.4309", "message": "Too many request failures. Please try again later."},
    },
    "unauthorized_401": {
        "code": 401,
        "body": _gateway("APIGW.0301", "Incorrect IAM authentication information: decrypt token fail"),
    },
    "dms_token_401": {"code": 401, "body": {"error_code": "DMS.10240101", "error_msg": "Invalid token."}},
    "dis_token_441": {"code": 441, "body": {"errorCode": "DIS.4114", "message": "Invalid Token header."}},
    "forbidden_403": {"code": 403, "body": {"errorCode": "DIS.4116", "message": "Invalid RBAC."}},
    "dms_forbidden_403": {
        "code": 403,
        "body": {
            "error_code": "DMS.00403003",
            "error_msg": "This role does not have the permissions to perform this operation.",
        },
    },
    "no_api_404": {
        "code": 404,
        "body": _gateway("APIGW.0101", "The API does not exist or has not been published in the environment"),
    },
    "redirect_302": {"code": 302, "headers": {"Location": "https://auth.example.invalid/"}},
    "proxy_407": {
        "code": 407,
        "body": _html("407 Proxy Authentication Required"),
        "content_type": "text/html",
        "headers": {"Proxy-Authenticate": 'Basic realm="proxy"'},
    },
}
