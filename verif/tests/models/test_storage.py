"""Files that are written whole or not at all."""

import pytest

from silicodec.models.storage import written_whole


def write(path, text):
    """Write a text file whole."""
    with written_whole(path) as temporary:
        temporary.write_text(text)


def test_a_file_that_would_not_change_keeps_its_time(tmp_path):
    path = tmp_path / "made" / "file.txt"
    write(path, "one")
    first = path.stat()
    write(path, "one")
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (first.st_mtime_ns, first.st_ino)
    write(path, "two")
    assert path.read_text() == "two"
    assert path.stat().st_ino != first.st_ino
    assert list(path.parent.iterdir()) == [path]


def fail_to_write(path):
    """Write half of a text file."""
    with written_whole(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("disturbed")


def test_an_error_leaves_what_was_there(tmp_path):
    path = tmp_path / "file.txt"
    write(path, "one")
    with pytest.raises(RuntimeError, match="disturbed"):
        fail_to_write(path)
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]
