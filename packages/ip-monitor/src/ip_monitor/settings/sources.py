"""
Reads every source of settings, one after the other, so that each value is known together with its origin.

The reading is pydantic-settings'; what is added is provenance, and that a mistake is told instead of passed over:
an unknown name in any source, a line of `.env` or TOML that cannot be read, a file that must be there and is not.
"""

from __future__ import annotations

import io
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dotenv.parser import parse_stream
from pydantic_settings import DotEnvSettingsSource, EnvSettingsSource, SecretsSettingsSource, TomlConfigSettingsSource

from ip_monitor.settings.errors import Problem, SettingsError
from ip_monitor.settings.origins import DEFAULT, Origin, Rank
from ip_monitor.settings.schema import PREFIX
from ip_monitor.settings.stored import StoredSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic_settings import BaseSettings

    from ip_monitor.settings.request import Request

# The first two say where settings are. The others tell the command that is run for a change about it, and that
# command may well call ip-monitor again.
NOT_SETTINGS = frozenset(
    f"{PREFIX}{name}" for name in ("CONFIG", "SECRETS_DIR", "KEY", "FAMILY", "ADDRESS", "PREVIOUS", "AT", "TEXT")
)


@dataclass(slots=True)
class Gathered:
    """
    What the sources say together: the winning value of each name, its origin, and what could not be read.
    """

    values: dict[str, Any] = field(default_factory=dict[str, Any])
    origins: dict[str, Origin] = field(default_factory=dict[str, Origin])
    problems: list[Problem] = field(default_factory=list[Problem])

    def add(self, name: str, value: Any, origin: Origin) -> None:
        self.values[name] = value
        self.origins[name] = origin

    def cannot_read(self, path: Path, error: OSError | UnicodeDecodeError) -> None:
        why = (error.strerror or str(error)) if isinstance(error, OSError) else f"it is not UTF-8 at byte {error.start}"
        self.problems.append(Problem(option=None, where=str(path), wrong=f"cannot be read: {why}."))


def gather(model: type[BaseSettings], request: Request, *, defaults: Mapping[str, Any]) -> Gathered:
    """
    Read all sources, weakest first, so that what a later one says stands.
    """
    found = Gathered()
    for name, value in defaults.items():
        found.add(name, value, DEFAULT)
    _add_toml(found, model, request.found_config_file)
    for directory in request.found_secret_directories:
        _add_secrets(found, model, directory)
    if request.env_file is not None:
        _add_dotenv(found, model, request.env_file)
    _add_environment(found, model, request.environ)
    for name, (text, where) in request.overrides.items():
        found.add(name, text, Origin(Rank.OPTION, where))
    _add_stored(found, request)
    return found


def _add_stored(found: Gathered, request: Request) -> None:
    """
    Last, because the database's place, beside which the changes are kept, is a setting too; but ranking as it does.
    """
    stored = StoredSettings(Path(str(found.values["database"])))
    try:
        values = {**stored.values(), **request.stored}
    except SettingsError as error:
        found.problems.extend(error.problems)
        return
    for name, text in values.items():
        if text is not None and found.origins.get(name, DEFAULT).rank < Rank.STORED:
            found.add(name, text, Origin(Rank.STORED, f"`config set`, kept in {stored.path}"))


def _add_toml(found: Gathered, model: type[BaseSettings], path: Path | None) -> None:
    if path is None:
        return
    try:
        values = TomlConfigSettingsSource(model, toml_file=path).toml_data
        if not path.is_file():  # pydantic-settings takes an absent file for an empty one
            path.read_bytes()
    except (OSError, UnicodeDecodeError) as error:
        found.cannot_read(path, error)
    except tomllib.TOMLDecodeError as error:
        found.problems.append(Problem(option=None, where=str(path), wrong=f"is not valid TOML: {error}."))
    else:
        for name, value in values.items():
            found.add(name, value, Origin(Rank.FILE, str(path)))


def _add_secrets(found: Gathered, model: type[BaseSettings], directory: Path) -> None:
    try:
        names = {entry.name.lower(): entry.name for entry in directory.iterdir()}
        values = SecretsSettingsSource(model, secrets_dir=directory)()
    except (OSError, UnicodeDecodeError) as error:
        found.cannot_read(directory, error)
        return
    for name, value in values.items():
        entry = names[f"{PREFIX}{name}".lower()]
        found.add(name, value, Origin(Rank.SECRET_FILE, f"secret file {directory / entry}"))
    _add_unknown(found, model, names.values(), lambda name: Origin(Rank.SECRET_FILE, f"secret file {directory / name}"))


def _add_dotenv(found: Gathered, model: type[BaseSettings], path: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        found.cannot_read(path, error)
        return
    bindings = list(parse_stream(io.StringIO(text)))
    for binding in bindings:
        if binding.error:
            wrong = f"line {binding.original.line} is not of the form NAME=value."
            found.problems.append(Problem(option=None, where=str(path), wrong=wrong))
    if any(binding.error for binding in bindings):
        return  # the reader would log the same lines once more

    names = {binding.key.upper(): binding.key for binding in bindings if binding.key}

    def origin(name: str) -> Origin:
        return Origin(Rank.DOTENV, f"{names.get(name.upper(), name)} in {path.absolute()}")

    values = DotEnvSettingsSource(model, env_file=path, dotenv_filtering="only_existing")()
    for name, value in values.items():
        found.add(name, value, origin(f"{PREFIX}{name}"))
    _add_unknown(found, model, names.values(), origin)


def _add_environment(found: Gathered, model: type[BaseSettings], environ: Mapping[str, str]) -> None:
    names = {name.upper(): name for name in environ}
    values = _EnvironmentOf(model, environ)()
    for name, value in values.items():
        variable = names[f"{PREFIX}{name}".upper()]
        found.add(name, value, Origin(Rank.ENVIRONMENT, f"{variable} in the environment"))
    _add_unknown(found, model, environ, lambda name: Origin(Rank.ENVIRONMENT, f"{name} in the environment"))


class _EnvironmentOf(EnvSettingsSource):
    """
    Reads a mapping that is handed in, where the original reaches for `os.environ`.
    """

    def __init__(self, model: type[BaseSettings], environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(model)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environ.items() if value}


def _add_unknown(
    found: Gathered, model: type[BaseSettings], names: Iterable[str], origin: Callable[[str], Origin]
) -> None:
    """
    Names that begin as ours do but are no setting: validation refuses them with a suggestion.
    """
    for name in names:
        bare = name.upper().removeprefix(PREFIX).lower()
        if name.upper().startswith(PREFIX) and name.upper() not in NOT_SETTINGS and bare not in model.model_fields:
            found.add(bare, None, origin(name))
