"""
Metrics as Prometheus reads them. An address is never a label: each change would begin a new series, and dashboards are
shown to more people than the address should be.

Source: Prometheus, "Metric and label naming".
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client.metrics_core import Metric

    from ip_monitor.adapters.web.board import Board

KIND = "text/plain; version=0.0.4; charset=utf-8"
_STATES = ("pending", "delivered", "failed", "expired")


class Metrics:
    """
    Made for one scrape, from what is known then.

    Args:
        board: counts since the start.
        state: a snapshot.
        streams: how many clients look live.
    """

    def __init__(self, board: Board, state: Mapping[str, Any], *, streams: int) -> None:
        self._board = board
        self._state = state
        self._streams = streams

    def text(self) -> bytes:
        registry = CollectorRegistry()
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """
        Called by the registry.
        """
        yield from self._checks()
        yield from self._families()
        yield from self._providers()
        yield from self._queue()
        yield GaugeMetricFamily("ip_monitor_event_streams", "Clients that look live.", value=self._streams)
        yield GaugeMetricFamily("ip_monitor_troubles", "What is wrong now.", value=len(self._board.troubles))
        version = GaugeMetricFamily("ip_monitor_build_info", "The version that runs.", labels=["version"])
        version.add_metric([str(self._state["version"])], 1)
        yield version

    def _checks(self) -> Iterator[Metric]:
        checks = CounterMetricFamily("ip_monitor_checks", "Finished checks since the start.", labels=["verdict"])
        for kind, count in self._board.checks.items():
            checks.add_metric([kind], count)
        yield checks
        changes = CounterMetricFamily("ip_monitor_changes", "Recorded changes since the start.", labels=["family"])
        for family, count in self._board.changes.items():
            changes.add_metric([family], count)
        yield changes
        for name, at, text in (
            ("last", self._board.checked_at, "When the last check ended."),
            ("next", self._board.next_at, "When the next check is due."),
        ):
            if at is not None:
                yield GaugeMetricFamily(f"ip_monitor_{name}_check_timestamp_seconds", text, value=at.timestamp())

    def _families(self) -> Iterator[Metric]:
        verdict = GaugeMetricFamily("ip_monitor_verdict", "1 for the verdict that holds.", labels=["family", "verdict"])
        since = GaugeMetricFamily(
            "ip_monitor_address_since_timestamp_seconds", "When the address was confirmed.", labels=["family"]
        )
        for one in self._state["families"]:
            if one["verdict"] is not None:
                verdict.add_metric([one["family"], one["verdict"]], 1)
            if one["since"] is not None:
                since.add_metric([one["family"]], datetime.fromisoformat(one["since"]).timestamp())
        yield verdict
        yield since

    def _providers(self) -> Iterator[Metric]:
        answers = CounterMetricFamily(
            "ip_monitor_provider_answers", "Answers since the start.", labels=["provider", "outcome"]
        )
        for (provider, outcome), count in self._board.asked.items():
            answers.add_metric([provider, outcome], count)
        yield answers
        latency = GaugeMetricFamily(
            "ip_monitor_provider_latency_seconds", "Latency of the last answer.", labels=["provider"]
        )
        agrees = GaugeMetricFamily(
            "ip_monitor_provider_agrees", "1 if the last answer agrees with the verdict.", labels=["provider"]
        )
        for one in self._state["providers"]:
            if one["latency_s"] is not None:
                latency.add_metric([one["name"]], one["latency_s"])
            if one["agrees"] is not None:
                agrees.add_metric([one["name"]], int(one["agrees"]))
        yield latency
        yield agrees

    def _queue(self) -> Iterator[Metric]:
        notices = GaugeMetricFamily("ip_monitor_notices", "Announcements on record.", labels=["sink", "state"])
        for sink in self._state["queue"]["sinks"]:
            for state in _STATES:
                notices.add_metric([sink["sink"], state], sink[state])
        yield notices
        sent = CounterMetricFamily(
            "ip_monitor_deliveries", "Tries to deliver since the start.", labels=["sink", "outcome"]
        )
        for (sink, outcome), count in self._board.sent.items():
            sent.add_metric([sink, outcome], count)
        yield sent
