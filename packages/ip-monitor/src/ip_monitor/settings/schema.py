"""
The settings as pydantic sees them. Imported only where settings are read and validated, because it brings pydantic.
"""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import json
import shlex
from ipaddress import IPv4Network, IPv6Network
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainValidator, create_model
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from ip_monitor.settings.custom_provider import CustomProvider
from ip_monitor.settings.model import Settings
from ip_monitor.settings.option import About, strip
from ip_monitor.settings.secret import Secret

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

PREFIX = "IP_MONITOR_"


class _OnlyArguments(BaseSettings):
    """
    Takes what it is given: `sources` reads one source after another itself, to know which gave what.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        allow_inf_nan=False,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 # the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def split(value: Any) -> Any:
    """
    A list in one text: JSON, or items between commas.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith(("[", "{")):
        try:
            return json.loads(text)
        except ValueError as error:
            raise PydanticCustomError("json", "is not valid JSON: {why}", {"why": str(error)}) from error
    return [item.strip() for item in text.split(",") if item.strip()]


def words(value: Any) -> Any:
    """
    A command line in one text: JSON, or words as a shell would split them.
    """
    if not isinstance(value, str) or value.strip().startswith("["):
        return split(value)
    try:
        return shlex.split(value)
    except ValueError as error:
        raise PydanticCustomError("json", "cannot be split into words: {why}", {"why": str(error)}) from error


def _hide(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    return Secret(text) if text else None


def _https(value: Secret | None) -> Secret | None:
    if value is not None and not _is_https(value.reveal()):
        raise PydanticCustomError("url", "must be an https:// URL (http:// only on this machine, for trying out)")
    return value


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    is_here = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and is_here))


def _network(value: Any) -> Any:
    try:
        return value if isinstance(value, (IPv4Network, IPv6Network)) else ipaddress.ip_network(str(value))
    except ValueError as error:
        raise PydanticCustomError("network", "is no network: {why}", {"why": str(error)}) from error


def _usable(provider: CustomProvider) -> CustomProvider:
    if found := provider.problems():
        raise PydanticCustomError("provider", "cannot be used", {"problems": found})
    return provider


def _distinct(providers: tuple[CustomProvider, ...]) -> tuple[CustomProvider, ...]:
    names = [provider.name for provider in providers]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise PydanticCustomError("names", "names {names} more than once", {"names": ", ".join(twice)})
    return providers


_ITEMS: dict[Any, Any] = {
    CustomProvider: Annotated[
        tuple[Annotated[CustomProvider, AfterValidator(_usable)], ...], AfterValidator(_distinct)
    ],
    IPv4Network | IPv6Network: tuple[Annotated[IPv4Network | IPv6Network, PlainValidator(_network)], ...],
}
"""
Item types of lists that need more than pydantic's own checks.
"""


def _annotation(hint: Any) -> Any:
    bare, notes = strip(hint)
    if bare is Secret:
        is_url = any(isinstance(note, About) and note.is_url for note in notes)
        rules = (AfterValidator(_https),) if is_url else ()
        return Annotated[Secret | None, BeforeValidator(_hide), *rules]
    if get_origin(bare) is tuple:
        reader = words if any(isinstance(note, About) and note.is_command for note in notes) else split
        return Annotated[_ITEMS.get(get_args(bare)[0], bare), NoDecode, BeforeValidator(reader)]
    return hint


@functools.cache
def build() -> type[BaseSettings]:
    """
    The model whose fields are those of `Settings`.
    """
    hints = get_type_hints(Settings, include_extras=True)
    fields: dict[str, Any] = {}
    for field in dataclasses.fields(Settings):
        default = ... if field.default is dataclasses.MISSING else field.default
        fields[field.name] = (_annotation(hints[field.name]), default)
    return create_model("SettingsModel", __base__=_OnlyArguments, **fields)
