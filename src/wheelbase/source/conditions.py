"""What #if conditions come to on Linux with GCC and CPython 3, as far as that is known. Pure.

Each value is an interval of integers: a macro of which only a least value is known, such as PY_VERSION_HEX, decides
some comparisons and leaves others open.
"""

import operator
import re
from collections.abc import Callable, Container
from typing import NamedTuple

_MAX_TOKENS = 400  # of one condition, and how deep it may nest: beyond that it is not known
_MAX_DEPTH = 40
_LIMIT = 1 << 63


class Interval(NamedTuple):
    """The least and the greatest value that something may have."""

    low: int
    high: int


ANY = Interval(-_LIMIT, _LIMIT)
UNDEFINED = None
_TRUTH = Interval(0, 1)


def _from(low: int) -> Interval:
    return Interval(low, _LIMIT)


_DEFINED: dict[str, Interval] = {
    **dict.fromkeys("__linux__ __linux linux __gnu_linux__ __unix__ __unix unix __ELF__".split(), Interval(1, 1)),
    **dict.fromkeys("__STDC__ __STDC_HOSTED__ __GNUC_STDC_INLINE__".split(), Interval(1, 1)),
    **dict.fromkeys("__GNUC_MINOR__ __GNUC_PATCHLEVEL__ __BYTE_ORDER__ PY_MICRO_VERSION __VERSION__".split(), _from(0)),
    **dict.fromkeys("__SIZEOF_POINTER__ __SIZEOF_LONG__".split(), Interval(4, 8)),
    "__GNUC__": _from(8),
    "__CHAR_BIT__": Interval(8, 8),
    "__SIZEOF_INT__": Interval(4, 4),
    "_POSIX_VERSION": _from(200809),
    "PY_MAJOR_VERSION": Interval(3, 3),
    "PY_MINOR_VERSION": _from(8),
    "PY_VERSION_HEX": _from(0x03080000),
}
_ELSEWHERE = frozenset(
    # Windows and DOS, with their compilers
    "_WIN32 _WIN64 WIN32 WIN64 __WIN32__ __WIN32 _WIN32_WINNT WINVER _WINDOWS WINDOWS WINNT _WINNT_ __NT__ _WIN32_WCE"
    " WINCE UNDER_CE MS_WINDOWS MS_WIN32 MS_WIN64 WINAPI_FAMILY _MSC_VER _MSC_FULL_VER _MSVC_LANG _MFC_VER"
    " __CYGWIN__ __CYGWIN32__ __MINGW32__ __MINGW64__ _UWIN __INTERIX __BORLANDC__ __TURBOC__ __WATCOMC__ __DJGPP__"
    " DJGPP __GO32__ __DMC__ __MSDOS__ MSDOS _MSDOS __DOS__ DOS __ZTC__ __SC__ __EMX__ OS2 __OS2__ _M_IX86 _M_X64"
    " _M_AMD64 _M_ARM _M_ARM64 _M_ARM64EC RC_INVOKED"
    # Apple
    " __APPLE__ __MACH__ __APPLE_CC__ macintosh MACOSX MACOS MACOS_X __MACOSX__ _MACOSX Macintosh __MWERKS__ MPW"
    " TARGET_OS_MAC TARGET_OS_OSX TARGET_OS_IPHONE TARGET_OS_IOS TARGET_OS_WIN32 __OBJC__ DARWIN HAVE_MACH_MACH_TIME_H"
    # BSD, Solaris, other Unix
    " __FreeBSD__ __FreeBSD_version __FreeBSD_kernel__ __NetBSD__ __NetBSD_Version__ __OpenBSD__ OpenBSD __DragonFly__"
    " __bsdi__ _SYSTYPE_BSD BSD4_3 BSD4_4 __386BSD__ PSUTIL_FREEBSD PSUTIL_OPENBSD PSUTIL_NETBSD __sun __sun__ sun"
    " __svr4__ __SVR4 __SUNPRO_C __SUNPRO_CC SOLARIS __hpux hpux __hpux__ _HPUX_SOURCE _AIX _AIX32 _AIX41 _AIX43 __sgi"
    " sgi __osf__ __osf OSF1 __digital__ __ultrix _UNICOS _CRAY __minix _SCO_DS __SCO_VERSION__ __UNIXWARE__ __QNX__"
    " __QNXNTO__ __GNU__ __INTEL_COMPILER __INTEL_LLVM_COMPILER __ICC __ECC __xlC__ __xlc__ __IBMC__ __IBMCPP__ __PGI"
    " __NVCOMPILER __HP_cc __HP_aCC __DECC __DECCXX __ARMCC_VERSION __CC_ARM __ICCARM__ __TINYC__ __LCC__ __clang__"
    " __clang_major__ __apple_build_version__"
    # Android, and systems that are further off
    " __ANDROID__ ANDROID __ANDROID_API__ __EMSCRIPTEN__ EMSCRIPTEN __wasm__ __wasm32__ __wasm64__ __wasi__ __asmjs__"
    " VMS __VMS vms __vms __OpenVMS VAXC __BEOS__ __HAIKU__ AMIGA AMIGA_OS __amigaos__ __amigaos4__ __MORPHOS__"
    " __riscos RISCOS __riscos__ NETWARE __NETWARE__ N_PLAT_NLM __MVS__ __OS400__ __TANDEM __VXWORKS__ VXWORKS"
    " _WRS_KERNEL __rtems__ __SYMBIAN32__ SYMBIAN __EPOC32__ __NACL__ __native_client__ __fuchsia__"
    " __Fuchsia__ __CloudABI__ __ORBIS__ __PROSPERO__ __SWITCH__ PLAN9 __PLAN9__ ATARI __ATARI__ THINK_C macosx"
    " __redox__ __serenity__ __atheos__ __SYLLABLE__ __TOS_OS2__ ARDUINO ESP_PLATFORM ESP32"
    " __ZEPHYR__ FREERTOS LWIP_SOCKET NUTTX"
    # What is not CPython, and what only reads C
    " PYPY_VERSION PYPY_VERSION_NUM GRAALVM_PYTHON IS_PYPY JYTHON IRONPYTHON Py_DEBUG SWIG SWIGPYTHON DOXYGEN"
    " __DOXYGEN__ DOXYGEN_SHOULD_SKIP_THIS DOXYGEN_INVOKED _DOXYGEN_ DOXYGEN_ONLY __COVERITY__ __cppcheck__"
    " __clang_analyzer__ __LINT__ lint _lint S_SPLINT_S __KLOCWORK__ PYTHON2 IS_PY2 Q_MOC_RUN __CDT_PARSER__"
    " __INTELLISENSE__ __RESHARPER__ TESTING UNIT_TEST UNITTEST UNIT_TESTS FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION"
    .split()
)  # fmt: skip
_IN_CPP = _from(201103)


class Macros:
    """What is known of macros at one place of a text."""

    def __init__(self, cpp: bool | None, absent: Container[str] = ()) -> None:
        """`cpp` says whether the text is C++, None where it may be either; `absent` are macros that nobody defines."""
        self._local: dict[str, tuple[Interval | None, str]] = {}
        self._open: set[str] = {"__cplusplus", "__STDC_VERSION__"} if cpp is None else set()
        self._cpp = cpp
        self._absent = absent

    def put(self, name: str, value: Interval | None, body: str = "", *, sure: bool = True) -> None:
        """Note a #define, or an #undef where the value is None; not `sure` where it may be left out."""
        self._local[name] = (value, body)
        if sure:
            self._open.discard(name)
        else:
            self._open.add(name)

    def body(self, name: str) -> str:
        """Return what a macro of this text stands for, empty where that is not known."""
        return "" if name in self._open else self._local.get(name, (None, ""))[1]

    def defined(self, name: str) -> bool | None:
        """Say whether a macro is defined, None where that is not known."""
        if name in self._open:
            return None
        if name in self._local:
            return self._local[name][0] is not None
        if name == "__cplusplus":
            return self._cpp
        if name in _DEFINED or (name == "__STDC_VERSION__" and not self._cpp):
            return True
        return False if name in _ELSEWHERE or name in self._absent else None

    def value(self, name: str) -> Interval:
        """Return what a macro comes to in a condition, which is 0 where it is not defined."""
        there = self.defined(name)
        if there is None:
            return ANY
        if not there:
            return Interval(0, 0)
        if name in self._local:
            return self._local[name][0] or Interval(0, 0)
        if name in _DEFINED:
            return _DEFINED[name]
        return _IN_CPP if name == "__cplusplus" else _from(199901)


_TOKENS = re.compile(
    r"\s*(?:(?P<number>(?:0[xX][0-9a-fA-F]{1,16}|0[bB][01]{1,64}|\d{1,20})(?![\w.'])|"
    r"(?:0[xX][0-9a-fA-F]{1,16}|\d{1,20})[uUlL]{1,3}(?!\w))|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>&&|\|\||<<|>>|[=!<>]=|[-+*/%<>!~&|^(),?:])|(?P<other>\S))"
)
_LEVELS = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip


def truth(value: Interval) -> bool | None:
    """Say whether a value is true, None where it may be either."""
    if value == (0, 0):
        return False
    return None if value.low <= 0 <= value.high else True


def evaluate(text: str, macros: Macros) -> Interval:
    """Return what an expression comes to. What cannot be read may be anything."""
    tokens: list[tuple[str, str]] = []
    for match in _TOKENS.finditer(text):
        kind = match.lastgroup or "other"
        if kind == "other" or len(tokens) >= _MAX_TOKENS:
            return ANY
        tokens.append((kind, match[kind]))
    parser = _Parser(tokens, macros)
    value = parser.binary(1, 0)
    return value if parser.at == len(tokens) and tokens else ANY


class _Parser:
    """Precedence climbing over the tokens of one expression."""

    def __init__(self, tokens: list[tuple[str, str]], macros: Macros) -> None:
        self.tokens = tokens
        self.macros = macros
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def binary(self, level: int, depth: int) -> Interval:
        left = self.unary(depth)
        while (own := _LEVELS.get(self.peek(), 0)) >= level:
            sign = self.peek()
            self.at += 1
            left = _combine(sign, left, self.binary(own + 1, depth + 1))
        return left

    def unary(self, depth: int) -> Interval:
        if self.at >= len(self.tokens) or depth > _MAX_DEPTH:
            self.at = len(self.tokens) + 1
            return ANY
        kind, token = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            digits = token.rstrip("uUlL")
            octal = digits.isdigit() and len(digits) > 1 and digits[0] == "0" and not set(digits) & set("89")
            return _exact(int(digits, 8 if octal else 10) if digits.isdigit() else int(digits, 0))
        if kind == "name":
            return self.name(token)
        if token == "(":
            value = self.binary(1, depth + 1)
            self.at += 1 if self.peek() == ")" else len(self.tokens) + 1
            return value
        if token not in "!-+~":
            self.at = len(self.tokens) + 1
            return ANY
        return _negated(token, self.unary(depth + 1))

    def name(self, token: str) -> Interval:
        if token == "defined":
            there = self.macros.defined(self.operand())
            return _TRUTH if there is None else _exact(int(there))
        if token in ("true", "false"):
            return _exact(int(token == "true"))
        if self.peek() != "(":
            return self.macros.value(token)
        depth = 0  # a macro with arguments, or __has_include
        while self.at < len(self.tokens):
            depth += {"(": 1, ")": -1}.get(self.peek(), 0)
            self.at += 1
            if not depth:
                break
        return ANY

    def operand(self) -> str:
        in_parentheses = self.peek() == "("
        self.at += in_parentheses
        name = self.peek()
        self.at += 1 + in_parentheses
        return name


def _exact(value: int) -> Interval:
    return Interval(value, value) if abs(value) < _LIMIT else ANY


def _negated(sign: str, value: Interval) -> Interval:
    if sign == "!":
        holds = truth(value)
        return _TRUTH if holds is None else _exact(int(not holds))
    if sign == "-":
        return Interval(-value.high, -value.low)
    if sign == "~":
        return _exact(~value.low) if value.low == value.high else ANY
    return value


_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_EXACT: dict[str, Callable[[int, int], int]] = {
    "|": operator.or_, "^": operator.xor, "&": operator.and_, "/": operator.floordiv, "%": operator.mod,
    "<<": operator.lshift, ">>": operator.rshift,
}  # fmt: skip


def _combine(sign: str, left: Interval, right: Interval) -> Interval:
    if sign in ("&&", "||"):
        one, other = truth(left), truth(right)
        decided = sign == "||"
        if one is decided or other is decided:
            return _exact(int(decided))
        return _TRUTH if one is None or other is None else _exact(int(not decided))
    if sign in _COMPARE:
        outcomes = {_COMPARE[sign](a, b) for a in left for b in right}
        return _TRUTH if len(outcomes) > 1 else _exact(int(outcomes.pop()))
    if sign in ("==", "!="):
        if left.high < right.low or right.high < left.low:
            return _exact(int(sign == "!="))
        return _exact(int(sign == "==")) if left == right and left.low == left.high else _TRUTH
    return _arithmetic(sign, left, right)


def _arithmetic(sign: str, left: Interval, right: Interval) -> Interval:
    if sign in _EXACT:
        if left.low != left.high or right.low != right.high or (sign in "/%" and not right.low):
            return ANY
        if sign in ("<<", ">>") and not 0 <= right.low < 64:
            return ANY
        return _exact(_EXACT[sign](left.low, right.low))
    if sign == "+":
        return _clamped(left.low + right.low, left.high + right.high)
    if sign == "-":
        return _clamped(left.low - right.high, left.high - right.low)
    products = [a * b for a in left for b in right]
    return _clamped(min(products), max(products))


def _clamped(low: int, high: int) -> Interval:
    return Interval(max(low, -_LIMIT), min(high, _LIMIT))
