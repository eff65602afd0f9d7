"""
Stand-ins, mended: the real client asks a real server, which lives as long as the test.
"""

import urllib.request


class Client:
    def __init__(self, url):
        self.url = url

    def fetch(self):
        with urllib.request.urlopen(f"{self.url}/ip") as answer:
            return answer.read().decode()


class Monitor:
    def __init__(self, client):
        self.client = client

    def address(self):
        return self.client.fetch()


def test_the_address_is_asked_for(mock_server):
    mock_server.get("/ip").text("198.51.100.7")
    assert Monitor(Client(mock_server.url)).address() == "198.51.100.7"
