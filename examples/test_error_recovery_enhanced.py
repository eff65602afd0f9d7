"""
Recovery from errors, told step by step: a client that asks again, its checkpoints, and the state of a service around it.
"""

import urllib.error
import urllib.request

import hermetic


class Prices:
    def __init__(self, url):
        self.url = url
        self.failures = 0
        self.known = {}

    def fetch(self, thing):
        for _ in range(3):
            try:
                with urllib.request.urlopen(f"{self.url}/{thing}") as answer:
                    self.known[thing] = answer.read().decode()
                    return self.known[thing]
            except urllib.error.HTTPError as error:
                error.close()
                self.failures += 1
        raise LookupError(thing)


@hermetic.with_diagnostics
def test_a_client_recovers_from_two_failures(mock_server):
    """
    Two answers with 503, then a price: what changed in the client is known, and what did not.
    """
    mock_server.get("/tea", nth=(1, 2)).status(503)
    mock_server.get("/tea").text("3")
    prices = Prices(mock_server.url)
    with (
        hermetic.DiagnosticContext("recovery") as context,
        hermetic.track_service_state(prices, ["failures", "known", "url"]) as changed,
    ):
        price = prices.fetch("tea")
        context.checkpoint("fetched", price=price)

    hermetic.assert_with_context(price == "3", "the price after two failures", expected="3", actual=price)
    assert changed == {"failures": ("0", "2"), "known": ("{}", "{'tea': '3'}")}
