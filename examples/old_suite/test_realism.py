"""
Stand-ins: the test asks a mock for what the class never had, so it proves nothing or fails for ever.
"""

from unittest.mock import create_autospec


class Client:
    def fetch(self):
        raise ConnectionError("no network in a test")


class Monitor:
    def __init__(self, client):
        self.client = client

    def address(self):
        return self.client.fetch()


def test_the_address_is_asked_for():
    client = create_autospec(Client, instance=True)
    client.get_current_ip.return_value = "198.51.100.7"
    assert Monitor(client).address() == "198.51.100.7"
