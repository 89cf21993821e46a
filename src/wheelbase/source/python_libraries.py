"""Lists of libraries and options of the linker: which names a system has to give. Pure."""

import re
from collections.abc import Iterator

from wheelbase.source.findings import LINKED_ANYWAY
from wheelbase.source.python_asked import Linked
from wheelbase.source.python_conditions import Request
from wheelbase.source.python_values import Said, Unknown, texts
from wheelbase.source.tree import SourceTree

# Of other systems; scripts list them beside others although they mean them for there alone.
_ELSEWHERE = frozenset(
    "ws2_32 wsock32 user32 kernel32 advapi32 gdi32 shell32 ole32 oleaut32 crypt32 iphlpapi psapi pdh shlwapi winmm"
    " winhttp wininet secur32 rpcrt4 setupapi comdlg32 comctl32 msvcrt netapi32 powrprof userenv dbghelp imm32 mswsock"
    " ntdll opengl32 glu32 wtsapi32 cfgmgr32 bcryptprimitives strmiids version gdiplus dwmapi uxtheme socket".split()
)
_NAME = re.compile(r"[A-Za-z0-9][\w+.-]{0,80}")
_PYTHON = re.compile(r"python(\d[\w.]*)?")
_FILE_OF_LIBRARY = re.compile(r"(?:^|/)lib([\w+.-]+?)\.(?:a|so)(?:\.[\d.]+)?")
_SYSTEM_FOLDERS = ("/usr/", "/lib/", "/lib64/", "/opt/")  # what stands elsewhere, the archive builds itself
_NOT_A_LIBRARY = re.compile(
    r".*\.(py|pyx|c|cc|cpp|cxx|h|hpp|txt|dll|lib|dylib|o|obj|in)|on|off|true|false|yes|no|none", re.IGNORECASE
)


def is_always_there(name: str) -> bool:
    """Say whether a library is there wherever a compiler is, or is of another system only."""
    return name in LINKED_ANYWAY or name.lower() in _ELSEWHERE or bool(_PYTHON.fullmatch(name))


def requests_of_list(linked: Linked, tree: SourceTree) -> Iterator[Request]:
    """Yield the libraries that a list names, with the place of each name."""
    said_all = list(texts(linked.value, linked.guard))
    if linked.named and any(said.text.startswith("--") for said in said_all):
        return  # a command line
    for said in said_all:
        for name in _names(said, linked, tree):
            if not is_always_there(name):
                probe = linked.named and linked.weight < 0.8
                yield Request("library", name, said.where or linked.where, said.guard, linked.weight, probe=probe)


def _names(said: Said, linked: Linked, tree: SourceTree) -> Iterator[str]:
    text = said.text
    if linked.objects:
        found = _FILE_OF_LIBRARY.search(text) if text.startswith(_SYSTEM_FOLDERS) else None
        if found and not any(path.endswith(f"lib{found[1]}.a") for path in tree.sizes):
            yield found[1]
        return
    words = [part for word in text.split() for part in (word.split(",") if word.startswith("-Wl,") else [word])]
    for word in words[:50]:
        if found := re.fullmatch(r"(?:-l)?:lib([\w+.-]+)\.(?:a|so)", word):  # with a version it is there to be run
            yield found[1]
        elif word.startswith("-l") and _NAME.fullmatch(word[2:]):
            yield word[2:]
        elif not linked.flags and len(words) == 1:
            if found := re.fullmatch(r"lib([\w+.-]+)\.(a|so)", word):
                yield found[1]
            elif word.startswith("lib") and len(word) > 3 and word[3] not in "-_.":
                yield word[3:]  # the linker adds it: a name of Windows, or one that another rule adds it to
            elif _NAME.fullmatch(word) and not _NOT_A_LIBRARY.fullmatch(word):
                yield word


def is_dynamic(linked: Linked) -> bool:
    """Say whether a list comes from the environment alone."""
    return isinstance(linked.value, Unknown) and linked.value.name.startswith("os.environ")
