"""Which functions of a module run in threads, and what they parse there. Pure.

Sure is a function of the module that is given to a thread by its name, or that FastAPI or a threading server calls in
one, and what it calls in the same module. Whether a handler of Flask runs in a thread is its server's matter.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

from wheelbase.probes.scope import Scope
from wheelbase.probes.signs import Sign

PARSERS = {
    *("json.loads", "json.load", "ast.parse", "ast.literal_eval"),
    *("xml.etree.ElementTree.fromstring", "xml.etree.ElementTree.parse", "xml.etree.ElementTree.XML"),
    "flask.request.get_json",
}
_ENOUGH = 2 << 20
_IN_A_THREAD = {
    *("asyncio.to_thread", "anyio.to_thread.run_sync"),
    *("starlette.concurrency.run_in_threadpool", "fastapi.concurrency.run_in_threadpool"),
}
_ROUTES = {"get", "post", "put", "patch", "delete", "route", "api_route"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def parsed_in_threads(module: ast.Module) -> Iterator[Sign]:
    """Yield the calls of parsers that run in a thread; those of a module with threads elsewhere are not sure."""
    scope = Scope.of(module)
    functions = {node.name: node for node in ast.walk(module) if isinstance(node, _Function)}
    in_threads = _nodes_of(functions, _roots(module, scope))
    handlers = (name for name, one in functions.items() if isinstance(one, ast.FunctionDef) and _is_handler(one))
    handled = _nodes_of(functions, handlers if "flask" in scope.modules else ())
    threads = in_threads or any(name in _starters(scope) for name in scope.names)
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        for parser in {scope.name_of(one) for one in _run_by(node, scope)} & PARSERS:
            yield Sign(hazard="thread-stack", line=node.lineno, what=f"{parser}() in a thread", sure=True)
        if (parser := scope.name_of(node.func)) not in PARSERS:
            continue
        if id(node) in in_threads:
            yield Sign(hazard="thread-stack", line=node.lineno, what=f"{parser}() in a thread", sure=True)
        elif id(node) in handled or threads:
            why = (
                "in a handler of Flask, whose server may have threads"
                if id(node) in handled
                else "and there are threads"
            )
            yield Sign(hazard="thread-stack", line=node.lineno, what=f"{parser}(), {why}", sure=False)


def _nodes_of(functions: Mapping[str, _Function], names: Iterable[str]) -> set[int]:
    """Return what is in some functions, and in those of the module that they call."""
    reached = set(names) & functions.keys()
    pending = list(reached)
    while pending:
        for name in _called(functions[pending.pop()]) & (functions.keys() - reached):
            reached.add(name)
            pending.append(name)
    return {id(node) for name in reached for node in ast.walk(functions[name])}


def has_large_stacks(module: ast.Module) -> bool:
    """Say whether a module gives its threads stacks that are large enough."""
    scope = Scope.of(module)
    return any(
        isinstance(node, ast.Call)
        and scope.name_of(node.func) == "threading.stack_size"
        and bool(node.args)
        and _number(node.args[0]) >= _ENOUGH
        for node in ast.walk(module)
    )


def _roots(module: ast.Module, scope: Scope) -> Iterator[str]:
    threading_server = any(
        (scope.name_of(node) or "").endswith(("ThreadingHTTPServer", "ThreadingMixIn"))
        for node in ast.walk(module)
        if isinstance(node, ast.Name | ast.Attribute)
    )
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield from map(_own_name, _run_by(node, scope))
        elif isinstance(node, ast.FunctionDef) and "fastapi" in scope.modules and _is_handler(node):
            yield node.name
        elif isinstance(node, ast.ClassDef) and threading_server and _handles_requests(node, scope):
            yield from (one.name for one in node.body if isinstance(one, ast.FunctionDef))


def _run_by(call: ast.Call, scope: Scope) -> Iterator[ast.expr]:
    """Yield what a call runs in a thread."""
    name = scope.name_of(call.func)
    attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if name == "threading.Thread":
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "target")
    elif name in _IN_A_THREAD or (
        attribute in ("submit", "map") and "concurrent.futures.ThreadPoolExecutor" in scope.names.values()
    ):
        yield from call.args[:1]
    elif attribute == "run_in_executor" and isinstance(call.args[0] if call.args else None, ast.Constant):
        yield from call.args[1:2]


def _handles_requests(node: ast.ClassDef, scope: Scope) -> bool:
    return any((scope.name_of(base) or "").endswith("HTTPRequestHandler") for base in node.bases)


def _is_handler(function: ast.FunctionDef) -> bool:
    return any(
        isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in _ROUTES
        for one in function.decorator_list
    )


def _called(function: _Function) -> set[str]:
    return {_own_name(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}


def _own_name(node: ast.expr) -> str:
    """Return the name of a function of the module, or of a method by `self`; "" of others."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _starters(scope: Scope) -> set[str]:
    wanted = {"threading.Thread", "concurrent.futures.ThreadPoolExecutor", "threading", "asyncio.to_thread"}
    return {name for name, full in scope.names.items() if full in wanted}


def _number(node: ast.expr) -> int:
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp):
        left, right = _number(node.left), _number(node.right)
        if isinstance(node.op, ast.Mult):
            return left * right
        if isinstance(node.op, ast.LShift) and right < 64:
            return left << right
    return 0
