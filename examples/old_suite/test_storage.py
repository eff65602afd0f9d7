"""
Storage: every call leaves a connection open, and no test fails for it.
"""

import sqlite3


class Storage:
    def __init__(self, path):
        self.path = path

    def save(self, address):
        with sqlite3.connect(self.path) as db:
            db.execute("CREATE TABLE IF NOT EXISTS seen (address)")
            db.execute("INSERT INTO seen VALUES (?)", (address,))

    def count(self):
        with sqlite3.connect(self.path) as db:
            return db.execute("SELECT count(*) FROM seen").fetchone()[0]


def test_addresses_are_saved(tmp_path):
    storage = Storage(tmp_path / "seen.db")
    for number in range(10):
        storage.save(f"198.51.100.{number}")
    assert storage.count() == 10
