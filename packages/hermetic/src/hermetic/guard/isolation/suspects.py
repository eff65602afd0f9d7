"""
Which line of an owner's code may have made a change that no event told of: found by reading, not by watching.
"""

from __future__ import annotations

import ast
import linecache
from typing import TYPE_CHECKING, TypeAlias

from hermetic.foundation.finding import Frame, Site

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef
_DEEPEST = 4


def suspect(defined: Frame | None, calls: Sequence[str], name: str) -> Site | None:
    """
    The first line in the owner's function, or in those of the same file that it mentions, fixtures included, which
    names one of `calls` or the last part of `name`. None when the source cannot be read or no line does.

    A line that assigns or calls comes before one that only mentions.
    """
    if defined is None:
        return None
    wanted = {*calls, name.rpartition(".")[2]}
    functions = _functions(defined.file)
    start = next((one for one in functions if _first_line(one) <= defined.line <= (one.end_lineno or 0)), None)
    if start is None:
        return None
    return next(_matches(start, functions, wanted, defined.file, ()), None)


def _functions(file: str) -> list[_Function]:
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return []
    found = [node for node in ast.walk(tree) if isinstance(node, _Function)]
    # The innermost first, so that a method comes before the function it is defined in.
    return sorted(found, key=lambda one: (one.end_lineno or 0) - one.lineno)


def _first_line(function: _Function) -> int:
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _matches(
    function: _Function, functions: list[_Function], wanted: set[str], file: str, callers: tuple[Frame, ...]
) -> Iterator[Site]:
    candidates = sorted(_candidates(function, wanted))
    for _, line in candidates[:1]:
        frame = Frame(file=file, line=line, function=function.name)
        yield Site(frames=(frame, *callers))
    if len(callers) >= _DEEPEST:
        return
    mentioned = {node.id: node.lineno for node in ast.walk(function) if isinstance(node, ast.Name)}
    mentioned |= {node.attr: node.lineno for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    mentioned |= {argument.arg: function.lineno for argument in function.args.args}
    for other in functions:
        if other.name in mentioned and other is not function and other.name not in {one.function for one in callers}:
            here = Frame(file=file, line=mentioned[other.name], function=function.name)
            yield from _matches(other, functions, wanted, file, (here, *callers))


def _candidates(function: _Function, wanted: set[str]) -> Iterator[tuple[int, int]]:
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Call) and _last_name(node.func) in wanted:
                yield 0, node.lineno
            elif isinstance(node, ast.Assign | ast.AugAssign | ast.Delete | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
                if any(_last_name(part) in wanted for target in targets for part in ast.walk(target)):
                    yield 0, node.lineno
            elif isinstance(node, ast.expr) and _last_name(node) in wanted:
                yield 1, node.lineno


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
