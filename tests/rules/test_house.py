"""House rules that no linter knows."""

import ast
import re
import sys
from pathlib import Path

import pytest

from sidera.errors import Exit, Refusal

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))


def test_every_refusal_code_is_explained_in_the_docs():
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    missing = [code.value for code in Refusal if f"`{code.value}`" not in text]
    assert not missing


def test_every_exit_code_is_explained_in_the_docs():
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert all(re.search(rf"^\| {code.value} \|", text, re.MULTILINE) for code in Exit)


def test_every_setting_is_explained_in_the_docs():
    from sidera.pipeline.recipe import describe

    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    missing = [name for name, _, _ in describe() if f"`{name}`" not in text]
    assert not missing


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src" / "sidera")))
def test_only_the_jit_policy_decides_how_kernels_are_compiled(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
    if path.name != "_jit.py":
        assert not {"njit", "jit", "prange"} & set(names)
    assert "pickle" not in names
    assert not {"eval", "exec"} & {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def test_no_file_of_ours_carries_a_machine_path_or_an_image():
    names = [path for path in ROOT.rglob("*") if ".venv" not in path.parts and ".git" not in path.parts]
    images = {".fit", ".fits", ".fts", ".fz", ".xisf", ".ser", ".dng"}
    kept = [path for path in names if path.suffix in images and "demo-output" not in path.parts]
    assert not kept


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src" / "sidera")))
def test_what_a_function_loads_is_loaded_by_one_thread_at_a_time(path):
    """But for the command line, whose only thread it is that loads, and modules of the standard library."""
    if path.parent.name == "cli" or path.stem == "__main__":
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(line)
        for node in ast.walk(tree)
        if isinstance(node, ast.With) and ast.unparse(node.items[0]) == "loading"
        for line in node.body
    }
    late = [
        ast.unparse(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in guarded
    ]
    assert [line for line in late if line.split()[1].split(".")[0] not in sys.stdlib_module_names] == []
