"""
Five levels, worse at once and better step by step.
"""

from __future__ import annotations

import pytest
from ip_monitor.resilience.service_health import EFFECTS, HealthLevel, HealthRefusedError, HealthSettings, ServiceHealth


@pytest.fixture
def health(clock):
    return ServiceHealth(clock=clock)


def fail(health, times, service="api"):
    for _ in range(times):
        health.record_failure(service, "down")


def succeed(health, times, service="api"):
    for _ in range(times):
        health.record_success(service)


@pytest.mark.parametrize(
    ("failures", "level"),
    [
        (0, HealthLevel.NORMAL),
        (1, HealthLevel.MINOR),
        (3, HealthLevel.MODERATE),
        (6, HealthLevel.SEVERE),
        (12, HealthLevel.CRITICAL),
    ],
)
def test_failures_in_a_row_raise_the_level(health, failures, level):
    """
    From a fresh start, each level has its count.
    """
    fail(health, failures)

    assert level is health.level_of("api")


def test_a_failing_share_raises_the_level_without_a_row(health):
    """
    Every second one fails: severe, although never two in a row.
    """
    for _ in range(10):
        succeed(health, 1)
        fail(health, 1)

    assert HealthLevel.SEVERE is health.level_of("api")


def test_it_gets_better_one_level_at_a_time(health):
    """
    Each step needs three successes in a row; one failure starts the row again.
    """
    fail(health, 12)
    levels = []
    for _ in range(4):
        succeed(health, 3)
        levels.append(health.level_of("api"))

    assert levels == [3, 2, 1, 0]
    fail(health, 1)
    assert HealthLevel.MINOR is health.level_of("api")


def test_the_whole_is_as_bad_as_its_worst(health):
    """
    What is not essential counts one level less.
    """
    health.register("chart", is_essential=False)
    fail(health, 6, "chart")
    assert HealthLevel.MODERATE is health.level
    fail(health, 6, "storage")

    assert HealthLevel.SEVERE is health.level


def test_every_change_of_level_is_in_the_history(health, clock):
    """
    With time and reason, oldest first, and no more than 200 of them.
    """
    fail(health, 3)
    (minor, moderate) = health.history
    assert (minor.before, minor.after, minor.reason) == (HealthLevel.NORMAL, HealthLevel.MINOR, "down")
    assert clock.time() == moderate.at
    for _ in range(300):
        fail(health, 1, "x")
        succeed(health, 3, "x")

    assert len(health.history) == 200


def test_worse_levels_never_do_less():
    """
    Effects grow with the level, and the first three do not slow the checks.
    """
    effects = [EFFECTS[level] for level in HealthLevel]

    assert sorted(e.interval_factor for e in effects) == [e.interval_factor for e in effects]
    assert sorted(e.retry_factor for e in effects) == [e.retry_factor for e in effects]
    assert [e.interval_factor for e in effects[:3]] == [1.0] * 3


def test_statistics_name_every_service(health):
    """
    With counts, share and the last error.
    """
    succeed(health, 3)
    fail(health, 1)

    (api,) = health.statistics()

    assert (
        api.service,
        api.successes,
        api.failures,
        api.failed_share,
        api.failures_in_a_row,
        api.last_error,
    ) == ("api", 3, 1, 0.25, 1, "down")


def test_reset_forgets_one_service_or_all(health):
    """
    Registrations stay.
    """
    health.register("chart", is_essential=False)
    fail(health, 12, "chart")
    fail(health, 12)
    health.reset("api")
    assert (health.level_of("api"), health.level) == (HealthLevel.NORMAL, HealthLevel.SEVERE)
    health.reset()

    assert (health.level, health.history) == (HealthLevel.NORMAL, ())
    assert {"api", "chart"} == {row.service for row in health.statistics()}


@pytest.mark.parametrize("fields", [{"window": 0}, {"shares": (0.5, 0.1, 0.6, 0.7)}, {"rows": (0, 1, 2, 3)}])
def test_settings_out_of_range_are_refused(fields):
    """
    Named, with what is allowed.
    """
    with pytest.raises(HealthRefusedError, match=next(iter(fields))):
        HealthSettings(**fields)
