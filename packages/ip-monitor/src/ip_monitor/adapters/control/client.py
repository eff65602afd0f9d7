"""
The side of the command: one question to the monitor of a database, and its answer.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

from ip_monitor.adapters.control.place import LONGEST_MESSAGE_BYTES, short_path
from ip_monitor.errors import IPMonitorError

if TYPE_CHECKING:
    from pathlib import Path

# A panel, its confirmation and a portal probe fit into this many times over.
PATIENCE_S = 60.0


class ControlUnavailableError(IPMonitorError):
    """
    The monitor of a database cannot be asked.
    """

    def __init__(self, database: Path, why: str) -> None:
        self.database = database
        super().__init__(
            f"the monitor that writes {database} cannot be asked: {why}. If it is `ip-monitor run`, is it of this user? A "
            "simulation, and a single check, cannot be asked at all."
        )


class RefusedByMonitorError(IPMonitorError):
    """
    What the monitor answered when it refused.

    Attributes:
        kind: "refused" for what was asked wrongly, "storage", or "failed".
    """

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        super().__init__(text)


def call(database: Path, do: str, arguments: dict[str, Any], *, who: str, patience_s: float = PATIENCE_S) -> Any:
    """
    Ask the running monitor, and wait for its answer. Blocks.

    Raises:
        ControlUnavailableError: nobody listens, or the answer cannot be read.
        RefusedByMonitorError: it refused.
    """
    question = json.dumps({"do": do, "with": arguments, "who": who}).encode() + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(patience_s)
            with short_path(database) as path:
                connection.connect(path)
            connection.sendall(question)
            answer = json.loads(_read_all(connection))
        error = answer.get("error")
        if error is None:
            return answer["ok"]
        refusal = RefusedByMonitorError(str(error["kind"]), str(error["text"]))
    except OSError as error:
        raise ControlUnavailableError(database, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ControlUnavailableError(database, "its answer cannot be read") from error
    raise refusal


def _read_all(connection: socket.socket) -> bytes:
    parts: list[bytes] = []
    length = 0
    while part := connection.recv(65_536):
        parts.append(part)
        length += len(part)
        if length > LONGEST_MESSAGE_BYTES:
            raise ValueError("longer than any answer")
    return b"".join(parts)
