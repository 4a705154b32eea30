"""A night of two thousand frames: the table holds only what is in sight, and stays where it was scrolled to."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from astropy.io import fits
from playwright.sync_api import expect

from e2e.house import BUSY, PATIENCE, Page, say, serving

COUNT = 2000
LONGEST = """() => {
  window.longest = 0;
  new PerformanceObserver(seen => {
    for (const one of seen.getEntries()) longest = Math.max(longest, one.duration);
  }).observe({entryTypes: ['longtask']});
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Frames of 40 x 32 pixels, a minute apart."""
    made = tmp_path_factory.mktemp("long") / "lights"
    made.mkdir()
    pixels = np.random.default_rng(1).integers(500, 600, (COUNT, 32, 40)).astype(">i2")
    began = datetime(2024, 8, 14, 20)
    for number in range(COUNT):
        taken = (began + timedelta(minutes=number)).isoformat()
        header = fits.PrimaryHDU(pixels[number], fits.Header({"IMAGETYP": "Light", "DATE-OBS": taken})).header
        stored = pixels[number].tobytes()
        file = made / f"light_{number:04}.fits"
        file.write_bytes(header.tostring().encode() + stored + bytes(-len(stored) % 2880))
    return made


@pytest.fixture(scope="module")
def page(browser, bundle, folder, tmp_path_factory):
    """The night's table, while its frames are being measured."""
    with serving(tmp_path_factory.mktemp("many"), folder) as (_, link):
        shown = Page(browser.new_context(viewport={"width": 1440, "height": 900}))
        shown.open(link)
        shown.choose(folder)
        shown.rest()
        shown.room(2)
        shown.tab.get_by_role("grid").wait_for()
        yield shown
        assert shown.complaints == []
        shown.tab.context.close()


def top(page):
    return page.tab.evaluate("document.querySelector('.grid').scrollTop")


def test_only_those_in_sight_exist_and_the_table_stays_where_it_was_scrolled_to_while_figures_come(page):
    page.tab.evaluate(LONGEST)
    expect(page.tab.get_by_role("grid")).to_have_attribute("aria-rowcount", str(COUNT + 1), timeout=PATIENCE)
    page.tab.locator(".grid-line").first.wait_for()
    assert page.tab.locator(".grid-line").count() < 80
    page.tab.locator(BUSY).wait_for()  # it measures
    page.tab.evaluate("document.querySelector('.grid').scrollTop = 1e6")
    page.tab.get_by_role("gridcell", name=f"light_{COUNT - 1}.fits").wait_for()
    before, seen = top(page), []
    while page.tab.locator(BUSY).count():
        seen.append(top(page))
        page.tab.wait_for_timeout(100)
    assert len(seen) > 5
    assert set(seen) == {before}
    assert page.tab.locator(".grid-line").count() < 80
    took = page.tab.evaluate("longest")
    say(f"{COUNT} frames measured in {len(seen) / 10:.0f} s or more; the longest task took {took:.0f} ms")
    page.rest()
    assert all(
        float(cell) > 500 for cell in page.tab.locator(".grid-line [data-column=sky]").all_inner_texts()
    )


def test_a_row_that_is_looked_at_comes_into_sight_and_the_keys_move_on(page):
    page.tab.get_by_role("button", name="Frame", exact=True).click()
    page.tab.evaluate("document.querySelector('.grid').scrollTop = 0")
    page.tab.get_by_role("gridcell", name="light_0003.fits").click()
    for _ in range(5):
        page.tab.keyboard.press("PageDown")
    looked_at(page, "light_0063.fits")
    page.tab.keyboard.press("End")
    looked_at(page, f"light_{COUNT - 1}.fits")
    page.tab.keyboard.press("Home")
    looked_at(page, "light_0000.fits")


def looked_at(page, name):
    """Wait until a row is looked at, and see that it lies within the table, under its head."""
    row = page.tab.locator(".grid-line[data-focus]", has_text=name)
    row.wait_for()
    page.still()
    box, grid = row.bounding_box(), page.tab.locator(".grid").bounding_box()
    head = page.tab.locator(".grid-head").bounding_box()
    assert head["y"] + head["height"] - 1 <= box["y"]
    assert box["y"] + box["height"] <= grid["y"] + grid["height"] + 1


def test_a_range_is_rejected_counted_and_taken_back(page):
    page.tab.get_by_role("gridcell", name="light_0001.fits").click()
    page.tab.get_by_role("gridcell", name="light_0005.fits").click(modifiers=["Shift"])
    page.tab.get_by_text("5 selected").wait_for()
    page.button("Reject").click()
    page.tab.get_by_role("menuitem", name="clouds").click()
    page.tab.get_by_label("Show").get_by_text("Rejected", exact=True).click()
    page.tab.get_by_text(f"5 of {COUNT}").wait_for()
    page.button("Undo").click()
    page.tab.get_by_text(f"0 of {COUNT}").wait_for()
    page.tab.get_by_label("Show").get_by_text("All", exact=True).click()
    page.tab.get_by_label("Filter by name").fill("_0042")
    page.tab.get_by_text(f"1 of {COUNT}").wait_for()
