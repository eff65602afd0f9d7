"""
Fixtures named `event_loop` in a project's own files.
"""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING

from hermetic.runs.settings.files import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "event_loop"
_MOST_FILES = 20_000
_LARGEST_BYTES = 4 * 2**20
_NOT_OURS = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})


def custom_loops(directory: Path) -> Iterator[Place]:
    """
    Where functions that are decorated as fixtures and named `event_loop` stand below a directory. A file that cannot be
    read or parsed has none.
    """
    for file in _files(directory):
        try:
            if file.stat().st_size > _LARGEST_BYTES:
                continue
            data = file.read_bytes()
            if _NAME.encode() not in data:
                continue
            tree = ast.parse(data)
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_loop(node):
                yield Place(str(file.relative_to(directory)), node.lineno, f"def {node.name}")


def _files(directory: Path) -> Iterator[Path]:
    count = 0
    for base, directories, names in os.walk(directory):
        directories[:] = sorted(one for one in directories if one not in _NOT_OURS and not one.startswith("."))
        for name in sorted(names):
            if name.endswith(".py"):
                count += 1
                if count > _MOST_FILES:
                    return
                yield Path(base) / name


def _is_loop(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    for decorator in node.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        text = ast.unparse(call.func if call else decorator)
        if text.rpartition(".")[2] != "fixture":
            continue
        named = [keyword.value for keyword in call.keywords if keyword.arg == "name"] if call else []
        given = named[0].value if named and isinstance(named[0], ast.Constant) else node.name
        if given == _NAME:
            return True
    return False
