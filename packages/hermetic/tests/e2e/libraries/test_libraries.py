"""
The suites of well-known libraries, with Hermetic and without: same outcomes, and no finding that is judged false.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

import pytest


def beside(name):
    """
    A module of this directory; collected by path, the tests here are no package.
    """
    key = f"hermetic_proof_{name}"
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, Path(__file__).with_name(f"{name}.py"))
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


shelf = beside("shelf")
review = beside("review")


def told(results):
    """
    A table of what was found, one line a fingerprint, with the verdict of whoever reviewed it.
    """
    known = review.reviews()
    lines = ["| times | library | kind | owner | place | real | why |", "|---|---|---|---|---|---|---|"]
    for one, count in sorted(results.items(), key=lambda item: str(item[0])):
        verdict = next((entry for entry in known if entry.covers(one)), None)
        real = "not reviewed" if verdict is None else "yes" if verdict.real else "NO"
        why = "" if verdict is None else verdict.why
        lines.append(f"| {count} | {one.library} | {one.kind} | {one.owner} | {one.place} | {real} | {why} |")
    return "\n".join(lines)


@pytest.mark.prove("libraries", sample=0, full=1)
@pytest.mark.parametrize("library", shelf.libraries(), ids=lambda library: library.name)
def test_a_librarys_suite_ends_as_it_does_without_hermetic_and_every_finding_is_real(library, rounds):
    """
    Passes, failures and skips are the same, test by test; every finding has been looked at, and none was called false.
    """
    found = Counter()
    for _ in range(rounds):
        without = shelf.Shelf().run(library, with_hermetic=False)
        with_it = shelf.Shelf().run(library, with_hermetic=True)
        found += review.tally(library.name, with_it.events)
        differing = {
            test: (without.outcomes.get(test), with_it.outcomes.get(test))
            for test in without.outcomes.keys() | with_it.outcomes.keys()
            if without.outcomes.get(test) != with_it.outcomes.get(test)
        }
        broken = [event for event in with_it.events if event["kind"] == "guard.component_failed"]
        table = told(found)
        (shelf.SHELF / "runs" / library.name / "findings.md").write_text(table + "\n")
        phases = Counter(phase.get("call", phase.get("setup")) for phase in with_it.outcomes.values())
        sys.stdout.write(
            f"\n{library.name} {library.version}: {dict(phases)}, {sum(found.values())} findings\n{table}\n"
        )

        assert phases["passed"] > 0, with_it.text[-4000:]
        assert differing == {}
        assert broken == []
    known = review.reviews()
    unknown = [str(one) for one in found if not any(entry.covers(one) for entry in known)]
    false = [str(one) for one in found if any(entry.covers(one) and not entry.real for entry in known)]

    assert unknown == [], "look at these, and add them to reviewed.toml"
    assert false == []


def test_every_review_says_why_and_names_a_library_of_the_proof():
    """
    The committed verdicts cannot outlive the libraries that they are about.
    """
    names = {library.name for library in shelf.libraries()}

    assert len(names) >= 6
    assert {entry.library for entry in review.reviews()} <= names
    assert all(len(entry.why) > 20 for entry in review.reviews())


def test_a_fingerprint_leaves_out_what_changes_from_run_to_run():
    """
    Lines move between releases and parameters number in the hundreds; file and function stay.
    """
    finding = {
        "kind": "socket",
        "owner": {"kind": "test", "name": "tests/test_a.py::test_a[asyncio-1]"},
        "site": {
            "frames": [
                {"file": "/usr/lib/python3.11/socket.py", "line": 5, "function": "create"},
                {"file": "/x/.dev/libraries/sources/lib-1/tests/test_a.py", "line": 7, "function": "test_a"},
            ]
        },
    }
    one = review.fingerprint("lib", finding)
    entry = review.Review(
        "lib", "socket", real=True, why="", owner="test tests/test_a.py::*", place="tests/test_a.py *"
    )

    assert str(one) == "lib  socket  test tests/test_a.py::test_a  tests/test_a.py test_a"
    assert entry.covers(one)
    assert not review.Review("lib", "file", real=True, why="").covers(one)
