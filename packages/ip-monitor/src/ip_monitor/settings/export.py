"""
The settings as they are now, as a file that says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ip_monitor.settings.custom_provider import CustomProvider
from ip_monitor.settings.model import Settings
from ip_monitor.settings.option import options
from ip_monitor.settings.origins import Rank
from ip_monitor.settings.text import as_toml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ip_monitor.settings.request import Loaded


def as_toml_text(loaded: Loaded) -> str:
    """
    TOML. Secrets are left out, and what has its default value stands there as a comment.
    """
    return "".join(f"{line}\n" for line in _lines(loaded))


def _lines(loaded: Loaded) -> Iterator[str]:
    for option in options(Settings):
        value = getattr(loaded.settings, option.name)
        if option.name == "providers" or value is None:
            continue
        if option.secret:
            yield f"# {option.name}: a secret, from {loaded.origins[option.name].where}"
            continue
        mark = "# " if loaded.origins[option.name].rank is Rank.DEFAULT else ""
        yield f"{mark}{option.name} = {as_toml(value)}"
    for provider in loaded.settings.providers:
        yield "\n[[providers]]"
        for option in options(CustomProvider):
            value = getattr(provider, option.name)
            if value != option.default:
                yield f"{option.name} = {as_toml(value)}"
