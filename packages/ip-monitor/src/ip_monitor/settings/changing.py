"""
The one way to change a setting while the program is in use; the command line, Discord and the page all take it.

The whole of the settings is validated with the change in it before anything is written, so that a refused change
leaves everything as it was.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from ip_monitor.settings.errors import Problem, SettingsError
from ip_monitor.settings.loading import Reading, accepted
from ip_monitor.settings.model import Settings
from ip_monitor.settings.option import Option, options
from ip_monitor.settings.origins import Rank
from ip_monitor.settings.stored import SettingChange, StoredSettings
from ip_monitor.settings.text import as_text

if TYPE_CHECKING:
    from datetime import datetime

    from ip_monitor.settings.request import Loaded, Request

NOT_CHANGEABLE = frozenset({"database", "providers"})
"""
The database is where changes are kept; tables of providers are better written in a file.
"""


def change_setting(request: Request, name: str, value: str | None, *, who: str, at: datetime) -> Loaded:
    """
    Set `name` to `value`, or with None give it back to the other sources.

    Args:
        request: the sources that the program reads.
        name: of the setting.
        value: text as in the environment.
        who: for the audit.
        at: for the audit, UTC.

    Returns:
        the settings as they are now.

    Raises:
        SettingsError: no such setting, not changeable, fixed by a stronger source, or not valid; nothing was changed.
    """
    option = _known(name, who)
    changed = replace(request, stored={**request.stored, name: value})
    now, then = Reading(request, changed).answers()
    before = accepted(now)
    origin = before.origins[name]
    if origin.rank > Rank.STORED:
        raise _refusal(name, who, f"is fixed by {origin.where}; change it there.")
    after = accepted(then)
    shown = as_text(getattr(before.settings, option.name))
    change = SettingChange(at=at.isoformat(), who=who, name=name, before=shown, after=value)
    StoredSettings(before.settings.database).append(change)
    return after


def _known(name: str, who: str) -> Option:
    known = {option.name: option for option in options(Settings)}
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise _refusal(name, who, "there is no such setting." + (f" Did you mean {close[0]}?" if close else ""))
    if name in NOT_CHANGEABLE:
        raise _refusal(name, who, "cannot be changed while running; write it in the settings file.")
    if known[name].secret:
        raise _refusal(name, who, f"is a secret; put it into {known[name].variable} or a secret file.")
    return known[name]


def _refusal(name: str, who: str, wrong: str) -> SettingsError:
    return SettingsError((Problem(option=name, where=who, wrong=wrong),))
