"""
What a search for polluters tells, for each way in which it can end.
"""

from __future__ import annotations

import pytest
from hermetic.runs.bisect import Found
from hermetic.runs.polluters import Diagnosis, report
from hermetic.runs.probe import Stain

VICTIM, FIRST, SECOND = "test_a.py::test_victim", "test_a.py::test_first", "test_b.py::test_second"

BRITTLE = f"""
{VICTIM} passes only after
  {FIRST}
  {SECOND}
which leaves behind what it needs. It fails alone; set that up in it.

see it fail: pytest {VICTIM}
(7 probes)
""".strip()


@pytest.mark.parametrize(
    ("found", "more", "told"),
    [
        (
            Found(case="never"),
            {},
            f"{VICTIM} passes alone and after every other test; the order does not decide it. Try: hermetic history {VICTIM}",
        ),
        (
            Found(case="always"),
            {"failure": "\nlong ago\n\nE  one\nE  two\nE  three\n"},
            f"{VICTIM} fails alone as well as after others; the order does not decide it.\nE  one\nE  two\nE  three",
        ),
        (Found(case="always"), {}, f"{VICTIM} fails alone as well as after others; the order does not decide it."),
        (
            Found(case="unsteady", tests=(FIRST,)),
            {},
            f"{VICTIM} does not end alike each time after\n  {FIRST}\nso it is flaky, and no polluter can be named.",
        ),
        (
            Found(case="brittle", tests=(FIRST, SECOND), probes=7),
            {},
            BRITTLE,
        ),
    ],
    ids=["never", "always", "always, nothing said", "unsteady", "brittle"],
)
def test_a_search_without_a_polluter_says_what_it_saw(tmp_path, found, more, told):
    """
    And what to do next, where something can be done.
    """
    assert report(Diagnosis(victim=VICTIM, found=found, **more), root=tmp_path) == told


def test_a_polluter_is_told_with_what_it_changed_and_where(tmp_path):
    """
    Below the project's root by a short path; the first three things that were seen of it.
    """
    own = Stain(
        kind="module_global",
        subject="shop.RATE",
        title="Module attribute changed",
        place=(str(tmp_path / "a.py"), 7, "RATE = 2"),
    )
    other = Stain(
        kind="environ",
        subject="os.environ['A']",
        title="Environment changed",
        evidence=("one", "two", "three", "four"),
        place=("<string>", 1, "exec"),
    )
    diagnosis = Diagnosis(
        victim=VICTIM,
        found=Found(case="victim", tests=(FIRST, SECOND), probes=9),
        causes=((FIRST, own), (SECOND, other)),
        is_proven=True,
        command=("pytest", FIRST, VICTIM),
        is_reproduced=True,
    )

    assert report(diagnosis, root=tmp_path).splitlines() == [
        f"{VICTIM} fails after",
        f"  {FIRST}",
        f"  {SECOND}",
        "  which changed shop.RATE (module attribute changed)",
        "      a.py:7  RATE = 2",
        f"      in {FIRST}",
        "  which changed os.environ['A'] (environment changed)",
        "      <string>:1  exec",
        "      one",
        "      two",
        "      three",
        f"      in {SECOND}",
        "  proven: with that put back, the failure is gone",
        "",
        f"run again: pytest {FIRST} {VICTIM}",
        "(9 probes)",
    ]


@pytest.mark.parametrize(
    "causes", [(), ((FIRST, Stain(kind="random", subject="random", title="Random generator seeded")),)]
)
def test_what_is_not_sure_is_not_told_as_if_it_were(tmp_path, causes):
    """
    Nothing that was seen to change, a change without a line or a proof, and a run that needs more than its command.
    """
    diagnosis = Diagnosis(
        victim=VICTIM,
        found=Found(case="victim", tests=(FIRST,), probes=3),
        causes=causes,
        command=("pytest", FIRST, VICTIM),
    )
    why = (
        "  which changed random (random generator seeded)"
        if causes
        else "  by state that lies outside the process and its files; nothing that it changed was seen"
    )

    assert report(diagnosis, root=tmp_path).splitlines() == [
        f"{VICTIM} fails after",
        f"  {FIRST}",
        why,
        "",
        f"run again: pytest {FIRST} {VICTIM}",
        "           (in a process started from nothing this passes; it needs what collecting the whole suite loads)",
        "(3 probes)",
    ]
