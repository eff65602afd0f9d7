"""
Every command in the documents is run by a test, or stands here with the reason why none can.
"""

from __future__ import annotations

from pathlib import Path

from development.documents import steps_of

ROOT = Path(__file__).resolve().parent.parent
# What a page's commands are run by.
RUN_BY = {
    "README.md": "tests/test_readme.py",
    "packages/ip-monitor/README.md": "packages/ip-monitor/tests/e2e/test_documents.py",
    "docs/tutorials/from-failing-to-sound.md": "tests/test_guides.py",
    "docs/tutorials/ip-monitor-in-ten-seconds.md": "packages/ip-monitor/tests/e2e/test_documents.py",
    "docs/how-to/adopt-hermetic.md": "tests/test_guides.py",
    "docs/how-to/find-a-leaked-connection.md": "packages/hermetic/tests/plugin/test_sqlite_guide.py",
    "docs/how-to/find-a-polluter.md": "tests/test_commands_of_guides.py",
    "docs/how-to/find-what-makes-a-test-flaky.md": "tests/test_commands_of_guides.py",
    "docs/how-to/hanging-tests.md": "tests/test_commands_of_guides.py",
    "docs/how-to/keep-a-journal.md": "tests/test_commands_of_guides.py",
    "docs/how-to/limit-resources.md": "tests/test_commands_of_guides.py",
    "docs/how-to/look-at-the-page.md": "packages/ip-monitor/tests/e2e/page/test_page.py",
    "docs/how-to/manage-a-running-monitor.md": "packages/ip-monitor/tests/e2e/test_documents.py",
    "docs/how-to/report-a-run.md": "tests/test_commands_of_guides.py",
    "docs/how-to/share-and-split.md": "tests/test_commands_of_guides.py",
    "docs/how-to/time-and-order.md": "tests/test_commands_of_guides.py",
    "docs/explanation/stability.md": "tests/test_commands_of_guides.py",
}
# Programs that change the machine or need what is outside it, and what is tested instead.
NOT_RUN = {
    "pip": "installs from an index",
    "python3": "makes an environment beside the system's",
    "/opt/ip-monitor/bin/pip": "installs from an index",
    "sudo": "changes the system; test_operations writes the unit below a directory, and has systemd judge it",
    "systemctl": "needs a running systemd",
    "loginctl": "needs a running systemd",
    "docker": "needs an engine; the Dockerfile is read by a test",
    "install": "writes a secret below /etc or /run",
    "mqtts://home:password@broker.example.net": "what is typed into the command above it",
    "ip-monitor doctor": "asks the providers that are built in; run against simulated ones elsewhere",
    "ip-monitor install-service --user": "needs a running systemd",
    "ip-monitor run --web 127.0.0.1:8787": "takes a fixed port; the page's tests run it with a free one",
    "cp": "copies the old suite; the test does, too",
}


def test_every_command_in_the_documents_is_run_or_says_why_not():
    """
    A page with a new command needs a test that runs it, and a page whose test is gone needs another.
    """
    left = []
    for page in sorted([ROOT / "README.md", *ROOT.glob("packages/*/README.md"), *ROOT.glob("docs/**/*.md")]):
        name = page.relative_to(ROOT).as_posix()
        if name in RUN_BY:
            continue
        left += [
            (name, command)
            for step in steps_of(page.read_text("utf-8"))
            for command in (line.removeprefix("$ ") for line in step.lines)
            if command.partition(" ")[0] not in NOT_RUN and command not in NOT_RUN and not command.startswith("-")
        ]

    assert [(page, test) for page, test in RUN_BY.items() if Path(page).stem not in (ROOT / test).read_text()] == []
    assert left == []
