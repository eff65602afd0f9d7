"""
Promises of the repository itself: its locks, its entry point, its two packages.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
REQUIREMENT = re.compile(r"^([a-z0-9._-]+)==(\S+)")


def pins(name: str) -> set[tuple[str, str]]:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    return {(m[1], m[2]) for line in text.splitlines() if (m := REQUIREMENT.match(line))}


def dev(*words: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(cwd / "dev"), *words],
        cwd=cwd,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """
    The files that set-up reads, alone in a directory.
    """
    for name in (
        "dev",
        "development",
        "pyproject.toml",
        "requirements",
        "packages/hermetic/pyproject.toml",
        "packages/ip-monitor/pyproject.toml",
    ):
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    return tmp_path


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_lock_pins_every_requirement_with_hashes_and_names_no_host(lock: Path):
    """
    A lock can be installed with --require-hashes from any index, and tells nothing about where it was made.
    """
    text = lock.read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if entry]

    assert "://" not in text
    assert "--index" not in text
    assert all(REQUIREMENT.match(entry) and "--hash=sha256:" in entry for entry in entries)


def test_each_lock_is_contained_in_the_next():
    """
    Installing a larger level never changes a version of a smaller one, so one environment serves all.
    """
    assert pins("run") < pins("test") < pins("check")


def test_run_group_lists_what_the_packages_need():
    """
    What the packages declare and what is locked for them cannot drift apart.
    """
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    hermetic = tomllib.loads((ROOT / "packages/hermetic/pyproject.toml").read_text())["project"]
    monitor = tomllib.loads((ROOT / "packages/ip-monitor/pyproject.toml").read_text())["project"]
    declared = {
        *hermetic["dependencies"],
        *hermetic["optional-dependencies"]["world"],
        *monitor["dependencies"],
    }

    assert declared - set(groups["run"]) == set()


def test_help_names_every_command_with_its_purpose():
    """
    A stranger finds the commands from the program alone.
    """
    text = dev("--help").stdout

    for command in ("run", "test", "check", "bench", "prove", "soak", "lock", "docs"):
        assert re.search(rf"^  {command} +\S+", text, re.MULTILINE), command


def test_unknown_check_is_refused_with_the_names_there_are(checkout: Path):
    """
    A mistyped name is answered before anything is installed.
    """
    done = dev("check", "mypi", cwd=checkout)

    assert done.returncode == 2
    assert "no check named mypi. There are: format, lint, mypy" in done.stderr
    assert not (checkout / ".venv").exists()


def test_missing_lock_is_named_with_the_command_that_restores_it(checkout: Path):
    """
    A damaged checkout is told apart from a failed installation.
    """
    (checkout / "requirements" / "test.lock").unlink()

    done = dev("test", cwd=checkout)

    assert done.returncode == 2
    assert "requirements/test.lock cannot be read" in done.stderr
    assert "git checkout -- requirements/test.lock" in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_python_is_refused_by_name(checkout: Path):
    """
    `--python` never falls back to another interpreter in silence.
    """
    done = dev("--python", "3.99", "test", cwd=checkout)

    assert done.returncode == 2
    assert "no working program 'python3.99' on PATH" in done.stderr


def environment(checkout: Path) -> None:
    """
    A virtual environment that works, as an earlier set-up left it; with the pip of this one, since installing it takes long, and
    with none where uv installs.
    """
    pip = importlib.util.find_spec("pip")
    path = checkout / ".venv"
    venv.create(path, with_pip=pip is None and shutil.which("uv") is None, symlinks=True)
    if pip is not None and pip.origin is not None:
        (packages,) = (path / "lib").glob("python*/site-packages")
        (packages / "pip").symlink_to(Path(pip.origin).parent)
    (path / "dev-stamp.json").write_text(json.dumps({"path": str(path), "run": "of other requirements"}))


def test_failed_installation_says_what_failed_and_leaves_no_stamp(checkout: Path):
    """
    A half-installed environment is never taken for a complete one, nor for what it was before.
    """
    environment(checkout)
    (checkout / "requirements" / "run.lock").write_text("six==1.16.0 --hash=sha256:" + "0" * 64 + "\n")

    done = dev("run", cwd=checkout, PIP_NO_INDEX="1", UV_OFFLINE="1", UV_NO_INDEX="1")

    assert done.returncode == 2
    assert "could not install requirements/run.lock" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(checkout.glob(".venv*/dev-stamp.json"))


def test_stamp_of_a_larger_level_serves_the_smaller_and_a_copied_one_does_not(checkout: Path, tmp_path_factory):
    """
    Current set-ups are recognised without installing; a moved environment, whose scripts point elsewhere, is not.
    """
    probe = (
        "import importlib.machinery, importlib.util, sys\n"
        "loader = importlib.machinery.SourceFileLoader('dev', sys.argv[1])\n"
        "spec = importlib.util.spec_from_loader('dev', loader)\n"
        "dev = importlib.util.module_from_spec(spec); loader.exec_module(dev)\n"
        "env = dev.Environment(python=None)\n"
        "print([env.is_current(level) for level in dev.LEVELS], dev.digest_of('test'))\n"
    )

    def ask(root: Path) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-c", probe, str(root / "dev")], capture_output=True, text=True, check=True, timeout=20
        )
        answer, digest = done.stdout.rsplit(" ", 1)
        return answer, digest.strip()

    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    stamp = checkout / ".venv" / "dev-stamp.json"

    before, digest = ask(checkout)
    stamp.write_text(json.dumps({"path": str(checkout / ".venv"), "test": digest}))
    installed, _ = ask(checkout)
    copy = tmp_path_factory.mktemp("copy") / "here"
    shutil.copytree(checkout, copy, symlinks=True)
    copied, _ = ask(copy)
    stamp.write_text("{broken")
    broken, _ = ask(checkout)

    assert before == "[False, False, False]"
    assert installed == "[True, True, False]"
    assert copied == "[False, False, False]"
    assert broken == "[False, False, False]"


def test_temporary_files_of_tests_live_in_memory_where_there_is_room(checkout: Path):
    """
    A place that has too little room or is not there is left alone, and so is what the caller chose.
    """
    probe = (
        "import importlib.machinery, importlib.util, json, os, sys\n"
        "from pathlib import Path\n"
        "loader = importlib.machinery.SourceFileLoader('dev', sys.argv[1])\n"
        "spec = importlib.util.spec_from_loader('dev', loader)\n"
        "dev = importlib.util.module_from_spec(spec); loader.exec_module(dev)\n"
        "here = Path(sys.argv[1]).parent\n"
        "found = [dev.memory_for_files(*words) for words in ((here, 1), (here, 1 << 60), (here / 'no', 0))]\n"
        "dev.memory_for_files = lambda: 'memory'\n"
        "env = dev.Environment(python=None)\n"
        "print(json.dumps([*found, env.for_tests()['TMPDIR'], env.variables().get('TMPDIR')]))\n"
    )

    def ask(**variables: str) -> list[str | None]:
        inherited = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
        done = subprocess.run(
            [sys.executable, "-c", probe, str(checkout / "dev")],
            env={**inherited, **variables}, capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        return json.loads(done.stdout)

    assert ask() == [str(checkout), None, None, "memory", None]
    assert ask(TMPDIR="/chosen")[-2:] == ["/chosen", "/chosen"]


def test_workflows_call_nothing_but_the_entry_point():
    """
    What a hosted runner does, a developer can do with the same words.
    """
    for workflow in (ROOT / ".github" / "workflows").glob("*.yml"):
        runs = re.findall(r"^\s*(?:- )?run: (.+)$", workflow.read_text(), re.MULTILINE)
        assert runs, workflow.name
        assert all(run.startswith(("./dev ", "bash .ci/run")) for run in runs), runs


def test_no_file_names_a_secret_or_a_machine_path():
    """
    Nothing committed carries a token-shaped string or a path of somebody's home.
    """
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    shapes = re.compile(
        r"[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,}"  # Discord bot token
        r"|gh[pousr]_[A-Za-z0-9]{36}|AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}"
        r"|/home/[a-z]+/|/Users/[a-z]+/"
    )
    found = []
    for name in filter(None, names):
        path = ROOT / name
        if path.suffix in {".png", ".lock", ".gz"} or not path.is_file() or path == Path(__file__):
            continue
        if match := shapes.search(path.read_text(errors="replace")):
            found.append((name, match[0][:12] + "…"))

    assert found == []
