"""From a folder to a picture in a real browser: real server, real engine, a simulated night."""

import json
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from e2e.house import CANVAS, PATIENCE, Page, picture, say, serving
from smallnight import small_night


@pytest.fixture
def night(tmp_path):
    # Large enough for a run of some seconds, which can be cancelled and killed in its middle.
    return small_night(tmp_path / "night", size=(1200, 900), frames=6, stars=200)


@pytest.mark.timeout(900)
def test_from_a_folder_to_a_picture_and_found_again_as_it_was_left(browser, bundle, night, tmp_path):
    with serving(tmp_path / "house", night) as (server, link):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = Page(context)
        page.open(link)
        a_folder_is_chosen_and_its_frames_are_told_apart(page, night)
        frames_are_measured_and_one_is_rejected_with_a_reason(page)
        a_stack_is_cancelled_at_once_and_begun_again(page, server)
        an_engine_killed_in_a_run_comes_back_and_the_run_goes_on(page, server)
        a_handle_changes_the_picture_and_asks_for_nothing(page)
        what_is_written_is_what_is_seen(page, server)
        the_page_is_found_as_it_was_left(page, server)
        nothing_was_wrong_on_the_way_and_nothing_left_this_computer(page, server)
        context.close()


def rows(page):
    return page.tab.locator(".grid-line")


def every_frame_has_its_figures(page):
    expect(rows(page)).to_have_count(6, timeout=PATIENCE)
    figures = page.tab.locator('.grid-line [data-column="fwhm"]')
    expect(figures).to_have_text([re.compile(r"^\d+(\.\d+)?$")] * 6, timeout=PATIENCE)
    assert all(float(told) > 1 for told in figures.all_inner_texts())


def verdicts(page):
    cells = page.tab.locator(".grid-line").all()
    return {
        row.locator('[data-column="name"]').inner_text(): row.locator('[data-column="verdict"]').inner_text()
        for row in cells
    }


def a_folder_is_chosen_and_its_frames_are_told_apart(page, night):
    page.choose(night)
    page.rest()
    panel = page.tab.get_by_role("complementary", name="Library")
    panel.get_by_text("(light − dark) / flat").wait_for()
    for name in ("Lights", "Darks", "Flats", "Biases"):
        expect(panel.get_by_role("heading", name=name)).to_have_count(1, timeout=PATIENCE)
    assert page.drawn()["draws"] > 0


def frames_are_measured_and_one_is_rejected_with_a_reason(page):
    page.room(2)
    page.rest()
    every_frame_has_its_figures(page)
    rows(page).nth(1).click()
    page.button("Reject").click()
    page.tab.get_by_role("menuitem", name="trail").click()
    page.tab.get_by_role("gridcell", name="rejected: trail").wait_for()
    assert sum("rejected" in one for one in verdicts(page).values()) == 1


def a_stack_is_cancelled_at_once_and_begun_again(page, server):
    page.room(3)
    page.tab.get_by_text("5 lights").wait_for()
    page.button("Stack").click()
    page.tab.locator(".steps [aria-current=step]").wait_for()
    page.tab.locator(".progress-words", has_text="left").wait_for()
    page.tab.locator("[aria-live]", has_text="Stacking, ").wait_for(state="attached")
    took = cancelled(page)
    for _ in range(4):  # the best of some: what other programs take from us is no time of ours
        if took > 250:
            page.button("Stack").click()
            page.tab.locator(".steps [aria-current=step]").wait_for()
            took = min(took, cancelled(page))
    say(f"cancelled after {took:.0f} ms")
    assert took <= 250
    page.button("Stack").click()
    page.tab.get_by_role("complementary", name="Finish").wait_for(timeout=180_000)
    (made,) = server.results.glob("*/results/*_stack.fits")
    assert made.with_name(made.name.replace(".fits", "_report.html")).exists()


def cancelled(page):
    """Cancel; returns after how many milliseconds the page has heard of the run's end, once it is at rest."""
    took = page.tab.evaluate(CANCEL)
    page.tab.locator(".steps").wait_for(state="detached")
    page.rest()
    return took


def an_engine_killed_in_a_run_comes_back_and_the_run_goes_on(page, server):
    page.room(3)
    before = contents(server)
    page.tab.get_by_text("the new one gets a number").wait_for()
    page.button("Stack").click()
    page.tab.locator(".steps [aria-current=step]").wait_for()  # it is heard of: it has begun
    took = [killed(page, server)]
    page.button("Go on").wait_for(timeout=PATIENCE)
    page.notice("killed, by somebody or because the memory ran out")
    took.append(killed(page, server))  # the second death within a few seconds
    page.button("Go on").wait_for(timeout=PATIENCE)
    say(
        f"the engine answers again {took[0]:.0f} ms after the first kill -9, {took[1]:.0f} ms after the second"
    )
    page.button("Go on").click()
    page.rest()
    page.tab.get_by_role("complementary", name="Finish").wait_for()
    after = contents(server)
    assert before.items() < after.items()  # the first stack is as it was, the second lies beside it
    assert sum(name.endswith("_stack-2.fits") for name in after) == 1


def killed(page, server):
    """Kill the engine; returns after how many milliseconds the page has heard of the new one."""
    old = server.engine()
    page.tab.evaluate('() => { window.back = heardOf(\'"state":"up"\').then(at => at - window.began); }')
    page.tab.evaluate("() => { window.began = performance.now(); }")
    old.kill()
    took = page.tab.evaluate("() => back")
    assert server.engine().pid != old.pid
    return took


def contents(server):
    """Every stack that was written, by name."""
    return {path.name: path.read_bytes() for path in server.results.glob("*/results/*.fits")}


def a_handle_changes_the_picture_and_asks_for_nothing(page):
    page.drawn()
    page.rest()  # the project's view has been kept
    before = page.tab.locator(CANVAS).screenshot()
    asked, told, counts = len(page.requests), len(page.told), page.counts()
    handle = page.tab.get_by_role("slider", name="Midtones")
    handle.focus()
    for _ in range(5):
        page.tab.keyboard.press("ArrowLeft")
    page.drawn()
    assert page.tab.locator(CANVAS).screenshot() != before
    sent = [json.loads(text)["cmd"] for text in page.told[told:]]
    assert (page.requests[asked:], [cmd for cmd in sent if cmd != "project.view"]) == ([], [])
    assert page.counts()["requests"] == counts["requests"]


def what_is_written_is_what_is_seen(page, server):
    page.button("Correct").click()
    page.rest()
    page.tab.get_by_role("slider", name="Highlights").focus()
    for _ in range(3):
        page.tab.keyboard.press("Shift+ArrowLeft")
    page.button("Write").click()
    page.notice("Wrote")
    (file,) = server.results.glob("*/results/*_finished.png")
    page.tab.keyboard.press("0")
    page.tab.keyboard.press("1")
    page.drawn()
    off = difference(page, file)
    say(
        f"seen and written: {np.percentile(off, 99):.0f} of 255 at the 99th percentile, {off.max():.0f} at most"
    )
    assert off.max() <= 2


def the_page_is_found_as_it_was_left(page, server):
    page.rest()  # how it is left has been kept
    handle = page.tab.get_by_role("slider", name="Highlights")
    before = handle.get_attribute("aria-valuetext")
    page.tab.reload()
    page.tab.get_by_role("complementary", name="Finish").wait_for()
    page.rest()
    page.tab.get_by_text("Corrected, linear").wait_for(timeout=PATIENCE)
    expect(handle).to_have_attribute("aria-valuetext", before, timeout=PATIENCE)
    page.room(2)
    page.tab.get_by_role("gridcell", name="rejected: trail").wait_for()
    every_frame_has_its_figures(page)


def nothing_was_wrong_on_the_way_and_nothing_left_this_computer(page, server):
    assert page.complaints == []
    origin = f"http://127.0.0.1:{server.port}/"
    assert [url for url in page.requests if not url.startswith((origin, "blob:", "data:"))] == []


def difference(page, file):
    """Of the picture at 1:1 in the middle of the window and a file, 0 to 255; to the nearest pixel of either.

    Where neither notices nor tools lie over the picture.
    """
    rows, columns = slice(300, 740), slice(450, 1000)
    seen = picture(page.shot(page.tab.locator(CANVAS)))[rows, columns]
    wanted, size = picture(file), page.tab.locator(CANVAS).bounding_box()
    top, left = round((size["height"] - wanted.shape[0]) / 2), round((size["width"] - wanted.shape[1]) / 2)
    tries = [
        np.abs(seen - np.roll(wanted, (top + down, left + right), (0, 1))[rows, columns])
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    ]
    return min(tries, key=np.mean)


CANCEL = """() => new Promise(done => {
  const button = [...document.querySelectorAll('.panel button')].find(one => one.textContent === 'Cancel');
  const start = performance.now();
  heardOf('"code":"cancelled"').then(() => done(performance.now() - start));
  button.click();
})"""
"""Clicks, and tells after how many milliseconds the run's end is heard of."""
