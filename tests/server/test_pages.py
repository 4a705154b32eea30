"""Several pages, one engine: each hears its own answers, and nothing gets past the checks."""

import base64
import os
import signal
import sys
import time

import msgspec
import numpy as np
import psutil
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.running import Server, children
from sidera.server.child import EngineState
from sidera.server.folders import Folders
from sidera.server.socket import MOST_PAGES, QUEUE, Page, Pages
from smallnight import frame, small_night


@pytest.fixture(scope="module")
def night(server):
    return small_night(server.home / "night")


def test_two_pages_use_the_same_ids_and_get_their_own_answers(server, night):
    one, two = server.page(), server.page()
    light = night / "lights" / "light_0001.fits"
    first, second = (
        one.send("info", path=str(light)),
        two.send("info", path=str(night / "darks" / "dark_0001.fits")),
    )
    assert first == second
    assert one.answer(first)["data"]["frameType"] == "Light"
    assert two.answer(second)["data"]["frameType"] == "Dark"
    one.close()
    two.close()


def test_an_id_comes_back_as_it_was_sent(server):
    page = server.page()
    for name in ("a", 1.5, -3, "1", "✨"):
        page.socket.send(msgspec.json.encode({"id": name, "cmd": "hello"}).decode())
        page.until(lambda name=name: page.heard and page.heard[-1].get("id") == name)
        assert type(page.heard[-1]["id"]) is type(name)
    page.close()


def test_a_job_is_known_by_the_id_of_the_page_that_began_it_and_nobody_elses(server, night):
    one, two = server.page(), server.page()
    for page in (one, two):
        page.ask("hello", events=["job"])
    name = one.send("scan", inputs=[str(night)])
    assert one.answer(name)["ok"]
    two.until(
        lambda: any(
            message.get("event") == "job" and message["data"]["state"] == "done" for message in two.heard
        )
    )
    told = {
        page: {message["data"]["request"] for message in page.heard if message.get("event") == "job"}
        for page in (one, two)
    }
    assert told == {one: {name}, two: {None}}
    assert one.ask("jobs")["data"]["jobs"][0]["request"] == name
    assert two.ask("jobs")["data"]["jobs"][0]["request"] is None
    one.close()
    two.close()


def test_a_page_cancels_its_own_job_by_its_own_id_and_no_others_by_chance(server, night):
    one, two = server.page(), server.page()
    stack = begun(one, night)
    for name in range(1, 60):
        assert two.ask("cancel", job=name)["data"]["cancelled"] == []
    took = cancelled(one, stack)
    for _ in range(4):  # the best of some: what other programs take from us is no time of ours
        if took >= 0.75:
            took = min(took, cancelled(one, begun(one, night)))
    assert took < 0.75  # 250 ms of the engine's, and a busy machine
    one.close()
    two.close()


def begun(page, night):
    """A stack that is under way; its id."""
    stack = page.send("stack", inputs=[str(night)])
    page.until(lambda: any("progress" in message for message in page.heard if message.get("id") == stack))
    return stack


def cancelled(page, stack):
    """Cancel; returns after how many seconds the stack was answered."""
    began = time.monotonic()
    assert len(page.ask("cancel", job=stack)["data"]["cancelled"]) == 1
    assert page.answer(stack)["code"] == "cancelled"
    return time.monotonic() - began


def test_a_page_that_asked_for_no_events_hears_none(server, night):
    one, two = server.page(), server.page()
    one.ask("hello", events=["job", "log"])
    assert two.ask("scan", inputs=[str(night)])["ok"]
    assert not [message for message in two.heard if message.get("event") in ("job", "log")]
    one.until(lambda: any(message.get("event") == "log" for message in one.heard))
    one.close()
    two.close()


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"cmd": "info", "path": "/etc/passwd"}, "forbidden_path"),
        ({"cmd": "scan", "inputs": ["/"]}, "forbidden_path"),
        ({"cmd": "stack", "inputs": [], "output": "/tmp/x.fits"}, "forbidden_path"),
        ({"cmd": "save", "imageId": "a", "outputPath": "{home}/.bashrc"}, "forbidden_path"),
        ({"cmd": "preview", "imageId": "a", "outputPath": "{home}/x.png"}, "not_available"),
        ({"cmd": "shutdown"}, "not_available"),
        ({"cmd": "hello", "path_of_tomorrow": "/etc"}, "bad_request"),
        ({"cmd": "hello", "events": 3}, "bad_request"),
        ({"cmd": "no-such-command"}, "bad_request"),
        ({"cmd": ["hello"]}, "bad_request"),
    ],
)
def test_what_a_page_may_not_ask_is_refused_with_a_code(server, request_, code):
    page = server.page()
    text = msgspec.json.encode({"id": 9, **request_}).decode().replace("{home}", str(server.home))
    page.socket.send(text)
    answer = page.answer(9)
    assert (answer["ok"], answer["code"]) == (False, code)
    assert "Traceback" not in answer["error"]
    page.close()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"id":null,"cmd":"hello"}', "nonsense", "[" * 5000, '{"id":{},"cmd":"hello"}']
)
def test_nonsense_is_answered_and_the_page_lives_on(server, text):
    page = server.page()
    page.socket.send(text)
    page.until(lambda: any(message.get("code") == "bad_request" for message in page.heard))
    assert page.ask("hello")["ok"]
    page.close()


def test_a_binary_message_ends_that_page_only(server):
    one, two = server.page(), server.page()
    one.socket.send(b"\x00\x01")
    with pytest.raises(ConnectionClosed):
        one.until(lambda: False)
    assert two.ask("hello")["ok"]
    two.close()


def test_a_field_given_twice_is_checked_as_the_engine_will_read_it(server, night):
    page = server.page()
    light = night / "lights" / "light_0001.fits"
    page.socket.send(f'{{"id": 1, "cmd": "info", "path": "{light}", "path": "/etc/passwd"}}')
    assert page.answer(1)["code"] == "forbidden_path"
    page.close()


def test_a_tile_is_the_engines_to_the_bit_and_kept_by_the_browser_for_ever(server):
    random = np.random.default_rng(5)
    path = frame(
        server.home / "tile.fits", random.normal(800, 20, (70, 90)).astype(np.float32), IMAGETYP="Light Frame"
    )
    page = server.page()
    view = page.ask("open", path=str(path))["data"]
    wanted = page.ask("tile", image=view["key"], level=0, x=0, y=0, channel=0)["data"]
    answer = server.get(f"/t/{view['key']}/0/0/0/0")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream")
    assert answer.body == base64.b64decode(wanted["pixels"])
    assert len(answer.body) == 2 * 72 * 92  # float16, a pixel of gutter around
    assert "immutable" in answer.headers["cache-control"]
    for wrong in (
        "/t/nothing/0/0/0/0",
        f"/t/{view['key']}/0/9/0/0",
        f"/t/{view['key']}/99/0/0/0",
        "/t/a%2f..%2fb/0/0/0/0",
    ):
        assert server.get(wrong).status == 404, wrong
    page.close()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_killed_engine_is_back_within_a_second_the_first_three_times_in_a_row(tmp_path):
    least = [float("inf")] * 3
    for number in range(4):  # the best of some: what other programs take from us is no time of ours
        (tmp_path / str(number)).mkdir()
        server = Server(tmp_path / str(number))
        server.log_in()
        least = list(map(min, least, [killed(server, times) for times in (1, 2, 3)]))
        server.stop()
        if max(least) <= 1:
            break
    sys.stdout.write(f"\nengine answers again after {', '.join(f'{took:.2f}' for took in least)} s\n")
    assert max(least) <= 1


def killed(server, times):
    """Kill the engine; returns after how many seconds the new one has answered a page.

    Once it is being started, seconds of the processor: how long it waits for its turn is no time of ours.
    """
    page = server.page()
    (engine,) = children(server.process.pid)
    os.kill(engine.pid, signal.SIGKILL)
    began = time.monotonic()
    page.until(lambda: page.engine["state"] == "down")
    assert page.engine["why"].startswith("The engine was killed")
    page.until(lambda: page.engine["state"] == "starting")
    took = time.monotonic() - began
    page.until(lambda: page.engine["state"] == "up")
    assert page.ask("hello")["ok"]
    assert time.monotonic() - began < 10  # and does not sleep
    (engine,) = children(server.process.pid)
    took += sum(engine.cpu_times()[:2])
    assert page.engine["restarts"] == times
    page.close()
    return took


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_a_request_under_way_is_answered_when_the_engine_is_killed_and_can_be_asked_again(fresh):
    night = small_night(fresh.home / "night")
    fresh.log_in()
    page = fresh.page()
    output = str(fresh.home / "m31.fits")
    stack = page.send("stack", inputs=[str(night)], output=output, threads=1)
    page.until(lambda: any(message.get("progress", {}).get("stage") == "measure" for message in page.heard))
    os.kill(children(fresh.process.pid)[0].pid, signal.SIGKILL)
    answer = page.answer(stack)
    assert answer["code"] == "engine_lost"
    page.until(lambda: page.engine["state"] == "up")
    assert page.ask("stack", inputs=[str(night)], output=output)["ok"]
    page.close()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_the_engine_ends_with_the_server_however_that_ends(tmp_path):
    for number, end in enumerate((signal.SIGTERM, signal.SIGINT, signal.SIGKILL)):
        (tmp_path / str(number)).mkdir()
        one = Server(tmp_path / str(number))
        one.log_in()
        one.page().close()
        (engine,) = children(one.process.pid)
        one.process.send_signal(end)
        one.process.communicate(timeout=60)
        psutil.wait_procs([engine], timeout=60)
        assert not engine.is_running(), end


class Deaf:
    """A WebSocket that reads nothing."""


def test_a_page_that_does_not_read_costs_no_memory_without_bound():
    pages = Pages(Folders([]))
    page = Page(Deaf())
    page.events = ("log",)
    pages._pages.add(page)
    line = {"event": msgspec.Raw(b'"log"'), "data": msgspec.Raw(b'{"text":"x"}')}
    for _ in range(3 * QUEUE):
        pages.told(line)
    assert page._queue.qsize() == QUEUE // 2 + 1  # half is left for answers
    for _ in range(QUEUE):
        pages.changed(EngineState("up"))
    assert page._queue.qsize() <= QUEUE


def test_a_seventeenth_page_is_turned_away_and_one_that_goes_makes_room(fresh):
    fresh.log_in()
    sockets = [fresh.socket() for _ in range(MOST_PAGES)]
    for socket in sockets:
        socket.recv(timeout=60)
    with pytest.raises(InvalidStatus):
        fresh.socket()
    sockets[0].close()
    again = fresh.page()
    assert again.ask("hello")["ok"]
    again.close()
    for socket in sockets[1:]:
        socket.close()
