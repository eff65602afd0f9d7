"""
Isolation, mended: a test changes what it was given, or lets pytest put it back.
"""

import os


class Manager:
    def __init__(self):
        self.url = os.environ.get("IP_API_URL", "https://api.example")


def test_another_server_can_be_named(monkeypatch):
    monkeypatch.setenv("IP_API_URL", "http://127.0.0.1:9")
    assert Manager().url == "http://127.0.0.1:9"


def test_the_usual_server_is_the_default():
    assert Manager().url == "https://api.example"
