"""What the page promises: figures in counts, and milliseconds of our own script printed; never in frames a second."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from playwright.sync_api import expect

from e2e.house import CANVAS, PATIENCE, STEPS_A_FRAME, Page, picture, say, serving
from e2e.scripts import CONTROLS, CUT_OFF, FLOOD, FOCUSED, INKED, LOST_AND_BACK, NAMED, NEXT_FRAME, PINCH
from smallnight import small_night

ROOMS = ("Library", "Frames", "Stack", "Finish")


SOLVED = {
    "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 299.9, "CRVAL2": 22.72, "CRPIX1": 200.5, "CRPIX2": 150.5,
    "CD1_1": -4e-4, "CD1_2": 1e-5, "CD2_1": 1e-5, "CD2_2": 4e-4,
}  # fmt: skip
"""Where in the sky the frames lie, as a program that solves plates writes it."""


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    made = small_night(tmp_path_factory.mktemp("accept") / "night", size=(400, 300))
    for light in (made / "lights").glob("*.fits"):
        with fits.open(light, mode="update") as file:
            file[0].header.update(SOLVED)
    return made


@pytest.fixture(scope="module")
def house(bundle, night, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("accepting"), night) as (server, link):
        yield server, link


@pytest.fixture(scope="module")
def context(browser, house):
    """One login for all tabs."""
    made = browser.new_context(viewport={"width": 1440, "height": 900}, bypass_csp=True)
    first = Page(made)
    first.open(house[1])
    first.choose(house[0].nights[0])
    first.rest()
    first.room(3)
    first.tab.get_by_text("6 lights").wait_for()
    first.button("Stack").click()
    first.tab.get_by_role("complementary", name="Finish").wait_for(timeout=180_000)
    first.rest()
    assert first.complaints == []
    first.tab.close()
    yield made
    made.close()


@pytest.fixture
def page(context, house):
    """A tab in which the stack of the night is shown."""
    shown = Page(context)
    shown.open(f"http://127.0.0.1:{house[0].port}/")
    shown.room(4)
    shown.rest()
    if shown.tab.get_by_text("Corrected, linear").count():  # as another test has left it
        shown.button("Show uncorrected").click()
    shown.tab.get_by_text("Stack, linear").wait_for()
    set_theme(shown, "Dark")  # the page opens as the test before has left it
    shown.tab.keyboard.press("0")
    shown.drawn()
    yield shown
    shown.tab.close()


def test_panning_takes_little_script_of_our_own_and_asks_for_nothing_that_is_there(page):
    page.tab.keyboard.press("2")
    before = page.drawn()
    panned = page.panned()
    say(f"panning: {panned}")
    assert panned.steps_a_frame <= STEPS_A_FRAME
    assert page.drawn()["requests"] == before["requests"]


def test_zoom_keeps_the_point_under_the_pointer(page):
    before = place_under(page, 300, 250)
    scale = page.tab.locator(".tools-scale").inner_text()
    page.tab.mouse.wheel(0, -600)
    expect(page.tab.locator(".tools-scale")).not_to_have_text(scale, timeout=PATIENCE)
    page.drawn()
    after = place_under(page, 300, 250)
    assert np.abs(np.subtract(before, after)).max() <= 1


def test_two_fingers_zoom_about_their_middle(page):
    before, scale = place_under(page, 300, 250), zoom_of(page)
    page.tab.evaluate(PINCH)
    page.drawn()
    after = place_under(page, 300, 250)
    assert zoom_of(page) == pytest.approx(2 * scale, rel=0.02)
    assert np.abs(np.subtract(before, after)).max() <= 1


def test_every_key_of_the_viewer_moves_the_picture(page):
    page.tab.locator(CANVAS).click()
    page.tab.keyboard.press("1")
    page.drawn()
    last = page.tab.locator(CANVAS).screenshot()
    for key in ("+", "-", "2", "ArrowLeft", "ArrowUp", "0"):
        page.tab.keyboard.press(key)
        page.drawn()
        now = page.tab.locator(CANVAS).screenshot()
        assert now != last, key
        last = now


def test_the_readout_tells_exact_values(page, house):
    (file,) = house[0].results.glob("*/results/*_stack.fits")
    x, y = place_under(page, 500, 400)
    words = page.tab.get_by_test_id("readout").inner_text().replace("−", "-").split()
    told = [float(words[words.index(name) + 1]) for name in "RGB"]
    np.testing.assert_allclose(told, fits.getdata(file)[:, y, x], rtol=1e-5)


def test_the_readout_tells_where_in_the_sky_a_solved_picture_is(page, house):
    (file,) = house[0].results.glob("*/results/*_stack.fits")
    x, y = place_under(page, 500, 400)
    words = page.tab.get_by_test_id("readout").inner_text().replace("−", "-")
    ra = [float(one) for one in re.search(r"(\d+)h (\d+)m ([\d.]+)s", words).groups()]
    dec = [float(one) for one in re.search(r"([+-]\d+)° (\d+)′ (\d+)″", words).groups()]
    told = 15 * (ra[0] + ra[1] / 60 + ra[2] / 3600), dec[0] + dec[1] / 60 + dec[2] / 3600
    wanted = WCS(fits.getheader(file), naxis=2).celestial.all_pix2world(x, y, 0)
    assert wanted[1] == pytest.approx(22.72, abs=0.1)
    np.testing.assert_allclose(told, wanted, atol=1 / 3600)


def test_the_grid_and_the_marks_of_the_stars_lie_over_the_picture_and_go_again(page):
    page.tab.locator(CANVAS).click()
    bare = inked(page)
    assert bare == 0
    for key in ("g", "s"):
        page.tab.keyboard.press(key)
        page.tab.wait_for_function(f"({INKED})() > 200")
        page.tab.keyboard.press(key)
        page.tab.wait_for_function(f"({INKED})() === 0")
    for key in ("c", "r"):  # maps are tiles of their own
        before = page.tab.locator(CANVAS).screenshot()
        page.tab.keyboard.press(key)
        page.drawn()
        assert page.tab.locator(CANVAS).screenshot() != before, key
        page.tab.keyboard.press(key)
        page.drawn()


def test_a_stretch_asks_for_nothing_and_is_there_in_the_next_frame(page):
    page.rest()  # the view has been kept
    asked, counts = len(page.requests), page.counts()
    handle = page.tab.get_by_role("slider", name="Midtones")
    handle.focus()
    frames = page.tab.evaluate(NEXT_FRAME)
    say(f"a stretch change: {frames} frame drawn, {len(page.requests) - asked} requests")
    assert frames == 1
    page.rest()
    assert page.requests[asked:] == []
    assert page.counts()["requests"] == counts["requests"]


def test_channels_are_linked_or_not_counts_linear_or_logarithmic_and_all_can_be_reset(page):
    values = lambda: [one.get_attribute("aria-valuetext") for one in page.tab.get_by_role("slider").all()[:3]]  # noqa: E731
    drawing = page.tab.get_by_role("img", name="Histogram of the picture")

    def choose(name):
        page.tab.locator(".stretch-row").get_by_text(name, exact=True).click()
        page.drawn()

    page.tab.locator(".clipped", has_text="% black").wait_for()  # counted
    page.button("Auto").click()
    page.drawn()
    plain = drawing.screenshot()
    choose("Log")
    page.until(lambda: drawing.screenshot() != plain)
    choose("Linear")
    automatic = values()
    seen = {}
    for channel in "RGB":
        choose(channel)
        page.tab.get_by_role("slider", name="Midtones").focus()
        for _ in range("RGB".index(channel) + 1):
            page.tab.keyboard.press("Shift+ArrowRight")
        page.drawn()
        seen[channel] = values()[1]
    for channel in "RGB":
        choose(channel)
        assert values()[1] == seen[channel]  # each has kept its own
    assert len(set(seen.values())) == 3
    page.button("Auto").click()
    choose("Linked")
    assert values() == automatic
    page.button("Reset").click()
    page.drawn()
    assert values() != automatic
    before = page.tab.locator(".clipped").inner_text()
    page.tab.get_by_role("slider", name="Highlights").focus()
    page.tab.keyboard.press("PageDown")
    page.tab.keyboard.press("PageDown")
    expect(page.tab.locator(".clipped")).not_to_have_text(before, timeout=PATIENCE)
    page.button("Auto").click()
    page.rest()  # which is kept


def test_the_histogram_has_three_handles_that_are_sliders(page):
    sliders = page.tab.get_by_role("slider")
    expect(sliders.nth(2)).to_be_visible(timeout=PATIENCE)
    names = [one.get_attribute("aria-label") for one in sliders.all()]
    assert names[:3] == ["Shadows", "Midtones", "Highlights"]
    for name in names[:3]:
        handle = page.tab.get_by_role("slider", name=name)
        before = handle.get_attribute("aria-valuenow")
        handle.focus()
        page.tab.keyboard.press("Shift+ArrowRight" if name != "Highlights" else "Shift+ArrowLeft")
        expect(handle).not_to_have_attribute("aria-valuenow", before, timeout=PATIENCE)
        assert float(handle.get_attribute("aria-valuenow")) != float(before), name
    page.tab.locator(".clipped", has_text="% black").wait_for()


def test_a_lost_graphics_context_comes_back_with_the_picture(page):
    before = picture_of(page)
    page.tab.evaluate(LOST_AND_BACK)
    page.drawn()
    np.testing.assert_allclose(picture_of(page), before, atol=1)


@pytest.mark.parametrize("theme", ["Dark", "Light", "Red night vision"])
def test_no_room_breaks_a_rule_of_accessibility(page, theme, axe):
    set_theme(page, theme)
    found = {}
    for number, room in enumerate(ROOMS, 1):
        page.room(number)
        page.rest()
        found |= {f"{room}: {name}": where for name, where in axe(page).items()}
    for key, name in (("Control+k", "palette"), ("?", "help")):
        page.tab.keyboard.press(key)
        page.tab.get_by_role("dialog").wait_for()
        page.still()
        found |= {f"{name}: {rule}": where for rule, where in axe(page).items()}
        page.tab.keyboard.press("Escape")
        page.tab.get_by_role("dialog").wait_for(state="hidden")
        page.still()
    assert found == {}


def test_at_night_every_pixel_is_red(page):
    set_theme(page, "Red night vision")
    for number in range(1, 5):
        page.room(number)
        page.rest()
        shot = picture(page.shot())
        assert shot[..., 1:].max() == 0, ROOMS[number - 1]
        assert shot[..., 0].max() > 60


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_the_tab_key_reaches_every_control_in_the_order_that_is_read_and_shows_where_it_is(page, number):
    page.room(number)
    page.rest()
    wanted = page.tab.evaluate(CONTROLS)
    page.tab.evaluate("document.activeElement.blur()")
    reached, unseen = [], []
    for _ in range(len(wanted) + 5):
        page.tab.keyboard.press("Tab")
        at, seen = page.tab.evaluate(FOCUSED)
        if at is not None and at not in reached:
            reached.append(at)
            unseen += [] if seen else [at]
    assert [wanted[at] for at in range(len(wanted)) if at not in reached] == []
    assert reached == sorted(reached)
    assert [wanted[at] for at in unseen] == []
    say(f"{ROOMS[number - 1]}: {len(wanted)} controls reached by the tab key")


def test_the_whole_path_can_be_walked_by_keyboard_alone(page, house):
    keys = page.tab.keyboard
    folder = str(house[0].nights[0])
    keys.press("Control+k")
    page.tab.wait_for_function("document.activeElement.role === 'combobox'")
    keys.type("Another night")
    keys.press("Enter")
    page.button("Choose a folder").wait_for()
    for name in ("Choose a folder", folder, "Open this folder"):
        tab_to(page, name)
        keys.press("Enter")
        page.rest()
    keys.press("F2")
    page.rest()
    keys.press("j")
    keys.press("x")
    page.tab.get_by_role("gridcell", name="rejected: by eye").wait_for()
    keys.press("Control+z")
    page.tab.get_by_role("gridcell", name="rejected: by eye").wait_for(state="detached")
    keys.press("F3")
    page.tab.get_by_text("6 lights").wait_for()
    keys.press("Control+Enter")
    page.tab.get_by_role("complementary", name="Finish").wait_for(timeout=180_000)
    page.rest()
    tab_to(page, "Midtones")
    before = page.tab.evaluate("document.activeElement.ariaValueText")
    keys.press("ArrowLeft")
    page.until(lambda: page.tab.evaluate("document.activeElement.ariaValueText") != before)
    tab_to(page, "Correct and write")
    keys.press("Enter")
    page.notice("Wrote")


def test_at_twice_the_size_and_on_small_screens_nothing_is_cut_off(page):
    for width, height in ((720, 450), (820, 1180), (390, 844)):
        page.tab.set_viewport_size({"width": width, "height": height})
        for number, room in enumerate(ROOMS, 1):
            page.room(number)
            sheet = page.tab.locator(".sheet")
            sheet.wait_for()
            page.still()
            canvas, below = page.tab.locator(CANVAS).bounding_box(), sheet.bounding_box()
            assert canvas["y"] < below["y"], room  # the picture first, the panel over its foot
            wide = page.tab.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (room, width, wide)
            assert page.tab.evaluate(CUT_OFF) == [], (room, width)
    page.tab.set_viewport_size({"width": 1440, "height": 900})


def test_who_wants_no_motion_sees_none(page):
    page.tab.emulate_media(reduced_motion="reduce")
    moving = page.tab.evaluate(
        "() => [...document.querySelectorAll('*')].filter(one => { const style = getComputedStyle(one);"
        " return Math.max(parseFloat(style.transitionDuration), parseFloat(style.animationDuration)) > 0.01; })"
        ".map(one => one.className)"
    )
    page.tab.emulate_media(reduced_motion=None)
    assert moving == []


def test_letters_are_our_own(page):
    page.tab.wait_for_function(
        "[...document.fonts].some(one => one.family.includes('Inter') && one.status === 'loaded')"
    )
    origin = page.tab.evaluate("location.origin")
    assert [url for url in page.requests if not url.startswith((origin, "blob:", "data:"))] == []


def test_a_thousand_lines_of_log_a_second_leave_the_page_usable(page):
    page.tab.keyboard.press("Control+j")
    page.still()
    took = page.longest(lambda: page.tab.evaluate(FLOOD), enough=250)
    say(f"3,000 lines of log in 3 s: the longest task took {took:.0f} ms")
    page.tab.locator(".log-line").first.wait_for()
    assert 0 < page.tab.locator(".log-line").count() < 200
    assert took < 250
    page.tab.keyboard.press("Control+j")


def test_a_second_tab_sees_the_job_and_can_stop_it(page, context, house):
    other = Page(context)
    other.open(f"http://127.0.0.1:{house[0].port}/")
    other.rest()
    page.room(3)
    page.button("Stack").click()
    page.tab.locator(".steps").wait_for()
    other.tab.get_by_text("begun elsewhere").wait_for()
    engine = house[0].engine()
    engine.suspend()  # or the job might be done before a busy machine has come to the button
    other.tab.get_by_role("button", name="Cancel the job that was begun elsewhere").click()
    engine.resume()
    page.notice("cancelled")
    assert other.complaints == []
    other.tab.close()


def test_a_server_that_was_started_again_is_found_again(page, house):
    server = house[0]
    server.stop()
    page.notice("server has gone")
    server.start()
    page.tab.get_by_text("Ready", exact=True).wait_for(timeout=PATIENCE)
    page.rest()
    page.room(2)
    expect(page.tab.locator(".grid-line")).to_have_count(
        6, timeout=PATIENCE
    )  # a frame after the table itself


@pytest.fixture(scope="module")
def axe():
    """What breaks a rule of accessibility on a page as it stands: rule → first place."""
    script = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("axe-core is not installed: npm ci in web/")
    text = script.read_text(encoding="utf-8")

    def broken(page):
        page.still()
        page.tab.evaluate(text)
        told = page.tab.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return {one["id"]: one["nodes"][0]["html"][:200] for one in told["violations"]}

    return broken


def place_under(page, x, y):
    """The pixel of the picture under a point of the viewer, as the status line tells it."""
    box = page.tab.locator(CANVAS).bounding_box()
    line = page.tab.get_by_test_id("readout")
    page.tab.mouse.move(box["x"] + x + 40, box["y"] + y)
    page.still()
    page.tab.mouse.move(box["x"] + x, box["y"] + y)
    line.wait_for()
    page.still()
    words = line.locator("span").first.inner_text().split()
    return int(words[1]), int(words[3])


def picture_of(page):
    """The middle of what the viewer shows."""
    return picture(page.shot(page.tab.locator(CANVAS)))[150:450, 150:650]


def set_theme(page, name):
    """By the command palette."""
    page.tab.keyboard.press("Control+k")
    page.tab.get_by_role("combobox", name="Command").fill(name if name.startswith("Red") else f"{name} theme")
    page.tab.keyboard.press("Enter")
    page.tab.get_by_role("dialog").wait_for(state="hidden")
    theme = "red" if name.startswith("Red") else name.lower()
    expect(page.tab.locator("html")).to_have_attribute("data-theme", theme, timeout=PATIENCE)
    page.still()


def zoom_of(page):
    """Per cent, as the tools tell it."""
    return float(page.tab.locator(".tools-scale").inner_text().split()[0])


def inked(page):
    """Pixels that are drawn over the picture."""
    return page.tab.evaluate(INKED)


def tab_to(page, name):
    """Press the tab key until a control of that name has the focus."""
    for _ in range(120):
        page.tab.keyboard.press("Tab")
        if page.tab.evaluate(NAMED) == name:
            return
    raise AssertionError(f"the tab key does not come to {name}")
