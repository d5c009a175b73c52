"""The statement of a program in which a value is read, and what it makes of the value."""

import ast
import dis
import functools
import linecache
import sys
from collections.abc import Iterator, Sequence
from types import CodeType, FrameType
from typing import NamedTuple

from samfit.harness.program.inside.reads.likely import Truth, assigned, called, likely

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.Module)
_EXITS = ("exit", "_exit", "quit", "abort", "fail", "skip")
_AS_ITS_OPERAND = ("bool", "int", "float", "item", "all", "any")
_TURNED = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}

Parents = dict[ast.AST, ast.AST | None]
Bound = tuple[type[ast.cmpop], float]


class Reading(NamedTuple):
    """What is to be known of the place at which a value is read.

    Attributes:
        wanted: whether what is read has to be true, or fulfil ``bounds``, for the program to go
            on; None where nothing depends on it.
        bounds: the numbers with which it is compared.
        likely: whether it would be true where all is well (``isfinite``, not ``isnan``); None
            if nothing says so.
        names: all names in what is read.
        end: whether it is the end of a slice: True, False, or that if this name is a number.
        waits: whether a ``while`` loop is around it, or nobody knows.
    """

    wanted: Truth = None
    bounds: tuple[Bound, ...] = ()
    likely: Truth = None
    names: frozenset[str] = frozenset()
    end: bool | str = False
    waits: bool = True


def reading(frame: FrameType) -> Reading:
    """What ``frame`` reads at the moment; nothing is known if its source is not to be had."""
    try:
        found = _reading(frame.f_code, frame.f_lasti, frame.f_lineno)
    except (SyntaxError, ValueError, RecursionError):
        return Reading()
    if isinstance(found.end, str):
        return found._replace(end=isinstance(frame.f_locals.get(found.end), int))
    return found


@functools.lru_cache(4096)
def _reading(code: CodeType, instruction: int, line: int) -> Reading:
    parents = _parents(code.co_filename)
    node = _node(parents, code, instruction, line)
    if node is None:
        return Reading()
    around = list(_around(parents, node))
    names = {name for each in assigned(node, around) for name in _names(each)}
    wanted, bounds = _wanted(node, around)
    return Reading(
        wanted=wanted,
        bounds=bounds,
        likely=likely(node, around),
        names=frozenset(names),
        end=_end(node),
        waits=_loop(around) is ast.While,
    )


@functools.lru_cache(4)
def _parents(file: str) -> Parents:
    """Every node of a source file, and the one around it."""
    tree = ast.parse("".join(linecache.getlines(file)))
    parents: Parents = {tree: None}
    for node in ast.walk(tree):
        parents.update(dict.fromkeys(ast.iter_child_nodes(node), node))
    return parents


def _node(nodes: Parents, code: CodeType, instruction: int, line: int) -> ast.expr | None:
    """The expression whose value is asked for."""
    if sys.version_info >= (3, 11):
        found = _at(nodes, _position(code, instruction))
    else:
        found = next((each for each in nodes if getattr(each, "lineno", 0) == line), None)
    if isinstance(found, ast.stmt):
        found = getattr(found, "test", None) or getattr(found, "value", None)
    return _operand(found) if isinstance(found, ast.expr) else None


def _position(code: CodeType, instruction: int) -> object:
    """Where what is read was computed: of a jump that is just before, and its own may be wrong."""
    done = [each for each in dis.get_instructions(code) if each.offset <= instruction]
    decides = "JUMP" in done[-1].opname or done[-1].opname in ("TO_BOOL", "UNARY_NOT")
    return done[-2 if decides else -1].positions


def _at(nodes: Parents, position: object) -> ast.AST | None:
    """The outermost node at a position."""
    for node in nodes:
        if isinstance(node, ast.expr | ast.stmt):
            here = node.lineno, node.end_lineno, node.col_offset, node.end_col_offset
            if here == position:
                return node
    return None


def _operand(node: ast.expr) -> ast.expr:
    """Of ``not x``, ``bool(x)`` and ``y[x]`` it is ``x`` that is read."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _operand(node.operand)
    if isinstance(node, ast.Call) and called(node) in ("bool", "int", "float") and node.args:
        return _operand(node.args[0])
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        return node.slice
    return node


def _end(node: ast.expr) -> bool | str:
    """Whether it is the end of a slice that is read; or that, if this name is a number."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
        return False
    start = node.slice.lower
    if isinstance(start, ast.Name):
        return start.id
    return start is None or isinstance(start, ast.Constant)


def _around(parents: Parents, node: ast.AST) -> Iterator[ast.AST]:
    """All that ``node`` is in, from the innermost to its function or module."""
    around = parents[node]
    while around is not None:
        yield around
        if isinstance(around, _FUNCTIONS):
            return
        around = parents[around]


def _names(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _wanted(node: ast.expr, around: Sequence[ast.AST]) -> tuple[Truth, tuple[Bound, ...]]:
    """Whether the program goes on if what is read is true; and with what it is compared."""
    bounds: tuple[Bound, ...] = ()
    straight = True
    inner: ast.AST = node
    for index, outer in enumerate(around):
        if isinstance(outer, ast.stmt):
            goes_on = _goes_on(outer, inner, around[index + 1 :])
            return (None, ()) if goes_on is None else (goes_on is straight, bounds)
        if isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.Not):
            straight = not straight
        elif isinstance(outer, ast.Compare) and not bounds:
            bounds = _bounds(outer, inner)
            if not bounds:
                break
        elif not _as_true_as_its_parts(outer):
            break
        inner = outer
    return None, ()


def _as_true_as_its_parts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return called(node) in _AS_ITS_OPERAND
    return isinstance(
        node, ast.BoolOp | ast.NamedExpr | ast.GeneratorExp | ast.ListComp | ast.Attribute
    )


def _bounds(compare: ast.Compare, node: ast.AST) -> tuple[Bound, ...]:
    """The numbers with which ``node`` is compared; none if with anything else."""
    found: list[Bound] = []
    sides = [compare.left, *compare.comparators]
    for left, operator, right in zip(sides, compare.ops, sides[1:], strict=False):
        kind = type(operator)
        if right is node:
            left, right, kind = right, left, _TURNED.get(kind, kind)
        number = _number(right)
        if left is not node or number is None:
            return ()
        found.append((kind, number))
    return tuple(found)


def _number(node: ast.expr) -> float | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return value if isinstance(value, int | float) else None


def _goes_on(statement: ast.stmt, test: ast.AST, around: Sequence[ast.AST]) -> Truth:
    """With which outcome of ``test`` a program goes on, if one is an error or an end."""
    if test is not getattr(statement, "test", None):
        return None
    if isinstance(statement, ast.Assert):
        return True
    if isinstance(statement, ast.While):
        return False
    assert isinstance(statement, ast.If)
    for branch, taken in ((statement.body, False), (statement.orelse, True)):
        if branch and _only_leaves(branch):
            turns = isinstance(branch[-1], ast.Break | ast.Return) and _loop(around) is ast.While
            return taken is not turns
    return None


def _only_leaves(body: list[ast.stmt]) -> bool:
    """Whether statements only raise, exit, or leave a loop or function, with a word about it."""
    last = body[-1]
    leaves = isinstance(last, ast.Raise | ast.Break | ast.Continue | ast.Return) or (
        isinstance(last, ast.Expr)
        and isinstance(last.value, ast.Call)
        and called(last.value) in _EXITS
    )
    return leaves and all(isinstance(each, ast.Expr) for each in body[:-1])


def _loop(around: Sequence[ast.AST]) -> type[ast.AST] | None:
    """The kind of the innermost loop around."""
    loops = (ast.For, ast.AsyncFor, ast.While)
    return next((type(node) for node in around if isinstance(node, loops)), None)
