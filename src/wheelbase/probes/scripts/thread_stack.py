"""How large a new thread's stack is, and which deep recursions end the process there instead of in an exception."""

from __future__ import annotations

import json
import subprocess
import sys

SHAPES = {
    "repr": "x = []\nfor _ in range(100000): x = [x]\nrun = lambda: repr(x)",
    "json.loads": "import json\nrun = lambda: json.loads('[' * 100000)",
    "json.dumps": "import json\nx = []\nfor _ in range(100000): x = [x]\nrun = lambda: json.dumps(x)",
    "pickle.dumps": "import pickle\nx = []\nfor _ in range(100000): x = [x]\nrun = lambda: pickle.dumps(x)",
    "compile": "run = lambda: compile('+'.join(['a'] * 90000), 'x', 'eval')",
    "sorted with a key": "def f(n): return sorted([n], key=lambda v: f(v + 1))\nrun = lambda: f(0)",
    "==": "a = []; b = []\nfor _ in range(100000): a = [a]; b = [b]\nrun = lambda: a == b",
    "ElementTree": (
        "import xml.etree.ElementTree as E\nrun = lambda: E.tostring(E.fromstring(b'<a>' * 20000 + b'</a>' * 20000))"
    ),
}
IN_A_THREAD = """
import threading
def go():
    try: run()
    except BaseException: pass
t = threading.Thread(target=go); t.start(); t.join()
"""
SIZE = """
import ctypes
def run():
    library, attributes = ctypes.CDLL(None), ctypes.create_string_buffer(256)
    library.pthread_self.restype = ctypes.c_void_p
    library.pthread_getattr_np(ctypes.c_void_p(library.pthread_self()), attributes)
    address, size = ctypes.c_void_p(), ctypes.c_size_t()
    library.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    print(size.value)
"""


def main() -> None:
    """Try each in a process of its own, since some end it."""
    died = []
    for name, shape in SHAPES.items():
        code = subprocess.call([sys.executable, "-c", shape + IN_A_THREAD], stderr=subprocess.DEVNULL)
        if code < 0:
            died.append(name)
    size = int(subprocess.check_output([sys.executable, "-c", SIZE + IN_A_THREAD]))
    evidence = f"{size / 2**20:.1f} MiB of stack; {len(died)} of {len(SHAPES)} deep recursions end the process"
    evidence += ": " + ", ".join(died) if died else ""
    observed = {"stack_bytes": size, "died": died, "tried": sorted(SHAPES)}
    print(json.dumps({"verdict": "bites" if died else "fine", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()
