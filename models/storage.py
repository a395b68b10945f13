"""Where data, caches and results lie on disk, and how they get there whole."""

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from filecmp import cmp
from pathlib import Path
from typing import BinaryIO


def data_file(name: str) -> Path:
    """Find a file or folder in the folder of weights and data sets, ``SILICODEC_DATA``.

    Raises
    ------
    FileNotFoundError
        When the variable is not set, or nothing of that name is in the folder.
    """
    folder = os.environ.get("SILICODEC_DATA")
    if not folder:
        raise FileNotFoundError(f"set SILICODEC_DATA to the folder that holds {name}")
    path = Path(folder, name)
    if not path.exists():
        raise FileNotFoundError(f"there is no {name} in SILICODEC_DATA ({folder})")
    return path


def cache_folder() -> Path:
    """Folder for what is computed once: ``SILICODEC_CACHE``, else ``silicodec`` in the user's cache folder (XDG)."""
    if folder := os.environ.get("SILICODEC_CACHE"):
        return Path(folder)
    user_cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(user_cache) if user_cache else Path.home() / ".cache") / "silicodec"


@dataclass(frozen=True)
class CacheEntry:
    """A file or folder that this package keeps in its cache."""

    path: Path

    @property
    def size(self) -> int:
        """Bytes of the file, or of all files in the folder."""
        files = self.path.rglob("*") if self.path.is_dir() else [self.path]
        return sum(file.lstat().st_size for file in files if not file.is_dir())

    @property
    def abandoned(self) -> bool:
        """Whether it is half of something, whose process has gone."""
        match = _TEMPORARY.fullmatch(self.path.name)
        return match is not None and not Path("/proc", match["process"]).exists()

    def remove(self) -> None:
        """Remove it, if it is still there."""
        if self.path.is_dir():
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            self.path.unlink(missing_ok=True)


_TEMPORARY = re.compile(r"\..+[-.](?P<process>\d+)(-\w{8}|\.\w+)")
_KEPT = re.compile(r".+-[0-9a-f]{24}|.+-v\d+\b.*\.(pt|npz)")


def cache_entries() -> list[CacheEntry]:
    """List what this package keeps in its cache, and no other files that may be in the same folder."""
    folder = cache_folder()
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [CacheEntry(path) for path in paths if _KEPT.fullmatch(path.name) or _TEMPORARY.fullmatch(path.name)]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to, and put what was written at `path` when the block ends without an error.

    A regular file is replaced in one step, by renaming: it keeps its mode, links to it are followed, and one that would
    not change stays as it is, with its time. What must not be replaced (a device, a pipe, standard output, a file in
    a folder that takes no other) is written to.

    Parameters
    ----------
    path : Path
        Where it belongs; its folder is made when missing.

    Yields
    ------
    Path
        Temporary name with the same suffix; removed when the block raises.

    Raises
    ------
    OSError
        If nothing can be written there, before the block is entered where that can be told.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not _is_replaceable(path):
        with tempfile.TemporaryDirectory(prefix="silicodec-") as folder:
            temporary = Path(folder, path.name)
            yield temporary
            with temporary.open("rb") as source, _opened(path) as target:
                shutil.copyfileobj(source, target)
        return
    path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        if not path.is_file() or not cmp(temporary, path, shallow=False):
            if path.is_file():
                shutil.copymode(path, temporary)
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Check, without leaving a trace, that a file can be put at `path`: before work whose result goes there.

    Raises
    ------
    OSError
        If not, with the name of what stands in the way.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if _is_replaceable(path):
        check_writable_folder(Path(os.path.realpath(path)).parent)
    elif not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def check_writable_folder(folder: Path) -> None:
    """Check, without leaving a trace, that files can be put into a folder, or that it can be made; raises OSError."""
    while not folder.exists():
        folder = folder.parent
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise type(error)(error.errno, f"nothing can be written here: {error.strerror}", str(folder)) from None


def is_standard_output(path: Path) -> bool:
    """Whether this is where standard output goes."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:
        return False


def _is_replaceable(path: Path) -> bool:
    """Whether this is a regular file, or nothing yet, that another may be renamed to."""
    if not path.exists():
        return True
    return path.is_file() and not is_standard_output(path) and os.access(Path(os.path.realpath(path)).parent, os.W_OK)


def _opened(path: Path) -> BinaryIO:
    if not is_standard_output(path):
        return path.open("wb")
    sys.stdout.flush()
    return os.fdopen(os.dup(1), "wb")  # opened anew it would start again at its beginning where it is a file
