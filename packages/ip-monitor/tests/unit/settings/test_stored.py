"""
Settings changed while the program is in use: kept, audited, refused without a trace.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ip_monitor.settings import Rank, Request, SettingChange, SettingsError, StoredSettings, change_setting, load

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def request_(tmp_path):
    return Request(environ={"HOME": str(tmp_path)}, env_file=None)


@pytest.fixture
def stored(request_):
    return StoredSettings(load(request_).settings.database)


def change(request, name, value):
    return change_setting(request, name, value, who="a test", at=AT)


def test_a_change_is_kept_and_can_be_taken_back(request_, stored):
    """
    It applies to every later reading, with its origin, until it is taken back; both are in the audit.
    """
    change(request_, "interval_s", "60")
    changed = load(request_)
    back = change(request_, "interval_s", None)

    assert (changed.settings.interval_s, changed.origins["interval_s"].rank) == (60.0, Rank.STORED)
    assert str(stored.path) in changed.origins["interval_s"].where
    assert (back.settings.interval_s, load(request_).settings.interval_s) == (300.0, 300.0)
    assert stored.changes() == [
        SettingChange(at=AT.isoformat(), who="a test", name="interval_s", before="300", after="60"),
        SettingChange(at=AT.isoformat(), who="a test", name="interval_s", before="60", after=None),
    ]


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("interval_s", "1", "must be 10 to 86400 seconds"),
        ("intervall_s", "60", "Did you mean interval_s?"),
        ("database", "/elsewhere", "cannot be changed while running"),
        ("discord_webhook", "https://discord.com/hush", "is a secret"),
        ("default_providers", "false", "leaves nobody to ask"),
    ],
)
def test_a_refused_change_leaves_no_trace(request_, stored, name, value, wrong):
    """
    The whole is validated before anything is written.
    """
    with pytest.raises(SettingsError, match=wrong.replace("?", r"\?")) as caught:
        change(request_, name, value)

    assert "hush" not in str(caught.value)
    assert not stored.path.exists()


def test_what_a_stronger_source_fixes_cannot_be_changed_here(tmp_path):
    """
    A change that would have no effect is refused, with the place where it would have one.
    """
    request = Request(environ={"HOME": str(tmp_path), "IP_MONITOR_INTERVAL_S": "30"}, env_file=None)

    with pytest.raises(SettingsError, match="is fixed by IP_MONITOR_INTERVAL_S in the environment; change it there"):
        change(request, "interval_s", "60")


def test_a_line_that_a_crash_cut_short_is_passed_over_and_kept_apart(request_, stored):
    """
    It was never acknowledged, and the next change does not run into it.
    """
    change(request_, "interval_s", "60")
    whole = stored.path.read_bytes()
    stored.path.write_bytes(whole + b'{"at": "2026')
    first = load(request_).settings.interval_s
    change(request_, "timeout_s", "3")

    assert first == 60.0
    assert load(request_).settings.timeout_s == 3.0


def test_another_broken_line_is_told_with_its_number(request_, stored):
    """
    Guessing around damage could change settings silently.
    """
    change(request_, "interval_s", "60")
    stored.path.write_bytes(b"nonsense\n" + stored.path.read_bytes())

    with pytest.raises(SettingsError, match="line 1 cannot be read"):
        load(request_)


def test_only_the_owner_may_read_the_file(request_, stored):
    """
    Settings are nobody else's business.
    """
    change(request_, "interval_s", "60")

    assert stored.path.stat().st_mode & 0o777 == 0o600
