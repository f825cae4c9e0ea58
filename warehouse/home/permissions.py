"""Who may read what of a home: all of it its owner alone, and what is published also others, where the settings say so.

`[storage] share` names who: nobody, the group that the files belong to, or everyone. The way to the published files is then
open too, without a list of what else lies there: names of published files are known, other folders stay closed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

SHARES = ("nobody", "group", "everyone")
READ = {"nobody": 0, "group": 0o040, "everyone": 0o044}
PASS = {"nobody": 0, "group": 0o010, "everyone": 0o011}
OWN_FILE, OWN_FOLDER, OWN_UMASK = 0o600, 0o700, 0o077
PUBLISHED = ("parquet", "publications", "reports")  # folders; the database is named by its home
PRIVATE = ("raw", "release_archive", "outbox", "prefect", ".store")
PRIVATE_FILES = (
    "ledger.duckdb*", "state*.sqlite*", "*.lock", "prefect-login", "prefect-server.log", "settings.toml", "routing.toml",
)  # fmt: skip

_users_umask: int | None = None


def keep_private() -> None:
    """From here on files that this process makes, and those that it starts, are readable by their owner alone."""
    global _users_umask
    before = os.umask(OWN_UMASK)
    if _users_umask is None:
        _users_umask = before


def users_file_mode() -> int:
    """The mode of a file that a user names outside of the home: by the umask that the user has."""
    return 0o666 & ~_umask()


def make_users_folder(folder: Path) -> None:
    """Make a folder that a user names outside of the home, and those above it, by the umask that the user has."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        made.chmod(0o777 & ~_umask())


def _umask() -> int:
    if _users_umask is not None:
        return _users_umask
    umask = os.umask(OWN_UMASK)
    os.umask(umask)
    return umask


def published_file_mode(share: str) -> int:
    """The mode of a published file."""
    return OWN_FILE | READ[share]


def settle(root: Path, share: str, *, publishing: bool = False) -> None:
    """Give the home's folder, and all that is known to lie in it, the modes that they should have, where it is not so yet.

    Only when `publishing` is the way opened to more users than before: what lies there until then may name recipients.
    A folder that has other things in it and nothing of a home is left as it is, and so is what belongs to another user.
    """
    wanted = OWN_FOLDER | PASS[share]
    found = root.stat().st_mode
    if found & 0o777 == wanted or found & stat.S_ISVTX or not _is_home(root):
        return
    if wanted & ~found & 0o077 and not publishing:
        return
    for name in PRIVATE:
        for path in _below(root / name):
            _change(path, OWN_FOLDER if path.is_dir() and not path.is_symlink() else OWN_FILE)
    for pattern in PRIVATE_FILES:
        for path in root.glob(pattern):
            _change(path, OWN_FILE)
    settle_published(root, share)
    _change(root, wanted)


def opens(root: Path, share: str) -> bool:
    """Whether the settings share with more users than the home is open to."""
    return bool((OWN_FOLDER | PASS[share]) & ~root.stat().st_mode & 0o077)


def settle_published(root: Path, share: str) -> None:
    """Give the published files and their folders the modes that `share` asks for."""
    file, folder = published_file_mode(share), OWN_FOLDER | READ[share] | PASS[share]
    for name in PUBLISHED:
        for path in _below(root / name):
            _change(path, folder if path.is_dir() else file)
    for path in (*root.glob("treasury.duckdb"), *root.glob("current.json")):
        _change(path, file)


def whose(path: Path) -> str:
    """Who owns the nearest part of the path that this user can see, and who this user is; empty where that says nothing."""
    for place in (path, *path.parents):
        try:
            facts = place.stat()
        except OSError:
            continue
        me = os.geteuid() if hasattr(os, "geteuid") else None
        if me is None or facts.st_uid == me:
            return ""
        return f"{place} belongs to {_user(facts.st_uid)} (mode {stat.S_IMODE(facts.st_mode):04o}), this is {_user(me)}"
    return ""


def _user(number: int) -> str:
    try:
        import pwd

        return f"user {pwd.getpwuid(number).pw_name}"
    except (ImportError, KeyError):
        return f"user {number}"


def _is_home(root: Path) -> bool:
    """Whether the folder is a home, or empty."""
    names = {path.name for path in root.iterdir()}
    return not names or bool(names & {"state.sqlite", "ledger.duckdb", "treasury.duckdb", "settings.toml", "raw"})


def _below(folder: Path) -> Iterator[Path]:
    """The folder and everything below it; what vanishes meanwhile is passed over."""
    if folder.is_dir():
        yield folder
        yield from folder.rglob("*")


def _change(path: Path, mode: int) -> None:
    """Set the mode where it is another and the file is one's own; a folder's own group for new files stays."""
    with suppress(OSError):
        found = path.lstat().st_mode
        if stat.S_ISLNK(found) or found & 0o777 == mode:
            return
        path.chmod(mode | (found & stat.S_ISGID))
