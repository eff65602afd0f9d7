"""
Which version of the code a run is counted for.
"""

from __future__ import annotations

import subprocess

from hermetic.record.history.code import version


def test_a_module_that_git_does_not_know_yet_is_part_of_the_version(tmp_path):
    """
    Otherwise a new test that is mended would have failed and passed on the same code.
    """

    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True)

    (tmp_path / "known.py").write_text("known = 1\n")
    (tmp_path / ".gitignore").write_text("made.py\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    seen = [version(tmp_path)]
    for name, text in [("made.py", "x = 1"), ("out.txt", "1"), ("new.py", "new = 1"), ("new.py", "new = 2")]:
        (tmp_path / name).write_text(text)
        seen.append(version(tmp_path))

    (tmp_path / ".#new.py").symlink_to("somebody@a-machine.1234")  # as an editor's lock
    seen.append(version(tmp_path))

    assert seen[0] == seen[1] == seen[2]
    assert seen[4] == seen[5]
    assert "+" not in seen[0]
    assert len(set(seen)) == 3
