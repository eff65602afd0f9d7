"""
Writes the schema anew beside the module that makes it: `python -m hermetic.record.journal`.
"""

from __future__ import annotations

import json
from pathlib import Path

from hermetic.record.journal.line import SCHEMA_VERSION
from hermetic.record.journal.schema import schema

if __name__ == "__main__":
    path = Path(__file__).with_name(f"schema-{SCHEMA_VERSION}.json")
    path.write_text(json.dumps(schema(), indent=2) + "\n", encoding="utf-8")
