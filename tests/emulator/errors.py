# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Error answers in the form that each service sends them; ``Refusal`` carries one out of the depth."""

from __future__ import annotations

from .protocol import Answer, Request


class Refusal(Exception):
    """Ends the handling of a request with this answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def gateway(request: Request, status: int, code: str, message: str) -> Answer:
    """The API gateway's own form, with the request id inside too."""
    return Answer.of({"error_msg": message, "error_code": code, "request_id": request.request_id}, status)


def unauthenticated(request: Request, detail: str) -> Answer:
    """The gateway's answer to wrong credentials."""
    return gateway(request, 401, "APIGW.0301", f"Incorrect IAM authentication information: {detail}")


def unknown_path(request: Request) -> Answer:
    """The gateway's answer to a path that no service has published."""
    return gateway(request, 404, "APIGW.0101", "The API does not exist or has not been published in the environment")


def dis(status: int, code: str, message: str) -> Answer:
    """DIS writes errorCode and message; what does not exist comes with HTTP 400."""
    return Answer.of({"errorCode": f"DIS.{code}", "message": message}, status)


def dms(status: int, code: str, message: str) -> Answer:
    """DMS writes error_code and error_msg."""
    return Answer.of({"error_code": f"DMS.{code}", "error_msg": message}, status)


def iam(status: int, title: str, message: str) -> Answer:
    """IAM v3 wraps its error; the code is a number."""
    return Answer.of({"error": {"message": message, "code": status, "title": title}}, status)


def sts(status: int, code: str, message: str, denied: bool = False) -> Answer:
    """STS v5 has its error at the top, a denial also what an administrator can decode."""
    more = {"encoded_authorization_message": "ExampleEncodedMessage"} if denied else {}
    return Answer.of({"error_code": code, "error_msg": message, **more}, status)
