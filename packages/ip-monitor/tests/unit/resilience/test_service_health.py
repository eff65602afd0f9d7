"""
Five levels, worse at once and better step by step.
"""

from __future__ import annotations

import pytest
from ip_monitor.resilience.service_health import (
    EFFECTS,
    Effects,
    HealthLevel,
    HealthRecord,
    HealthRefusedError,
    HealthSettings,
    ServiceHealth,
)


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


@pytest.mark.parametrize(
    ("failures", "interval_factor", "retry_factor", "digest_notices"),
    [(0, 1, 1, False), (1, 1, 1, False), (3, 1, 1.5, False), (6, 1.5, 2, True), (12, 2, 4, True)],
)
def test_each_level_has_its_effects(health, failures, interval_factor, retry_factor, digest_notices):
    """
    Of the level of the whole, as the documentation tells them.
    """
    fail(health, failures)

    assert health.effects == Effects(
        interval_factor=interval_factor, retry_factor=retry_factor, digest_notices=digest_notices
    )


def test_the_usual_settings():
    """
    As the documentation tells them.
    """
    settings = HealthSettings()

    assert (settings.window, settings.recovery_successes) == (20, 3)
    assert (settings.shares, settings.rows) == ((0.1, 0.25, 0.5, 0.9), (1, 3, 6, 12))


def test_the_smallest_and_largest_settings_are_taken():
    """
    A window and a row of one, and a share of everything; a share of nothing or of more than everything is refused.
    """
    settings = HealthSettings(window=1, recovery_successes=1, shares=(0.1, 0.2, 0.3, 1.0))
    assert (settings.window, settings.recovery_successes) == (1, 1)

    for shares in ((0.0, 0.1, 0.2, 0.3), (0.1, 0.2, 0.3, 1.5)):
        with pytest.raises(HealthRefusedError, match="shares"):
            HealthSettings(shares=shares)


def test_a_service_goes_on_from_its_record(clock, health):
    """
    Level, row, last error and whether it is essential outlive the process; it gets better from there by successes.
    """
    health.register("chart", is_essential=False)
    fail(health, 6, "chart")
    fail(health, 3)
    successor = ServiceHealth(clock=clock)
    successor.restore(health.records())

    assert successor.records() == health.records()
    assert (successor.level_of("chart"), successor.level) == (HealthLevel.SEVERE, HealthLevel.MODERATE)
    succeed(successor, 3, "chart")
    assert HealthLevel.MODERATE is successor.level_of("chart")


def test_a_record_out_of_range_is_cut_to_size(health):
    """
    A row below 0 is none, and an error is kept to 200 characters.
    """
    health.restore(
        [
            HealthRecord(
                service="api",
                level=HealthLevel.MINOR,
                is_essential=True,
                failures_in_a_row=-4,
                last_error="x" * 300,
            )
        ]
    )
    (row,) = health.statistics()
    assert (row.failures_in_a_row, row.last_error, row.successes, row.failures) == (0, "x" * 200, 0, 0)
    health.record_failure("api", "y" * 300)

    assert health.statistics()[0].last_error == "y" * 200


def test_nothing_has_failed_before_the_first_report(health):
    """
    A service that was only named has no error, no counts and no share.
    """
    assert HealthLevel.NORMAL is health.level
    health.register("api")
    (row,) = health.statistics()

    assert (row.last_error, row.successes, row.failures, row.failures_in_a_row, row.failed_share) == ("", 0, 0, 0, None)


def test_a_share_says_something_from_ten_outcomes_on(health):
    """
    Eight with every second one failed are only a failure; the tenth makes a share of half.
    """
    for _ in range(4):
        succeed(health, 1)
        fail(health, 1)
    assert HealthLevel.MINOR is health.level_of("api")
    succeed(health, 1)
    fail(health, 1)

    assert HealthLevel.SEVERE is health.level_of("api")


def test_a_service_that_is_well_again_starts_from_nothing(health):
    """
    The outcomes are forgotten with the last step, and count while it gets better.
    """
    fail(health, 3)
    succeed(health, 3)
    assert health.statistics()[0].failed_share == 0.5
    succeed(health, 3)

    assert (health.level, health.statistics()[0].failed_share) == (HealthLevel.NORMAL, None)


def test_a_reset_of_one_service_keeps_the_history(health):
    """
    Which tells of the others too.
    """
    fail(health, 1)
    fail(health, 1, "chart")
    health.reset("api")

    assert [transition.service for transition in health.history] == ["api", "chart"]


def test_after_a_restart_a_step_back_takes_all_its_successes(health):
    """
    Those of before are not kept, and none is given: two are not enough, three are.
    """
    level = HealthLevel.MODERATE
    health.restore([HealthRecord(service="api", level=level, is_essential=True, failures_in_a_row=0, last_error="")])
    succeed(health, 2)
    assert health.level_of("api") is HealthLevel.MODERATE
    succeed(health, 1)

    assert health.level_of("api") is HealthLevel.MINOR


def test_a_failure_below_the_first_row_changes_nothing(clock):
    """
    Where two in a row are needed, one leaves the level, as its share of the outcomes is not known yet.
    """
    health = ServiceHealth(clock=clock, settings=HealthSettings(rows=(2, 3, 6, 12)))
    fail(health, 1)
    assert health.level_of("api") is HealthLevel.NORMAL
    fail(health, 1)

    assert health.level_of("api") is HealthLevel.MINOR
