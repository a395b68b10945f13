"""Files that are written whole or not at all."""

import os
import stat
from pathlib import Path

import pytest

from silicodec.models.storage import check_writable, check_writable_folder, written_whole


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


def test_mode_and_links_stay(tmp_path):
    private, link = tmp_path / "private", tmp_path / "link"
    private.write_text("old")
    private.chmod(0o600)
    link.symlink_to("private")
    write(link, "new")
    assert link.is_symlink()
    assert private.read_text() == "new"
    assert private.stat().st_mode & 0o777 == 0o600


def test_link_to_nothing_gets_its_target(tmp_path):
    (tmp_path / "link").symlink_to("made/later")
    write(tmp_path / "link", "text")
    assert (tmp_path / "made" / "later").read_text() == "text"


def test_pipe_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write(pipe, "text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert pipe.is_fifo()


def test_device_is_written_to(tmp_path):
    device = tmp_path / "null"
    try:
        os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        device.write_text("")
    except PermissionError:
        pytest.skip("only root makes devices")
    write(device, "text")
    assert device.is_char_device()


def test_folder_is_refused_before_the_work(tmp_path):
    with pytest.raises(IsADirectoryError):
        write(tmp_path, "text")


@pytest.mark.parametrize("path", ["/proc/x.json", "/proc/made/x.json"])
def test_place_that_takes_no_file_is_found_before_the_work(path):
    with pytest.raises(OSError, match="nothing can be written here"):
        check_writable(Path(path))


def test_check_leaves_no_trace(tmp_path):
    check_writable(tmp_path / "new" / "file")
    check_writable_folder(tmp_path / "new")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="nothing can be written here"):
        check_writable(tmp_path / "file" / "below")
