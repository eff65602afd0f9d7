"""
`hermetic doctor --settings`: configuration that contradicts itself, and configuration that does not.
"""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hermetic.cli.commands import group as main
from hermetic.runs.settings.conflicts import conflicts
from hermetic.runs.settings.files import sources

SOUND = """
[pytest]
addopts =
    -ra
    -n auto
asyncio_mode = auto
hermetic_retries = 1
"""


@pytest.fixture
def found(tmp_path):
    """
    Writes files, and looks at them: titles with the lines that are named, and all that is told.
    """

    def look(files, *, installed=None, environment=None):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text.lstrip("\n"))
        _, some = conflicts(tmp_path, environment=environment or {}, installed=installed or {})
        return {
            one.title: ([f"{place.file}:{place.line}" for place in one.places], "\n".join(one.lines())) for one in some
        }

    return look


def test_sound_settings_are_left_alone(found):
    """
    Also with other plugins installed, and a fixture that only has a similar name.
    """
    files = {"pytest.ini": SOUND, "conftest.py": "import pytest\n@pytest.fixture\ndef event_loop_kind(): pass\n"}

    assert found(files, installed={"pytest-rerunfailures": "16.1", "pytest-asyncio": "1.3.0"}) == {}


def test_of_several_files_the_one_that_counts_is_named(found, tmp_path):
    """
    With what is lost of the others; the same file is the one that pytest takes.
    """
    files = {
        "pytest.ini": "[pytest]\naddopts = -q\n",
        "pyproject.toml": "[tool.other]\na = 1\n\n[tool.pytest.ini_options]\ntestpaths = ['tests']\naddopts = '-x'\n",
        "setup.cfg": "[tool:pytest]\naddopts = -v\n",
        "tox.ini": "[tox]\n",
    }
    places, told = found(files)["3 files configure pytest, and it reads one"]

    assert places == ["pytest.ini:1", "pyproject.toml:4", "setup.cfg:1"]
    assert "pytest.ini counts; not read are testpaths of the others" in told
    assert [one.file.name for one in sources(tmp_path)] == ["pytest.ini", "pyproject.toml", "setup.cfg"]


@pytest.mark.parametrize(
    ("text", "title", "place"),
    [
        ("addopts =\n    -q\n    --cov-fail-under=90", "a coverage gate in addopts fails every run", "pytest.ini:4"),
        ("addopts = -n 4 --pdb", "--pdb and -n exclude each other", "pytest.ini:2"),
        ("addopts = -n4", "-n 4 in addopts makes pytest --pdb fail", "pytest.ini:2"),
        ("addopts = --reruns 2\nhermetic_retries = 1", "several plugins try failed tests again", "pytest.ini:2"),
        ("asyncio_mode = legacy", "asyncio_mode is out of date", "pytest.ini:2"),
        ("addopts = --strict", "--strict is out of date", "pytest.ini:2"),
        ("timeout = 60", "pytest-timeout and Hermetic's deadlines both end tests", "pytest.ini:2"),
        ("addopts = -p no:hermetic", "Hermetic is switched off for every run", "pytest.ini:2"),
        ("addopts = --hermetic=off", "Hermetic is switched off for every run", "pytest.ini:2"),
    ],
)
def test_each_contradiction_is_named_with_its_line(text, title, place, found):
    """
    Once, and nothing else beside it.
    """
    [(shown, (places, told))] = found({"pytest.ini": f"[pytest]\n{text}\n"}).items()

    assert shown.startswith(title)
    assert places[0] == place
    assert len(told.splitlines()) >= 4


def test_loops_of_ones_own_and_markers_of_several_plugins_are_named(found):
    """
    By the line of the function; what comes of them depends on the version that is installed.
    """
    files = {
        "pytest.ini": SOUND,
        "tests/conftest.py": "import pytest\n\n@pytest.fixture(scope='session')\ndef event_loop():\n    yield\n",
        "tests/test_b.py": "import pytest\n@pytest.fixture(name='event_loop')\nasync def own(): pass\n",
        "tests/broken.py": "event_loop = (",
        ".venv/conftest.py": "import pytest\n@pytest.fixture\ndef event_loop(): pass\n",
    }
    new = found(files, installed={"pytest-asyncio": "1.3.0", "flaky": "3.8", "pytest-retry": "1.7"})
    old = found(files, installed={"pytest-asyncio": "0.23.8"})

    places, told = new["fixtures of one's own named event_loop"]
    assert places == ["tests/conftest.py:4", "tests/test_b.py:3"]
    assert "pytest-asyncio 1.3.0 uses none of them" in told
    assert "stop working with its version 1" in old["fixtures of one's own named event_loop"][1]
    assert "several plugins take @pytest.mark.flaky for theirs" in new


def test_the_environment_counts_last_and_files_that_are_none_are_told(found):
    """
    Whatever is in them.
    """
    told = found(
        {"pytest.ini": "[pytest]\naddopts = --maxfail=1\n", "setup.cfg": "no section\n", "pyproject.toml": "[[["},
        environment={"PYTEST_ADDOPTS": "--maxfail=3"},
    )

    assert "the environment's counts" in told["--maxfail is set twice"][1]
    assert "setup.cfg cannot be read" in told
    assert "pyproject.toml cannot be read" in told


def test_the_command_ends_with_what_it_found(tmp_path, monkeypatch):
    """
    0 where nothing contradicts anything, 1 where something does.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    (tmp_path / "pytest.ini").write_text(SOUND.lstrip())
    sound = CliRunner().invoke(main, ["doctor", "--settings"])
    (tmp_path / "tox.ini").write_text("[pytest]\n")
    twice = CliRunner().invoke(main, ["doctor", "--settings"])

    assert (sound.exit_code, twice.exit_code) == (0, 1)
    assert "nothing contradicts anything" in sound.output
    assert "2 files configure pytest" in twice.output


def test_pytests_own_file_is_read_with_or_without_a_table(tmp_path):
    """
    pytest.toml has its settings below [pytest]; a file of that name that is something else, and one that is too large,
    are told as what they are.
    """
    (tmp_path / "pytest.toml").write_text('[pytest]\naddopts = ["-ra"]\n')
    (tmp_path / "pyproject.toml").write_text('[tool.pytest]\naddopts = ["-q"]\n')
    with (tmp_path / "tox.ini").open("wb") as file:
        file.truncate(2**40)
    read = {one.file.name: one for one in sources(tmp_path) if one.file.parent == tmp_path}
    (tmp_path / "pytest.toml").write_text('pytest = "none"\n')
    again = {one.file.name: one for one in sources(tmp_path) if one.file.parent == tmp_path}

    assert (read["pytest.toml"].options, read["pyproject.toml"].options) == (["-ra"], ["-q"])
    assert "has more than" in read["tox.ini"].problem
    assert again["pytest.toml"].options == []
