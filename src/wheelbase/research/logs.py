"""From what a failed build wrote to why it failed. Pure, and bounded in time whatever the log holds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from wheelbase.research.patterns import CURABLE, Kind, Pattern, load_patterns

# Of a longer log, what is between is not read: causes are near the end, or at the very start.
_HEAD, _TAIL = 1 << 20, 8 << 20
_LONGEST_LINE = 600  # on each side of what is looked for
_MOST_PLACES = 400  # of one text of a pattern
_PROBED = 3  # the rank of what is missing where something was only tried
_QUOTES = (("‘", "'"), ("’", "'"), ("“", '"'), ("”", '"'), ("`", "'"))
_COLOURS = re.compile(r"\x1b\[[0-9;]{0,20}[A-Za-z]")
# What BuildKit writes before each line: the step and the seconds.
_STEP = re.compile(r"^#\d{1,6} \d{1,7}\.\d{1,4} ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a log says. `name` is what is missing ("zlib.h"), `cause` the line for people, `line` its own."""

    kind: Kind
    name: str
    rank: int
    cause: str
    line: str

    @property
    def curable(self) -> bool:
        """Say whether a system package may cure it."""
        return self.kind in CURABLE


def read_log(log: str) -> tuple[Finding, ...]:
    """Return what a log says, each once, the likeliest cause first: by rank, then by place. See `errors.toml`."""
    text = _readable(log)
    found: dict[tuple[str, str], tuple[int, int, Finding]] = {}
    patterns = load_patterns()
    for order, pattern in enumerate(patterns.rows):
        for place, line in _lines(text, pattern):
            match = pattern.regex.search(line)
            if match is None:
                continue
            rank = max(pattern.rank, _PROBED) if patterns.probes.search(line) else pattern.rank
            finding = _finding(pattern, match, line, rank)
            key, known = (finding.kind, finding.name), found.get((finding.kind, finding.name))
            if known is None or (rank, place) < (known[2].rank, known[0]):
                found[key] = (place, order, finding)
    return _one_a_line(sorted(found.values(), key=lambda one: (one[2].rank, one[0], one[1])))


def cause_of(log: str) -> str:
    """Return the likeliest cause in a line for people; empty where nothing in the log is known."""
    found = read_log(log)
    return found[0].cause if found else ""


def _readable(log: str) -> str:
    if len(log) > _HEAD + _TAIL:
        log = f"{log[:_HEAD]}\n{log[-_TAIL:]}"
    for curly, plain in _QUOTES:
        log = log.replace(curly, plain)
    # Python's repr of what a program wrote has its ends of lines as two characters.
    return _COLOURS.sub("", log.replace("\\n", "\n").replace("\r", "\n"))


def _lines(text: str, pattern: Pattern) -> Iterator[tuple[int, str]]:
    """Yield the lines that have one of a pattern's texts, with their places; a long one around the text."""
    for word in pattern.has:
        place = text.find(word)
        for _ in range(_MOST_PLACES):
            if place < 0:
                break
            start = text.rfind("\n", max(0, place - _LONGEST_LINE), place) + 1 or max(0, place - _LONGEST_LINE)
            end = text.find("\n", place, place + _LONGEST_LINE)
            end = min(len(text), place + _LONGEST_LINE) if end < 0 else end
            yield start, _STEP.sub("", text[start:end])
            place = text.find(word, end)


def _finding(pattern: Pattern, match: re.Match[str], line: str, rank: int) -> Finding:
    matched = next((group for group in match.groups() if group), "")
    name = (pattern.name or matched).strip().rstrip(".,:")
    cause = pattern.says.replace("{}", name) if name else pattern.says.replace(" ({})", "")
    return Finding(kind=pattern.kind, name=name, rank=rank, cause=cause, line=line.strip()[:300])


def _one_a_line(ordered: list[tuple[int, int, Finding]]) -> tuple[Finding, ...]:
    """Leave out what a later pattern makes of a line that an earlier one has read."""
    kept: dict[int, int] = {}
    for place, order, _ in sorted(ordered, key=lambda one: one[1]):
        kept.setdefault(place, order)
    return tuple(finding for place, order, finding in ordered if kept[place] == order)
