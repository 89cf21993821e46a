"""Arguments of CMake's functions by their keywords, as `cmake_parse_arguments` tells them apart. Pure."""

from collections.abc import Iterable, Sequence


def parsed_arguments(
    prefix: str, keywords: Sequence[Sequence[str]], given: Iterable[str | None]
) -> dict[str, str | None]:
    """Return the variables that it sets, None for what is not known.

    `keywords` are those of options, of one value and of several; "a;b" among what is `given` is two arguments.
    """
    options, single, _ = keywords
    found: dict[str, list[str | None]] = {word: [] for words in keywords for word in words if word}
    key, rest = "", "UNPARSED_ARGUMENTS"
    for word in (part for text in given for part in (text.split(";") if text is not None else [None])):
        if word is not None and word in options:
            found[word] = ["TRUE"]
        elif word is not None and word in found:
            key = word
        else:
            found.setdefault(key or rest, []).append(word)
            key = "" if key in single else key
    joined = {
        name: ";".join(word for word in values if word is not None) if None not in values else None
        for name, values in found.items()
    }
    return {f"{prefix}_{name}": value or ("FALSE" if name in options else value) for name, value in joined.items()}
