"""
What a user can decide: where it is read from, what it may be, and what it is now.
"""

from ip_monitor.settings.changing import change_setting
from ip_monitor.settings.custom_provider import CustomProvider
from ip_monitor.settings.errors import Problem, SettingsError
from ip_monitor.settings.export import as_toml_text
from ip_monitor.settings.loading import Reading, ValidatorFailedError, load, load_here
from ip_monitor.settings.model import Settings
from ip_monitor.settings.option import Option, options
from ip_monitor.settings.origins import Origin, Rank
from ip_monitor.settings.request import Loaded, Request
from ip_monitor.settings.secret import Secret
from ip_monitor.settings.stored import SettingChange, StoredSettings

__all__ = [
    "CustomProvider",
    "Loaded",
    "Option",
    "Origin",
    "Problem",
    "Rank",
    "Reading",
    "Request",
    "Secret",
    "SettingChange",
    "Settings",
    "SettingsError",
    "StoredSettings",
    "ValidatorFailedError",
    "as_toml_text",
    "change_setting",
    "load",
    "load_here",
    "options",
]
