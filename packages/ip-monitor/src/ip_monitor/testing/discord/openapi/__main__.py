"""
Writes `discord.json` anew from a complete document: `python -m ip_monitor.testing.discord.openapi openapi.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ip_monitor.testing.discord.openapi.subset import subset
from ip_monitor.testing.discord.routes import ROUTES


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m ip_monitor.testing.discord.openapi DOCUMENT\n")
        return 2
    complete = json.loads(Path(arguments[0]).read_text("utf-8"))
    made = subset(complete, (route.name for route in ROUTES))
    target = Path(__file__).with_name("discord.json")
    target.write_text(json.dumps(made, separators=(",", ":"), sort_keys=True) + "\n", "utf-8")
    sys.stdout.write(
        f"{target.name}: {len(made['operations'])} operations, {len(made['components']['schemas'])} schemas\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
