"""What the build calls of its scripts although none of them does: setuptools' commands, a backend's hooks."""

import re
from collections.abc import Iterable

from wheelbase.source.python_asked import Asked
from wheelbase.source.python_evaluator import Stopped
from wheelbase.source.python_expressions import member
from wheelbase.source.python_statements import Interpreter
from wheelbase.source.python_values import Class, Function, Instance, Scope, Table, Unknown
from wheelbase.source.tree import SourceTree

BUILD_FOLDER = re.compile(r"_?(?:build|setup)[\w-]{0,40}", re.IGNORECASE)
"""Of scripts that help to build."""
_SUB_COMMANDS = re.compile(r"\bsub_commands\b([^=]{0,20}=?[^=]{0,400})")
_QUOTED = re.compile(r"[\"'](\w+)[\"']")
_COMMANDS_RUN = frozenset(
    "build build_py build_ext build_clib build_scripts install install_lib install_scripts install_data install_headers"
    " install_egg_info egg_info bdist_wheel dist_info editable_wheel config".split()
)
_COMMANDS_NOT_RUN = frozenset(
    "Command TestCommand test sdist clean upload develop register check bdist_rpm bdist_egg bdist build_sphinx BuildDoc"
    " upload_docs Distribution".split()
)
_ENTRY = re.compile(
    r"__init__|initialize_options|finalize_options|run|build|build_(wheel|sdist|editable|extensions?|libraries)|configuration"
    r"|initialize|pdm_build_\w+|prepare_metadata\w*|get_requires\w*|get_ext\w*|ext_modules|make_ext\w*"
)
_FIRST_METHODS = ("initialize_options", "finalize_options", "run", "build_extensions", "build_extension")


class Uncalled:
    """Classes and functions of scripts that were followed, as far as the build may call them."""

    def __init__(self, interpreter: Interpreter, asked: Asked, tree: SourceTree) -> None:
        """`interpreter` has followed the scripts, and told `asked` of what they ask for."""
        self.interpreter, self.asked, self.tree = interpreter, asked, tree

    def follow_all(self, scripts: Iterable[str]) -> None:
        """Follow the classes and functions that the build may call although none of the `scripts` does."""
        run = self.interpreter
        left, by_others = list(run.classes), self._sub_commands(scripts)
        while ready := [kind for kind in left if self._is_run(kind, by_others)]:
            for kind in ready:  # which may run others in turn
                left.remove(kind)
                self._follow_class(kind)
        for function in run.functions:  # and those that are made in them
            if function.node not in run.followed and not self._is_helper(function.scope):
                self.follow(function)

    def _is_helper(self, scope: Scope) -> bool:
        """Say whether something is of a package that helps to build: setup.py calls what it needs of it."""
        folder = scope.path.rpartition("/")[0]
        return BUILD_FOLDER.fullmatch(folder) is not None and f"{folder}/__init__.py" in self.tree

    def _sub_commands(self, scripts: Iterable[str]) -> set[str]:
        """Return what stands in quotes after `sub_commands`, the commands that another one runs."""
        texts = (match[1] for path in scripts for match in _SUB_COMMANDS.finditer(self.tree.text(path)))
        return {name for text in texts for name in _QUOTED.findall(text)}

    def _is_run(self, kind: Class, by_others: set[str]) -> bool:
        names = {name for name, value in self.asked.commands.items() if value is kind}
        if names:
            return not names.isdisjoint(_COMMANDS_RUN | self.asked.run_commands | by_others)
        if self._is_helper(kind.scope):
            return False
        return not any(isinstance(b, Unknown) and b.name.rsplit(".", 1)[-1] in _COMMANDS_NOT_RUN for b in kind.bases)

    def _follow_class(self, kind: Class) -> None:
        made = Instance(kind.node.name, kind, Table())
        called = not self._is_extension(kind)
        methods = [name for name, value in kind.scope.names.items() if isinstance(value, Function)]
        for name in dict.fromkeys([*(name for name in _FIRST_METHODS if member(kind, name)), *methods]):
            method = member(kind, name)
            if isinstance(method, Function) and (
                method.node not in self.interpreter.followed or name in _FIRST_METHODS
            ):
                self.follow(Function(method.node, method.scope, made), by_setuptools=called)

    def _is_extension(self, kind: Class) -> bool:
        """Say whether a class is of what is built, and no command: setuptools calls none of its methods."""
        names = (base.name if isinstance(base, Unknown) else "" for base in kind.bases)
        return any(name.rsplit(".", 1)[-1].endswith("Extension") for name in names)

    def follow(self, function: Function, *, by_setuptools: bool = True, named: bool = False) -> None:
        """Follow a function that no script calls: the build does, or something that is not seen here may.

        One that is `named` to it is called surely.
        """
        run, name = self.interpreter, getattr(function.node, "name", "")
        sure = named or (by_setuptools and _ENTRY.fullmatch(name))
        conditions = () if sure else (run.conditions.of(function.node),)
        try:
            with run.under(*conditions):
                run.invoke(function, [], {})
        except (Stopped, RecursionError):
            return
