"""
Doubles and simulated surroundings, for tests and for `simulate`.
"""

from ip_monitor.testing.ip_api_cluster import MockAPICluster
from ip_monitor.testing.ip_api_server import MockIPAPIServer
from ip_monitor.testing.leaping_clock import LeapingClock
from ip_monitor.testing.line import AddressStep, SimulatedLine
from ip_monitor.testing.pools import (
    CARRIER_GRADE_NAT,
    DATA_CENTRE,
    IPV6_PREFIX,
    PLAY_RANGES,
    RESIDENTIAL,
    AddressPool,
)
from ip_monitor.testing.profiles import PROFILES, Profile
from ip_monitor.testing.smtp_server import MockSMTPServer, ReceivedMail
from ip_monitor.testing.storage_contract import STORAGE_CONTRACT, FullStorage
from ip_monitor.testing.webhook_server import MockWebhookServer, ReceivedNotice, WebhookFault

__all__ = [
    "CARRIER_GRADE_NAT",
    "DATA_CENTRE",
    "IPV6_PREFIX",
    "PLAY_RANGES",
    "PROFILES",
    "RESIDENTIAL",
    "STORAGE_CONTRACT",
    "AddressPool",
    "AddressStep",
    "FullStorage",
    "LeapingClock",
    "MockAPICluster",
    "MockIPAPIServer",
    "MockSMTPServer",
    "MockWebhookServer",
    "Profile",
    "ReceivedMail",
    "ReceivedNotice",
    "SimulatedLine",
    "WebhookFault",
]
