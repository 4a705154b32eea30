"""The page is built when its sources changed, and only then."""

import runpy
import shutil
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "web"


@pytest.fixture
def build(tmp_path):
    """web/build.py beside sources of the test's own; its names."""
    shutil.copy(WEB / "build.py", tmp_path)
    for name in ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"):
        (tmp_path / name).write_text(name)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.tsx").write_text("1")
    return runpy.run_path(str(tmp_path / "build.py"))


def built(build):
    """As after a build."""
    build["DIST"].mkdir(exist_ok=True)
    (build["DIST"] / "index.html").write_text("page")
    build["STAMP"].write_text(build["sources"]())


def test_a_missing_page_is_stale_and_a_fresh_one_is_not(build):
    assert build["is_stale"]()
    built(build)
    assert not build["is_stale"]()
    assert build["main"]() == 0  # asks for no Node


@pytest.mark.parametrize(
    "name", ["src/main.tsx", "src/new.ts", "index.html", "package-lock.json", "vite.config.ts"]
)
def test_a_change_of_any_source_makes_it_stale(build, tmp_path, name):
    built(build)
    (tmp_path / name).write_text("changed")
    assert build["is_stale"]()


def test_a_test_beside_the_sources_does_not(build, tmp_path):
    built(build)
    (tmp_path / "src" / "main.test.ts").write_text("changed")
    assert not build["is_stale"]()


def test_a_page_that_was_built_by_hand_counts_as_stale(build):
    built(build)
    build["STAMP"].unlink()
    assert build["is_stale"]()


def test_a_new_page_takes_the_place_of_the_old_one_whole(build):
    built(build)
    (build["DIST"] / "old.js").write_text("old")
    build["FRESH"].mkdir(parents=True)
    (build["FRESH"] / "index.html").write_text("new")
    build["swap"]()
    assert [path.name for path in build["DIST"].iterdir()] == ["index.html"]
    assert (build["DIST"] / "index.html").read_text() == "new"
    assert list(build["FRESH"].parent.iterdir()) == []


def test_without_any_node_it_says_what_is_needed(build, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert build["main"]() == build["NO_NODE"]
    assert "Node 20.19 or newer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("version", "good"),
    [("v20.19.0", True), ("v20.18.9", False), ("v18.20.0", False), ("v24.1.0", True), ("?", False)],
)
def test_an_old_node_is_passed_over(build, tmp_path, version, good):
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(0o755)
    assert build["is_new_enough"](str(node)) is good
