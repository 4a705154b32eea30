"""Where compiled kernels are kept, and when they are compiled anew."""

import ast
import os
import shutil
import time
from pathlib import Path

import pytest

from sidera.kernels import _jit

KERNELS = Path(_jit.__file__).parent


def imported(path):
    """Kernel modules that a module imports, by Python's own grammar."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sidera.kernels"):
            names.add(node.module.removeprefix("sidera.kernels").lstrip(".") or "the package")
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("sidera")}
    return names


@pytest.mark.parametrize("path", sorted(KERNELS.glob("*.py")), ids=lambda path: path.stem)
def test_every_import_of_a_kernel_from_another_module_is_seen(path):
    assert set(_jit._IMPORT.findall(path.read_text(encoding="utf-8"))) == imported(path)


def digests(folder):
    _jit.source_digest.cache_clear()
    return {path.stem: _jit.source_digest(path) for path in folder.glob("*.py")}


def test_a_kernel_is_compiled_anew_when_one_that_it_calls_has_changed(tmp_path):
    folder = Path(shutil.copytree(KERNELS, tmp_path / "kernels"))
    before = digests(folder)
    with (folder / "lanes.py").open("a") as source:
        source.write("\n# changed\n")
    after = digests(folder)
    changed = {name for name in before if after[name] != before[name]}
    assert {"lanes", "masters", "reject", "combine"} <= changed
    assert not {"decode", "shrink", "filter"} & changed
    _jit.source_digest.cache_clear()


def test_what_older_kernels_left_goes_after_a_fortnight(tmp_path, monkeypatch):
    monkeypatch.setattr(_jit, "CACHE", tmp_path)
    monkeypatch.setattr(_jit.config, "CACHE_DIR", "")
    _jit._folder_of.cache_clear()
    mine = _jit._folder_of(KERNELS / "lanes.py")
    for name, days in (("lanes-old", 15), ("lanes-other", 13), (mine.name, 15)):
        (tmp_path / name).mkdir(exist_ok=True)
        os.utime(tmp_path / name, (time.time() - days * 86_400,) * 2)
    _jit.sweep()
    kept = {path.name for path in tmp_path.iterdir()}
    assert "lanes-old" not in kept
    assert {"lanes-other", mine.name} <= kept
    _jit._folder_of.cache_clear()


def test_a_folder_that_the_user_named_is_not_tidied(tmp_path, monkeypatch):
    monkeypatch.setattr(_jit, "CACHE", tmp_path)
    monkeypatch.setattr(_jit.config, "CACHE_DIR", str(tmp_path))
    (tmp_path / "theirs").mkdir()
    os.utime(tmp_path / "theirs", (0, 0))
    _jit.sweep()
    assert (tmp_path / "theirs").is_dir()
