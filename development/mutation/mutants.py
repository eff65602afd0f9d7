"""
The small changes that are made to a module, found in its syntax tree and written into its text.

The text is changed in place rather than printed anew from the tree: every other line keeps its number, and with it what
tests say about lines, and its comments.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


@dataclass(frozen=True)
class Mutant:
    """
    One change: the text from `start` to `end` (offsets of characters) becomes `after`.
    """

    module: str
    line: int
    start: int
    end: int
    before: str
    after: str

    @property
    def name(self) -> str:
        return f"{self.module}:{self.line}: {self._text}"

    @property
    def change(self) -> str:
        """
        The name without the line, which any edit above moves.
        """
        return f"{self.module}: {self._text}"

    @property
    def _text(self) -> str:
        return f"{' '.join(self.before.split())} → {' '.join(self.after.split())}"

    def applied_to(self, text: str) -> str:
        """
        The module's text with the change, in as many lines as before.
        """
        missing = self.before.count("\n") - self.after.count("\n")
        return text[: self.start] + self.after + "\\\n" * missing + text[self.end :]


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_program(mutant: Mutant, text: str) -> bool:
    """
    Whether the changed module can still be compiled. Asked only of changes that are made: compiling takes its time.
    """
    try:
        compile(mutant.applied_to(text), mutant.module, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return True


def mutants_of(module: str, text: str) -> list[Mutant]:
    """
    Every change to `text`, in the order of the lines. A few may not be a program any more: see `is_program`.

    Left alone are annotations, decorators, docstrings and other texts (also inside f-strings), and what stands under
    `if TYPE_CHECKING:` or in an overload: changing those changes no behaviour, or only words.
    """
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    encoded = [line.encode() for line in text.splitlines(keepends=True)]

    def offset(line: int, column: int) -> int:
        # Columns of the tree count bytes of UTF-8.
        return starts[line - 1] + len(encoded[line - 1][:column].decode())

    found: dict[tuple[int, int, str], Mutant] = {}
    for node, after in _changes(ast.parse(text)):
        start, end = offset(node.lineno, node.col_offset), offset(node.end_lineno or 0, node.end_col_offset or 0)
        mutant = Mutant(module, node.lineno, start, end, text[start:end], after)
        if mutant.before == after or (start, end, after) in found:
            continue
        found[start, end, after] = mutant
    return [found[key] for key in sorted(found)]


def _changes(tree: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in _behaviour(tree):
        for condition in _conditions(node):
            yield condition, f"(not {ast.unparse(condition)})"
        if isinstance(node, ast.stmt):
            for changed in _of_statement(node):
                yield node, changed
        elif isinstance(node, ast.expr):
            for expression in _of_expression(node):
                yield node, f"({ast.unparse(expression)})"


def _behaviour(node: ast.AST) -> Iterator[ast.AST]:
    """
    The nodes below `node` that decide what a program does.
    """
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        return
    skipped: list[object] = []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        if any(ast.unparse(decorator).endswith("overload") for decorator in node.decorator_list):
            return
        skipped += node.decorator_list
    skipped += [getattr(node, "annotation", None), getattr(node, "returns", None)]
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    yield node
    if isinstance(node, ast.JoinedStr):
        return
    for child in ast.iter_child_nodes(node):
        if not any(child is one for one in skipped):
            yield from _behaviour(child)


def _conditions(node: ast.AST) -> Iterator[ast.expr]:
    """
    What a node asks, where it is neither a comparison nor a negation: those have changes of their own.
    """
    asked = [*node.ifs] if isinstance(node, ast.comprehension) else []
    if isinstance(node, ast.If | ast.While):
        asked.append(node.test)
    for condition in asked:
        if not isinstance(condition, ast.Compare | ast.UnaryOp | ast.BoolOp | ast.Constant):
            yield condition


def _of_statement(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield "return None"
        case ast.Expr(value=ast.Call() | ast.Await()):
            yield "pass"
        case ast.Raise():
            yield "pass"
        case ast.Break():
            yield "continue"
        case ast.Continue():
            yield "break"
        case ast.AugAssign(op=op):
            yield "pass"
            if type(op) in _ARITHMETIC:
                yield ast.unparse(ast.AugAssign(node.target, _ARITHMETIC[type(op)](), node.value))
        case ast.Assign(targets=[target], value=value) if not _is_none(value):
            yield f"{ast.unparse(target)} = None"
        case _:
            return


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:  # noqa: C901, PLR0912 - one case an operator
    match node:
        case ast.Compare(left=left, ops=[op], comparators=comparators):
            for other in _COMPARISONS[type(op)]:
                yield ast.Compare(left, [other()], comparators)
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            for index, op in enumerate(ops):
                for other in _COMPARISONS[type(op)]:
                    yield ast.Compare(left, [*ops[:index], other(), *ops[index + 1 :]], comparators)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC and not _is_text(left, right):
            yield ast.BinOp(left, _ARITHMETIC[type(op)](), right)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=float() as value):
            yield ast.Constant(value * 2 if value else 1.0)
        case _:
            return


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(*nodes: ast.expr) -> bool:
    """
    Whether texts are joined, for which there is no other operation.
    """
    return any(isinstance(node, ast.JoinedStr) or isinstance(getattr(node, "value", None), str) for node in nodes)
