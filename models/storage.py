"""Where data, caches and results lie on disk, and how they get there whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from filecmp import cmp
from pathlib import Path


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


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name to write to, and rename it to `path` when the block ends without an error.

    A file that would not change stays as it is, with its time.

    Parameters
    ----------
    path : Path
        Final name; its folder is made when missing.

    Yields
    ------
    Path
        Temporary name in the same folder and with the same suffix; removed when the block raises.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        if not path.is_file() or not cmp(temporary, path, shallow=False):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
