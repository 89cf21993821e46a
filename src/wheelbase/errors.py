"""Every error that wheelbase raises on purpose.

    WheelbaseError                 one message, one hint, one exit code
    ├── RequirementsError          what the user asked for cannot be read: a requirement, a lock file, a project
    ├── ResolutionError            no set of versions satisfies the requirements
    ├── PackageIndexError          a package index, or a file on it, cannot be read
    ├── WheelError                 a wheel is damaged, or hostile, or not what it says that it is
    ├── SourceError                a source archive or folder that the user named cannot be read
    ├── MirrorError                a distribution's package archive cannot be read
    ├── LockError                  what is to be built is not what the lock file of wheelbase says
    └── BaseError                  a base image that is not known, or facts about one that contradict each other

Those of images are in `oci.errors`, of Debian's packages in `deb.errors`, of engines in `engines.errors`.
A message says what happened and where; the hint says the way out. The command line prints both and nothing else.
Neither shows the user name or password of a URL.
"""

import re

# The first alternative is for a password with an unquoted / ? or # in it, which no parser of URLs takes for one; what
# looks like a port and a path is none.
_USERINFO = re.compile(r"(?<=://)(?:[^\s/'\"`<>]*:(?!\d{1,5}/)[^\s'\"`<>]*@|[^\s/'\"`<>]*@)")
# NAME=value, where the name says what the value is: quoted as a whole, or as shells quote values. What pins a version
# has two equals signs.
_SECRET = re.compile(
    r"""(?P<quote>['"])?(?<![\w-])(?P<name>[\w-]*(?:TOKEN|PASSWORD|PASSWD|SECRET|KEY|CREDENTIAL)[\w-]*=)(?!=)"""
    r"""(?(quote)(?:'"'"'|(?!(?P=quote)).)*(?P=quote)|(?:'[^']*'|"[^"]*"|\S)*)""",
    re.IGNORECASE | re.DOTALL,
)


class WheelbaseError(Exception):
    """The root of the tree.

    `hint` is one sentence that says what to do; `exit_code` is what the command line ends with.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the hint beside the message."""
        super().__init__(hide_credentials(message))
        self.hint = hide_credentials(hint) if hint else hint


class RequirementsError(WheelbaseError):
    """The requirements, a lock file or a project cannot be read."""


class ResolutionError(WheelbaseError):
    """No set of versions satisfies the requirements."""


class PackageIndexError(WheelbaseError):
    """A package index, or a file that it serves, cannot be read."""


class WheelError(WheelbaseError):
    """A wheel is damaged, or hostile, or not what it says that it is."""


class SourceError(WheelbaseError):
    """A source archive or folder that the user named cannot be read."""


class MirrorError(WheelbaseError):
    """A distribution's package archive, or a mirror of one, cannot be read."""


class LockError(WheelbaseError):
    """What is to be built is not what the lock file of wheelbase says."""


class BaseError(WheelbaseError):
    """A base image is not known, or its facts contradict each other."""


def hide_credentials(text: str) -> str:
    """Return a URL, or a text with URLs in it, without the user names and passwords in them.

    User names go too, since tokens are often written in their place.
    """
    return _USERINFO.sub("", text)


def hide_secrets(text: str) -> str:
    """Return a command or what a program wrote without credentials in it: those of URLs, and values by their names."""
    return _SECRET.sub(lambda found: f"{found['name']}***", hide_credentials(text))
