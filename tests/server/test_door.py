"""Tokens, cookies, and what is remembered of them."""

import os
import stat

import pytest

from sidera.server.door import LASTS, Door, TooManyTriesError


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_token_opens_once_and_its_cookie_stays_good():
    door = Door(8765)
    cookie = door.redeem(door.token())
    assert door.admits(cookie)
    assert len(cookie) == 43  # 256 bits
    token = door.token()
    assert door.redeem(token) != cookie
    assert door.redeem(token) is None


def test_a_cookie_outlives_a_restart_on_the_same_port_and_no_other(tmp_path):
    book = tmp_path / "private" / "cookies.json"
    first = Door(8765, book)
    cookie = first.redeem(first.token())
    assert Door(8765, book).admits(cookie)
    assert not Door(8766, book).admits(cookie)
    assert cookie not in book.read_text()
    if os.name == "posix":
        assert stat.S_IMODE(book.stat().st_mode) == 0o600


def test_a_cookie_grows_old(tmp_path):
    clock = Clock()
    door = Door(1, clock=clock)
    cookie = door.redeem(door.token())
    clock.now += LASTS + 1
    assert not door.admits(cookie)


def test_after_ten_wrong_tokens_nobody_is_looked_at_for_a_minute():
    clock = Clock()
    door = Door(1, clock=clock)
    token = door.token()
    for guess in range(10):
        assert door.redeem(str(guess)) is None
    with pytest.raises(TooManyTriesError):
        door.redeem(token)
    clock.now += 61
    assert door.redeem(token) is not None


def test_comparison_takes_the_same_time_for_every_token(monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sidera.server.door.hmac.compare_digest", lambda one, two: seen.append((one, two)) or one == two
    )
    door = Door(1)
    tokens = [door.token() for _ in range(3)]
    door.redeem(tokens[0])
    assert len(seen) == 3  # none is left out once one has fitted


def test_a_damaged_book_shuts_everybody_out_and_stops_nothing(tmp_path):
    book = tmp_path / "cookies.json"
    book.write_text('[{"digest": 3}')
    door = Door(1, book)
    assert not door.admits("x")
    cookie = door.redeem(door.token())
    assert Door(1, book).admits(cookie)
