"""The page opens, whatever does not come; where it cannot, it says so."""

import pytest

from e2e.house import Page, serving


@pytest.fixture(scope="module")
def house(bundle, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("opening")) as (server, link):
        yield server, link


@pytest.fixture(scope="module")
def context(browser, house):
    """One login for all tabs."""
    made = browser.new_context(viewport={"width": 1440, "height": 900})
    first = Page(made)
    first.open(house[1])
    first.tab.close()
    yield made
    made.close()


@pytest.fixture
def page(context):
    shown = Page(context)
    yield shown
    shown.tab.close()


@pytest.fixture
def address(house):
    return f"http://127.0.0.1:{house[0].port}/"


def test_a_room_is_there_though_the_server_never_tells_what_was_shown_last(page, address):
    page.tab.route("**/api/page", lambda route: None)
    page.open(address)
    page.notice("not found again")  # which goes after a while
    page.tab.get_by_text("Ready", exact=True).wait_for()
    assert page.complaints == []


def test_a_script_that_does_not_come_leaves_a_message_and_a_way_to_load_it_again(page, address):
    page.tab.route("**/assets/*.js", lambda route: route.abort())
    page.tab.goto(address)
    page.tab.get_by_role("heading", name="The page does not start").wait_for()
    page.tab.unroute("**/assets/*.js")
    page.tab.get_by_role("link", name="Load the page again").click()
    page.tab.locator(".panel").wait_for()


def test_what_cannot_be_drawn_says_so_instead_of_a_blank_page(page, address):
    page.tab.add_init_script(
        "window.ResizeObserver = class { constructor() { throw new Error('worn out'); } };"
    )
    page.tab.goto(address)
    alert = page.tab.get_by_role("alert")
    alert.get_by_text("worn out").first.wait_for()
    alert.get_by_role("heading", name="cannot be shown").first.wait_for()
    alert.get_by_role("button", name="Load the page again").first.wait_for()


def test_logins_in_a_row_each_end_in_a_room(browser, house, bundle, tmp_path):
    for number in range(3):
        with serving(tmp_path / str(number)) as (_, link):
            made = browser.new_context()
            Page(made).open(link)
            made.close()
