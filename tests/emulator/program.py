# Copyright: hwcloud.streaming contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the emulator: options, the line that says it is ready, signals."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from .reader import WorldError
from .server import HOST, Emulator


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="emulator", description="Stand-in for Huawei Cloud IAM, DIS, DMS and ECS metadata on a loopback port."
    )
    parser.add_argument("--world", required=True, metavar="FILE", help="world file, YAML or JSON")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--latency", type=float, default=0.0, metavar="MS", help="milliseconds before each answer")
    parser.add_argument("--rate", type=float, metavar="N", help="requests a second; more are answered 429")
    parser.add_argument("--rate-window", choices=("bucket", "fixed"), default="bucket", help="how they are counted")
    parser.add_argument("--retry-after", metavar="VALUE", help="Retry-After header of these 429")
    parser.add_argument("--clock", metavar="TIME", help="now: ISO 8601, epoch milliseconds, or a shift such as -3d")
    parser.add_argument("--tls-cert", metavar="FILE", help="serve HTTPS with this certificate (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="its key (PEM)")
    parser.add_argument("--port-file", metavar="FILE", help="write the port number here when ready")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; 0 then, 2 when the world or an option cannot be used."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not 0 <= options.port <= 65535:
        parser.error("--port is a number from 0 to 65535")
    if (options.tls_cert is None) != (options.tls_key is None):
        parser.error("--tls-cert and --tls-key go together")
    rate = None
    if options.rate is not None:
        rate = {"per_second": options.rate, "window": options.rate_window, "retry_after": options.retry_after}
    try:
        emulator = Emulator(
            options.world,
            latency=options.latency / 1000,
            rate=rate,
            clock=options.clock,
            tls=(options.tls_cert, options.tls_key) if options.tls_cert else None,
            record=False,
            port=options.port,
        )
    except (WorldError, OSError) as error:
        print(f"emulator: {error}", file=sys.stderr)
        return 2

    def ready() -> None:
        if options.port_file:
            with open(options.port_file, "w", encoding="ascii") as stream:
                stream.write(f"{emulator.port}\n")
        print(f"emulator ready: {emulator.url}", flush=True)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: emulator.stop())
    try:
        emulator.serve_forever(ready)
    except OSError as error:
        # What asyncio writes about a port that is taken says it twice.
        reason = os.strerror(error.errno) if error.errno else str(error)
        print(f"emulator: {error.filename or f'port {options.port} of {HOST}'}: {reason}", file=sys.stderr)
        return 2
    return 0
