"""
What a process asks of the machine, heard and refused. In a process of its own: what listens there cannot be taken away.
"""

from __future__ import annotations

import json
import subprocess
import sys

PORTS = """
import json, socket
from hermetic.guard.strain.surroundings import Surroundings

def free():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]

def ask(port):
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror
    return "free"

first, other = free(), free()
# Tracers, which measure coverage, are off in an audit hook that does not say otherwise.
Surroundings._heard.__cantrace__ = True
surroundings = Surroundings()
told = [ask(first)]
surroundings.begin(takes_ports=True)
told += [ask(first), ask(first), ask(other), ask(0)]
counted = surroundings.ports
surroundings.end()
told.append(ask(first))
print(json.dumps([told, counted]))
"""
FILES = """
import json, os, sys
from hermetic.guard.strain.surroundings import Surroundings

# Tracers, which measure coverage, are off in an audit hook that does not say otherwise.
Surroundings._heard.__cantrace__ = True
surroundings = Surroundings()
for name in ("data.txt", "module.py", "library.so"):
    open(os.path.join(sys.argv[1], name), "w").close()
counts = []
surroundings.begin()
for name in ("data.txt", b"data.txt", "module.py", "library.so"):
    folder = sys.argv[1] if isinstance(name, str) else os.fsencode(sys.argv[1])
    open(os.path.join(folder, name)).close()
    counts.append(surroundings.files)
number = os.open(os.path.join(sys.argv[1], "data.txt"), os.O_RDONLY)
before = surroundings.files
with open(number):
    counts.append(surroundings.files - before)
surroundings.end()
open(os.path.join(sys.argv[1], "data.txt")).close()
counts.append(surroundings.files - before)
print(json.dumps(counts))
"""
ZONES = """
import json, os, time
from hermetic.guard.strain.surroundings import zone

told = []
for before in (None, "EST5"):
    if before is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = before
    with zone("XYZ-3"):
        told.append([os.environ["TZ"], time.timezone])
    told.append(os.environ.get("TZ"))
print(json.dumps(told))
"""


def run(program, *words):
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True, check=True, timeout=60
    )
    return json.loads(done.stdout)


def test_the_first_port_that_is_asked_for_by_number_is_taken():
    """
    Each time; another one is free, and so is any. All that were asked for by number are counted.
    """
    told, counted = run(PORTS)

    assert told == ["free", "Address already in use", "Address already in use", "free", "free", "free"]
    assert counted == 3


def test_files_count_but_not_those_of_programs_nor_open_descriptors(tmp_path):
    """
    Modules are read at any time; a descriptor is no path.
    """
    assert run(FILES, tmp_path) == [1, 2, 2, 2, 0, 0]


def test_a_time_zone_is_put_back_also_where_there_was_none():
    """
    By its name in the environment.
    """
    assert run(ZONES) == [["XYZ-3", -10800], None, ["XYZ-3", -10800], "EST5"]
