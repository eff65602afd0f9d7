"""
Where the files lie when nobody says otherwise.

Source: XDG Base Directory Specification 0.8 for the home directories; systemd.exec(5) for
`$STATE_DIRECTORY`, `$CONFIGURATION_DIRECTORY` and `$CREDENTIALS_DIRECTORY`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCKER_SECRETS = Path("/run/secrets")
"""
Where Docker and Podman mount secret files.
"""


def _xdg(environ: Mapping[str, str], name: str, default: str) -> Path:
    given = environ.get(name, "")
    # The specification: a relative path is invalid and must be ignored.
    base = Path(given) if given.startswith("/") else Path(environ.get("HOME") or Path.home()) / default
    return base / "ip-monitor"


def state_directory(environ: Mapping[str, str]) -> Path:
    """
    For what the program keeps: the first of systemd's `$STATE_DIRECTORY`, or the XDG state directory.
    """
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    return Path(given) if given else _xdg(environ, "XDG_STATE_HOME", ".local/state")


def default_database(environ: Mapping[str, str]) -> Path:
    return state_directory(environ) / "ip-monitor.sqlite3"


def config_files(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """
    The TOML files that are looked for, best first; only the first that exists is read.
    """
    given = environ.get("CONFIGURATION_DIRECTORY", "").split(":")[0]
    systemd = (Path(given) / "config.toml",) if given else ()
    return (
        *systemd,
        _xdg(environ, "XDG_CONFIG_HOME", ".config") / "config.toml",
        Path("/etc/ip-monitor/config.toml"),
    )


def secret_directories(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """
    The directories whose files named `ip_monitor_<setting>` are read, best last, as far as they exist.
    """
    given = environ.get("CREDENTIALS_DIRECTORY", "")
    candidates = (DOCKER_SECRETS, *((Path(given),) if given else ()))
    return tuple(path for path in candidates if path.is_dir())
