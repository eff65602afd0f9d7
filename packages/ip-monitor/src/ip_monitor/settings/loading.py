"""
Settings for a running program, at the price of a short-lived process.

pydantic-settings costs some 9 MiB that a monitor would carry for as long as it runs, only to read its settings once.
So a child process reads and validates, and hands over plain dataclasses; the parent can import the rest meanwhile. A program
that has imported what validates has paid already, and reads in its own process.
"""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

from ip_monitor.errors import IPMonitorError
from ip_monitor.settings.errors import SettingsError
from ip_monitor.settings.request import Loaded, Refused

if TYPE_CHECKING:
    from ip_monitor.settings.request import Request

_TIMEOUT_S = 60.0
_VALIDATION = "ip_monitor.settings.validation"


class ValidatorFailedError(IPMonitorError, RuntimeError):
    """
    The process that reads the settings ended without an answer.

    Attributes:
        status: its exit status, negative for a signal; None when it did not end in time.
        output: what it wrote to standard error.
    """

    def __init__(self, status: int | None, output: str) -> None:
        self.status = status
        self.output = output
        super().__init__(status, output)

    def __str__(self) -> str:
        ended = f"did not end within {_TIMEOUT_S:g} s" if self.status is None else f"ended with status {self.status}"
        said = f":\n{self.output.strip()}" if self.output.strip() else "."
        return (
            f"the process that reads the settings ({sys.executable} -m ip_monitor.settings) {ended}{said}\n"
            "The installation is likely to be incomplete; install ip-monitor again."
        )


class Reading:
    """
    Settings on their way. A process starts at once; `result` waits for them.

    Args:
        request: what to read.
        besides: what to read in the same process, since the process is what costs.
    """

    def __init__(self, request: Request, *besides: Request) -> None:
        self._requests = (request, *besides)
        self._process: subprocess.Popen[bytes] | None = None
        if _VALIDATION not in sys.modules:
            # -P keeps modules of the current directory from being imported.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "ip_monitor.settings"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )

    def result(self) -> Loaded:
        """
        The settings, valid.

        Raises:
            SettingsError: something is wrong with them.
            ValidatorFailedError: the process that reads them failed.
        """
        return accepted(self.answers()[0])

    def answers(self) -> list[Loaded | Refused]:
        """
        What became of each request, in their order.

        Raises:
            ValidatorFailedError: the process that reads them failed.
        """
        process = self._process
        if process is None:
            validate = sys.modules[_VALIDATION].validate
            return [validate(one) for one in self._requests]
        try:
            output, errors = process.communicate(pickle.dumps(self._requests), timeout=_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise ValidatorFailedError(None, "") from error
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if process.returncode:
            raise ValidatorFailedError(process.returncode, errors.decode(errors="replace"))
        answers: list[Loaded | Refused] = pickle.loads(output)  # noqa: S301 # from our own process, over a pipe of its own
        return answers


def accepted(answer: Loaded | Refused) -> Loaded:
    """
    Raises:
        SettingsError: the settings were refused.
    """
    if isinstance(answer, Refused):
        raise SettingsError(answer.problems)
    return answer


def load(request: Request) -> Loaded:
    """
    Read and validate; see `Reading.result` for what it raises.
    """
    return Reading(request).result()


def load_here(request: Request) -> Loaded:
    """
    As `load`, in this process: for a command that ends soon and gives back at once what reading settings weighs.
    """
    importlib.import_module(_VALIDATION)
    return load(request)
