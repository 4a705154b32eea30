"""The engine dies and comes back; whoever waited for it is told."""

import asyncio
import sys
import time

import msgspec
import pytest

from sidera.server import child as child_module
from sidera.server.child import Child, EngineLostError

ECHO = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["cmd"] == "die":
        sys.exit(asked["code"])
    if asked["cmd"] == "nonsense":
        print("this is no JSON", flush=True)
        continue
    if asked["cmd"] == "silence":
        continue
    if asked["cmd"] == "event":
        print(json.dumps({"event": "job", "data": 7}), flush=True)
    if asked["cmd"] == "shutdown":
        break
    print(json.dumps({"id": asked["id"], "ok": True, "data": asked}), flush=True)
"""


class Talk:
    """A child that echoes, and what was heard of it."""

    def __init__(self, code=ECHO):
        self.states, self.events = [], []
        self.child = Child(self.events.append, self.states.append, (sys.executable, "-c", code))

    async def __aenter__(self):
        self.keeper = asyncio.create_task(self.child.run())
        await self.until(lambda: self.child.state.state == "up")
        return self

    async def __aexit__(self, *_):
        await self.child.close()
        await asyncio.wait_for(self.keeper, 60)

    async def until(self, met, seconds=60):
        end = time.monotonic() + seconds
        while not met():
            assert time.monotonic() < end
            await asyncio.sleep(0.005)


def talked(conversation, code=ECHO):
    """Run a conversation with an engine; returns what it gives."""

    async def whole():
        async with Talk(code) as talk:
            return await conversation(talk)

    return asyncio.run(whole())


def test_answers_find_who_asked_in_whatever_order():
    async def conversation(talk):
        return await asyncio.gather(*(talk.child.ask({"cmd": "echo", "x": x}) for x in range(50)))

    answers = talked(conversation)
    assert [msgspec.json.decode(one["data"])["x"] for one in answers] == list(range(50))


def test_the_page_is_told_of_a_death_and_of_the_new_start():
    async def conversation(talk):
        with pytest.raises(EngineLostError, match=r"ended by itself \(code 3\)"):
            await talk.child.ask({"cmd": "die", "code": 3})
        await talk.until(lambda: talk.child.state.state == "up")
        assert bytes((await talk.child.ask({"cmd": "echo"}))["ok"]) == b"true"
        return [(one.state, one.restarts) for one in talk.states]

    assert talked(conversation) == [("starting", 0), ("up", 0), ("down", 1), ("starting", 1), ("up", 1)]


def test_what_is_asked_while_the_next_engine_is_being_started_is_refused_and_not_lost(monkeypatch):
    true, refused = asyncio.create_subprocess_exec, []

    async def conversation(talk):
        async def starting(*words, **pipes):
            with pytest.raises(EngineLostError):
                talk.child.send({"cmd": "echo"}, lambda _: None)
            refused.append(talk.child.state.state)
            return await true(*words, **pipes)

        monkeypatch.setattr(asyncio, "create_subprocess_exec", starting)
        with pytest.raises(EngineLostError):
            await talk.child.ask({"cmd": "die", "code": 3})
        await talk.until(lambda: talk.child.state.state == "up")

    talked(conversation)
    assert refused == ["starting"]


def test_everybody_who_waited_is_answered_when_it_dies():
    async def conversation(talk):
        waiting = [asyncio.create_task(talk.child.ask({"cmd": "silence"})) for _ in range(5)]
        await asyncio.sleep(0)
        with pytest.raises(EngineLostError):
            await talk.child.ask({"cmd": "die", "code": 1})
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(one, EngineLostError) for one in talked(conversation))


def test_an_engine_that_talks_nonsense_is_started_again():
    async def conversation(talk):
        with pytest.raises(EngineLostError):
            await talk.child.ask({"cmd": "nonsense"})
        await talk.until(lambda: talk.child.state.restarts == 1 and talk.child.state.state == "up")

    talked(conversation)


def test_an_engine_that_dies_at_once_is_started_ever_later(monkeypatch):
    waited = []

    async def noted(child, seconds):
        waited.append(seconds)

    async def whole():
        states = []
        child = Child(lambda _: None, states.append, (sys.executable, "-c", "raise SystemExit(7)"))
        keeper = asyncio.create_task(child.run())
        while len(waited) < 5:
            await asyncio.sleep(0.01)
        await child.close()
        await asyncio.wait_for(keeper, 60)
        return states

    monkeypatch.setattr(Child, "_pause", noted)
    states = asyncio.run(whole())
    assert waited[:5] == [0.0, 0.1, 0.3, 1.0, 2.0]
    assert any("it is started again in 2 s" in one.why for one in states)


def test_events_are_passed_on():
    async def conversation(talk):
        await talk.child.ask({"cmd": "event"})
        return talk.events

    (event,) = talked(conversation)
    assert {name: bytes(value) for name, value in event.items()} == {"event": b'"job"', "data": b"7"}


def test_too_many_requests_at_a_time_are_refused():
    async def conversation(talk):
        for _ in range(child_module.MOST_PENDING):
            talk.child.send({"cmd": "silence"}, lambda _: None)
        with pytest.raises(EngineLostError, match="under way"):
            talk.child.send({"cmd": "silence"}, lambda _: None)

    talked(conversation)


def test_an_engine_that_will_not_end_is_ended(monkeypatch):
    monkeypatch.setattr(child_module, "FAREWELL", 0.3)
    stubborn = ECHO + "\nimport time\ntime.sleep(600)"
    began = time.monotonic()

    async def conversation(talk):
        return None

    talked(conversation, stubborn)
    assert time.monotonic() - began < 60
