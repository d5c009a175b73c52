"""What a condition would be where all is well, by the names in it: ``isnan`` is not."""

import ast
from collections.abc import Iterator, Sequence

Truth = bool | None

_WHERE_ALL_IS_WELL = {
    "isfinite": True,
    "isnan": False,
    "isinf": False,
    "isposinf": False,
    "isneginf": False,
    "equal": True,
    "allclose": True,
    "isclose": True,
}
_BY_THEMSELVES = {"any": False, "all": True}
_AS_TRUE = ("bool", "int", "float", "item", "sum", "max", "min", "count_nonzero", "cpu", "detach")
_AND = ("logical_and", "bitwise_and")
_OR = ("logical_or", "bitwise_or", "logical_xor", "bitwise_xor")
_NOT = ("logical_not", "bitwise_not")


def likely(node: ast.AST, around: Sequence[ast.AST]) -> Truth:
    """Whether ``node`` is true where all is well; None if no name says so."""
    if isinstance(node, ast.Call):
        return _of_call(node, around)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.Invert):
        return _not(likely(node.operand, around))
    if isinstance(node, ast.BoolOp):
        return _both(isinstance(node.op, ast.And), [likely(each, around) for each in node.values])
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr):
        sides = [likely(node.left, around), likely(node.right, around)]
        return _both(isinstance(node.op, ast.BitAnd), sides)
    if isinstance(node, ast.Compare):
        return _of_count(node, around)
    if isinstance(node, ast.Name):
        found = _assignment(node, around)
        return None if found is None else likely(found, around)
    return None


def called(node: ast.Call) -> str:
    """The last part of the name of what is called."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def assigned(node: ast.AST, around: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """``node``, and what the names in it were last given in the lines before."""
    yield node
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            found = _assignment(each, around)
            if found is not None:
                yield found


def _of_call(node: ast.Call, around: Sequence[ast.AST]) -> Truth:
    name = called(node)
    if name in _WHERE_ALL_IS_WELL:
        return _WHERE_ALL_IS_WELL[name]
    operands = _operands(node)
    if not operands:
        return None
    first = likely(operands[0], around)
    if name in _BY_THEMSELVES:
        return _BY_THEMSELVES[name] if first is None else first
    if name in _NOT:
        return _not(first)
    if name in (*_AND, *_OR) and len(operands) > 1:
        return _both(name in _AND, [first, likely(operands[1], around)])
    return first if name in _AS_TRUE else None


def _operands(node: ast.Call) -> list[ast.expr]:
    """``x`` and ``y`` of ``x.f(y)``, ``torch.f(x, y)`` and ``f(x, y)``."""
    function = node.func
    if not isinstance(function, ast.Attribute):
        return node.args
    module = isinstance(function.value, ast.Name) and function.value.id in ("torch", "np", "math")
    return node.args if module else [function.value, *node.args]


def _of_count(node: ast.Compare, around: Sequence[ast.AST]) -> Truth:
    """Of ``isnan(x).sum() > 0``."""
    right = node.comparators[0]
    zero = isinstance(right, ast.Constant) and right.value == 0
    if len(node.ops) > 1 or not zero or likely(node.left, around) is not False:
        return None
    return {ast.Gt: False, ast.NotEq: False, ast.Eq: True, ast.LtE: True}.get(type(node.ops[0]))


def _assignment(name: ast.Name, around: Sequence[ast.AST]) -> ast.expr | None:
    """What ``name`` was last given, or goes through, in the lines before it in its function."""
    last, found = 0, None
    for node in ast.walk(around[-1]):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            targets, value = [node.target], node.iter
        else:
            continue
        for target in (inner for each in targets for inner in ast.walk(each)):
            if not isinstance(target, ast.Name) or target.id != name.id or target is name:
                continue
            if last <= target.lineno <= name.lineno:
                last, found = target.lineno, value
    return found


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _both(conjunction: bool, truths: list[Truth]) -> Truth:
    """Of a conjunction, else of a disjunction, as far as its parts are known."""
    if (not conjunction) in truths:
        return not conjunction
    return None if None in truths else conjunction
