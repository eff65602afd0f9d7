"""
The product that the seeded cases test.
"""


class Client:
    def fetch_price(self):
        return 3


RATE = 1
