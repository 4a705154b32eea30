"""Measurements in a project: found again, to the last bit, and bounded."""

import pytest

from sidera.pipeline.store import Store
from sidera.session.database import Database
from sidera.session.store import SessionStore


@pytest.fixture
def base(tmp_path):
    base = Database(tmp_path / "sidera.db")
    yield base
    base.close()


def test_what_was_kept_is_found_again_and_nothing_else(base):
    store: Store = SessionStore(base)
    store.put("a", b"\x00\xffstars")
    store.put("a", b"\x00\xffmore stars")
    assert store.get("a") == b"\x00\xffmore stars"
    assert store.get("b") is None


def test_what_was_not_used_for_longest_goes_first(base, monkeypatch):
    moments = iter(f"2026-01-01T00:00:{second:02d}Z" for second in range(60))
    monkeypatch.setattr("sidera.session.store.now", lambda: next(moments))
    store = SessionStore(base, limit=100)
    for key in "abc":
        store.put(key, bytes(40))
    assert store.get("a") is not None
    store.tidy()
    assert [store.get(key) is not None for key in "abc"] == [True, False, True]


def test_a_full_disk_costs_a_measurement_and_no_run(base, caplog):
    base.rows("PRAGMA max_page_count = 40")
    store = SessionStore(base)
    store.put("a", bytes(1_000_000))
    assert store.get("a") is None
    assert "not kept" in caplog.text
