"""What a build leaves out of its context: the .dockerignore that goes with a Dockerfile. Pure."""

_BLOCKS = {
    "What a build needs no copy of.": ".git .hg .svn .dockerignore Dockerfile*",
    "Environments and caches: they are of this machine.": (
        ".venv venv **/__pycache__ **/*.py[co] **/.tox **/.nox **/.mypy_cache **/.pytest_cache **/.ruff_cache "
        "**/.hypothesis **/node_modules **/*.egg-info"
    ),
    "What may hold secrets; a line like !.env.test brings one back.": (
        "**/.env **/.env.* !**/.env.example !**/.env.sample !**/.env.template !**/.env.dist **/.netrc **/_netrc "
        "**/.pypirc **/.git-credentials **/.ssh **/.aws **/.docker/config.json **/id_rsa **/id_dsa **/id_ecdsa "
        "**/id_ed25519 **/*.key"
    ),
}


def dockerignore(*, keep_git: bool = False) -> str:
    """Return the text of a .dockerignore; with `keep_git` the history stays, of which a build reads the version."""
    listed = {why: [one for one in text.split() if one != ".git" or not keep_git] for why, text in _BLOCKS.items()}
    blocks = ["\n".join([f"# {why}", *patterns]) for why, patterns in listed.items()]
    return "\n\n".join(blocks) + "\n"
