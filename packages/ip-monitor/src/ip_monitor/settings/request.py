"""
What to read settings from, and what came of it: the two messages between the program and the process that validates.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ip_monitor.settings import locations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ip_monitor.settings.errors import Problem
    from ip_monitor.settings.model import Settings
    from ip_monitor.settings.origins import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    Which sources to read.

    Attributes:
        environ: the environment variables.
        config_file: the TOML file; None for the first of `locations.config_files` that exists. A file that is
            named must exist, one that is only looked for need not.
        env_file: the `.env` file, read if it exists; None reads none.
        secret_directories: read in this order, the last one wins.
        stored: changes that apply on top of those kept beside the database, name to text; None takes one back.
        overrides: values from the command line, name to (text, the option that gave it).
    """

    environ: Mapping[str, str]
    config_file: Path | None = None
    env_file: Path | None = Path(".env")
    secret_directories: tuple[Path, ...] | None = None
    stored: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    overrides: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    @property
    def found_config_file(self) -> Path | None:
        """
        The TOML file to read: the one named by argument or `IP_MONITOR_CONFIG`, or the first that exists.
        """
        if self.config_file is not None:
            return self.config_file
        if named := self.environ.get("IP_MONITOR_CONFIG"):
            return Path(named)
        return next((path for path in locations.config_files(self.environ) if path.is_file()), None)

    @property
    def found_secret_directories(self) -> tuple[Path, ...]:
        if self.secret_directories is not None:
            return self.secret_directories
        named = self.environ.get("IP_MONITOR_SECRETS_DIR")
        return (Path(named),) if named else locations.secret_directories(self.environ)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """
    Valid settings and where each came from.
    """

    settings: Settings
    origins: Mapping[str, Origin]
    config_file: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    problems: tuple[Problem, ...]
