"""
The page of a run, driven as a person does: in Debian's Chromium, by keyboard and mouse.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hermetic.foundation import Finding, Frame, Owner, Site
from hermetic.guard.deadlines.events import DeadlinePassed
from hermetic.guard.events import FindingReported
from hermetic.record.events import (
    FixtureSetUp,
    LogWritten,
    OperationEnded,
    PastKnown,
    PhaseEnded,
    ResourcesSampled,
    RunEnded,
    SuitePast,
    TaskEnded,
    TestBegan,
)
from hermetic.record.failure import Failure, FailureFrame
from hermetic.record.journal.reading import Journal
from hermetic.record.report import TestReporter
from hermetic.record.run import build

pytestmark = [
    pytest.mark.needs_program("chromium"),
    pytest.mark.hermetic("off", reason="playwright keeps a driver process and its loop for the whole module"),
    pytest.mark.deadline(setup=120, call=120),
]
AXE = Path(__file__).with_name("axe.min.js")
HOSTILE = (
    "</script><script>bad=1</script>",
    "<img src=x onerror=bad=1>",
    "\x1b[31mred",
    "\u202elive",
    "\udcff",
    "a'b\"c",
    "x" * 100_000,
    "\U0001f600a",
    "\U0001f600b",
)


def journal(names, *, bad_every):
    """
    The journal of a run of these tests, of which each so many-eth fails.
    """
    events, at = [], 0.0
    for number, name in enumerate(names):
        events.append(TestBegan(at_s=at, test=name, file=name.partition("::")[0], line=number))
        for phase in ("setup", "call", "teardown"):
            at += 0.002
            is_bad = phase == "call" and number % bad_every == 0
            if is_bad:
                events += happened(at, name)[: None if number == 0 else -2]
            events.append(
                PhaseEnded(
                    at_s=at,
                    test=name,
                    phase=phase,
                    outcome="failed" if is_bad else "passed",
                    duration_s=0.002,
                    failure=failure(number) if is_bad else None,
                    text="def test():\n>   assert x\n" * 40 if is_bad else "",
                    output=(("Captured stdout call", f"{name}\n" * 3),) if is_bad else (),
                )
            )
    events.append(RunEnded(at_s=at, status=1))
    header = {"kind": "journal", "started_at": 1.7e9, "at_s": 0.0, "worker": "gw0", "run": "abc"}
    return Journal(
        path=Path("journal"),
        header={**header, "hermetic": "1", "python": "3", "platform": "linux", "root": "/project"},
        events=tuple(events),
    )


def happened(at, name):
    """
    Something in each lane, and the curves beneath.
    """
    return [
        FixtureSetUp(at_s=at, fixture=f"shop of {name}", scope="module", duration_s=0.001),
        OperationEnded(at_s=at, name=f"buy {name}", number=1, outcome="failed", duration_s=0.001),
        TaskEnded(at_s=at, task=name, coroutine="pay", outcome="failed", duration_s=0.001),
        LogWritten(at_s=at, logger="shop", level="INFO", message=f"asked {name}"),
        ResourcesSampled(at_s=at, memory_bytes=50 << 20, descriptors=9, threads=2),
        ResourcesSampled(at_s=at, memory_bytes=60 << 20, descriptors=9, threads=2),
        DeadlinePassed(
            at_s=at, test=name, phase="call", budget_s=1.0, elapsed_s=1.0, source="s", waiting_at="shop.py:7",
            is_deadlock=False, text=f"consumer of {name}\n  await queue.get()",
        ),
        FindingReported(
            at_s=at, test=name, level="warn",
            finding=Finding(
                category="leak", kind="sqlite3.connection", title="left open", subject=name,
                owner=Owner(kind="test", name=name),
                site=Site(frames=(Frame(file="/project/shop.py", line=3, function="f", source=f"connect({name!r})"),)),
            ),
        ),
    ]  # fmt: skip


def known(name, **row):
    values = {"passed": 0, "failed": 0, "judged": "unknown", **row}
    return PastKnown(
        at_s=0.0, test=name, strip="..F.", rate="fails 25 % of the time", since_at=1.7e9, since_code="abcdef", **values
    )


def failure(number):
    frame = FailureFrame(
        file="/project/shop.py", line=number, function="buy", module="shop", source="await pay()", is_own=True
    )
    facts = {} if number % 3 else {"mock.is_exhausted": True, "mock.calls": 3}
    return Failure(
        type="StopAsyncIteration" if facts else "ValueError", message=f"no {number}", frames=(frame,), facts=facts,
        tasks=f"tasks:\n  keeper {number}\n    await queue.get()", nature="error" if number else "infrastructure",
    )  # fmt: skip


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    names = [f"tests/test_area_{n // 100:03d}.py::test_case_{n:05d}" for n in range(5000)]
    past = [
        SuitePast(
            at_s=0.0, runs=20, tests=5000, unsteady=1, durations_s=(29.0, 30.0), failed_last=(names[1],), asked=100
        ),
        known(names[0], passed=5),
        known(names[50], failed=2),
        known(names[100], failed=1, judged="flaky"),
    ]
    made = journal(names, bad_every=50)
    now = build([replace(made, events=(*made.events, *past))])
    before = build([replace(journal(names[50:], bad_every=100), header={**made.header, "run": "before"})])
    TestReporter(now, before=before).write(path)
    return path


@pytest.fixture
def opened(browser):
    """
    Opens a report and fails when the page complained, or asked for anything but itself.
    """
    pages, complaints, asked = [], [], []

    def open_(path, *, scheme="light", state=""):
        page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{path}{state}")
        page.wait_for_selector("body[data-stories]", timeout=60_000)
        pages.append(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert (complaints, [url for url in asked if not url.startswith("file://")]) == ([], [])


def rows(page):
    return page.locator(".row .id").all_inner_texts()


def test_the_first_screen_says_what_is_wrong_without_scrolling(file, opened):
    """
    The verdict, the causes with how many tests they explain, and the first failures are in sight.
    """
    page = opened(file)

    assert (
        page.locator("#verdict")
        .inner_text()
        .startswith("100 failed, for 2 causes. 98 of them are new. 4900 passed, in ")
    )
    assert page.locator("#facts button").first.inner_text().startswith("ValueError: no ")
    assert [one.partition("\n")[0] for one in page.locator("#facts section").all_inner_texts()] == [
        "Failures by cause",
        "Since the last runs",
        "Compared with run before",
        "Findings",
        "Slowest",
        "Hungriest",
        "Workers",
    ]
    assert page.locator(".row").first.bounding_box()["y"] < 800
    assert page.locator(".row .outcome").first.inner_text() == "failed"
    assert page.locator(".causes .soft").first.inner_text() == (
        "cause unknown; 64 new, 1 known flaky, 1 failing since 2023-11-14 (abcdef)"
    )
    assert page.locator(".causes li").nth(1).inner_text().split("\n") == [
        "34",
        "A mock ran out of side effects: it was called 3 times and was given 2. This is no race.",
        "mock.exhausted, certain; 34 new",
        "Give the mock a function, which never runs out, or as many results as there are calls.",
    ]


def test_five_thousand_tests_are_small_and_only_the_rows_in_sight_exist(file, opened):
    """
    At most 1.5 MB on disk; a bounded number of elements wherever the list stands.
    """
    page = opened(file)
    count = "document.getElementsByTagName('*').length"
    at_top = page.evaluate(count)
    page.evaluate("document.getElementById('list').scrollTop = 60000")
    # Not `wait_for_function`: when it has to look again it evaluates its text anew, which the page's own policy forbids.
    page.evaluate(
        "() => new Promise(done => { const look = () => document.querySelector('.row').dataset.index > 2000"
        " ? done() : requestAnimationFrame(look); look() })"
    )

    assert file.stat().st_size <= 1_500_000
    assert max(at_top, page.evaluate(count)) < 700


def metrics(page):
    """
    What the browser itself counts for the tab, once what nobody holds any more is gone.
    """
    browser = page.context.new_cdp_session(page)
    browser.send("Performance.enable")
    browser.send("HeapProfiler.collectGarbage")
    counted = {one["name"]: one["value"] for one in browser.send("Performance.getMetrics")["metrics"]}
    browser.detach()
    return counted["JSHeapUsedSize"] / 2**20, counted["Nodes"], counted["JSEventListeners"]


def test_the_tabs_memory_and_nodes_are_bounded_and_using_it_leaves_nothing_behind(file, opened):
    """
    5,000 tests: after scrolling through the list, opening a dozen tests and filtering, no more is held than before.
    """
    page = opened(file)
    first = metrics(page)
    for step in range(12):
        page.evaluate(f"document.getElementById('list').scrollTop = {step * 10000}")
        page.keyboard.press("n")
    page.locator("#search").fill("area_00")
    page.locator("#clear").click()
    page.keyboard.press("Escape")
    memory, nodes, listeners = metrics(page)

    assert (first[0] < 16, first[1] < 1500) == (True, True)
    assert (memory < first[0] + 2, nodes < first[1] + 200, listeners < first[2] + 50) == (True, True, True)


def test_search_filters_and_causes_narrow_the_list_and_live_in_the_address(file, opened):
    """
    What one sees can be sent as a link, and Show all takes everything back.
    """
    page = opened(file)
    page.locator("#search").fill("case_00050")
    assert (
        rows(page),
        page.locator("#number").inner_text(),
    ) == (["tests/test_area_000.py::test_case_00050"], "1 of 5000 tests")
    page.locator("#clear").click()
    page.get_by_role("button", name="passed 4900").click()
    assert page.locator("#number").inner_text() == "4900 of 5000 tests"
    page.locator("#clear").click()
    page.get_by_role("button", name="A mock ran out").click()
    assert page.locator("#number").inner_text().startswith("34 of 5000 tests with the cause: A mock ran out")

    again = opened(file, state=page.evaluate("location.hash"))
    assert again.locator("#number").inner_text() == page.locator("#number").inner_text()


def test_one_test_is_explained_by_keyboard_alone(file, opened):
    """
    Slash to search, Escape to the list, arrows, Enter: cause, evidence, remedy, lines, timeline, output; Escape closes.
    """
    page = opened(file)
    page.keyboard.press("/")
    page.keyboard.type("case_001")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")

    detail = page.locator("#detail")
    text = detail.inner_text()
    assert "tests/test_area_001.py::test_case_00100" in text
    assert "No rule knows the cause." in text
    assert "await pay()" in text
    assert "pytest 'tests/test_area_001.py::test_case_00100'" in text
    assert detail.locator(".lane").count() >= 2
    assert "asked tests/test_area_001.py::test_case_00100" in detail.inner_text()
    page.keyboard.press("Escape")
    assert not detail.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_screen_reader_finds_no_serious_violation(file, opened, scheme):
    """
    axe-core on the first screen and on an open test, in both schemes.
    """
    page = opened(file, scheme=scheme)
    page.locator(".row").first.click()
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")

    assert [(one["id"], one["impact"]) for one in found["violations"] if one["impact"] in {"serious", "critical"}] == []


def test_hostile_names_and_values_change_nothing_in_the_structure(opened, tmp_path):
    """
    The page has the same elements as that of harmless tests, and none of theirs ran.
    """
    shapes = {}
    for kind, names in (("calm", [f"n{n}" for n in range(len(HOSTILE))]), ("hostile", HOSTILE)):
        path = tmp_path / f"{kind}.html"
        TestReporter(build([journal([f"t.py::test[{one}]" for one in sorted(names)], bad_every=1)])).write(path)
        page = opened(path)
        for number in range(len(HOSTILE)):
            page.locator(".row").nth(number).click()
        shapes[kind] = page.evaluate(
            "[...document.querySelectorAll('main *')].map(one => one.tagName).sort().join(' ')"
        )
        assert page.evaluate("typeof bad") == "undefined"
        assert page.locator("script").count() == 4
        assert page.locator("img").count() == 0

    assert shapes["calm"] == shapes["hostile"]


def test_every_control_of_the_first_screen_does_what_it_says(file, opened):
    """
    What is new, what differs, who is slow and hungry, the tags among the filters, the keys, and the way back from each.
    """
    page = opened(file)

    def number():
        return page.locator("#number").inner_text().partition(" of ")[0]

    for button, tests in (
        ("new", "98"),
        ("still failing", "1"),
        ("known flaky", "1"),
        ("mended", "1"),
        ("broken", "49"),
    ):
        page.locator("#facts").get_by_role("button", name=button, exact=True).first.click()
        assert (button, number()) == (button, tests)
        page.locator("#clear").click()
    page.locator("#chips button[data-tag='still failing']").click()
    assert rows(page) == ["tests/test_area_000.py::test_case_00050"]
    assert page.locator(".row .tag").inner_text() == "still failing"
    page.locator("#chips button[data-tag='still failing']").click()
    assert number() == "5000"
    for title in ("Slowest", "Hungriest"):
        panel = page.locator("#facts section", has=page.get_by_role("heading", name=title))
        wanted = panel.locator("button").first.get_attribute("title")
        panel.locator("button").first.click()
        assert page.locator("#detail h2 .id").inner_text() == wanted
        page.get_by_role("button", name="Close this test").click()
        assert not page.locator("#detail").is_visible()
    page.locator("#keys").click()
    assert page.locator("#help").is_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    page.locator("#help").wait_for(state="hidden")


def test_a_test_shows_its_past_what_waited_its_lanes_and_its_curves(file, opened):
    """
    Opened by a link; n and p go through the list; the command can be copied.
    """
    page = opened(file, state="#test=tests/test_area_000.py::test_case_00000")
    detail = page.locator("#detail")
    text = detail.inner_text()

    assert "Infrastructure: a connection, a name, a descriptor" in text
    assert "new: it had passed in the last 5 tries, since 2023-11-14 (abcdef)" in text
    assert "new since run before: failed" in text
    assert "consumer of tests/test_area_000.py::test_case_00000\n  await queue.get()" in text
    lanes = [one.partition(" ")[0] for one in detail.locator(".lanes > span").all_inner_texts() if one]
    assert lanes == [
        "phases",
        "fixtures",
        "operations",
        "tasks",
        "log",
        "deadlines",
        "findings",
        "memory",
        "descriptors",
        "threads",
    ]
    assert detail.locator("polyline").count() == 3
    assert detail.get_by_label("Await tree at the failure").inner_text() == "tasks:\n  keeper 0\n    await queue.get()"
    assert detail.locator("ul.id li").inner_text() == (
        "shop.py:3 in f\nconnect('tests/test_area_000.py::test_case_00000')"
    )
    assert detail.locator(".strip").inner_text() == "..F."
    detail.get_by_role("button", name="copy").click()
    detail.locator("p button", has_text=re.compile("^(copied|select and copy it)$")).wait_for()
    page.keyboard.press("n")
    assert detail.locator("h2 .id").inner_text() == "tests/test_area_000.py::test_case_00050"
    page.keyboard.press("p")
    assert detail.locator("h2 .id").inner_text() == "tests/test_area_000.py::test_case_00000"
    page.locator("#search").fill("asked tests/test_area_000.py::test_case_00050")
    assert rows(page) == ["tests/test_area_000.py::test_case_00050"]


def test_paper_shows_what_went_wrong(file, opened):
    """
    In print the list that scrolls gives way to the failures with evidence, remedy and lines, dark on light.
    """
    page = opened(file, scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")

    assert not page.locator("#list").is_visible()
    assert page.locator("#paper h3").count() == 100
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    text = page.locator("#paper section").first.inner_text()
    assert "A mock ran out of side effects" in text
    assert "StopAsyncIteration was raised by the mock itself" in text
    assert "Give the mock a function" in text
    assert ">   assert x" in text


def test_a_narrow_screen_needs_no_scrolling_sideways_and_shows_names(file, opened):
    """
    320 pixels, which is also a desktop at 400 %: what gives way in a row is its file, not its name.
    """
    page = opened(file)
    page.set_viewport_size({"width": 320, "height": 640})
    page.locator(".row").first.click()

    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.locator(".row .id").first.inner_text() == "test_case_00000"
