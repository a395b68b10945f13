"""Verilog as a user names it, engine's or anybody's, and a copy of it that every tool can read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

FRONT_ENDS = ("yosys", "slang")
_COMMENT_OR_TEXT = re.compile(r'//[^\n]*|/\*.*?\*/|"((?:[^"\\\n]|\\.)*)"', re.DOTALL)
_OPERATORS = (
    "<<<= >>>= === !== ==? !=? <<< >>> <<= >>= &&& <-> ->> ** && || <= >= == != << >> -> => *> +: -: ++ -- "
    "+= -= *= /= %= &= |= ^= ~& ~| ~^ ^~ :: ##"
)
_TOKEN = re.compile(
    rf"{_COMMENT_OR_TEXT.pattern}|\\(?:\n|\S+)|[\w$`]+|{'|'.join(map(re.escape, _OPERATORS.split()))}|\n|\S",
    re.DOTALL,
)
_DIRECTION = re.compile(r"/[/*]\s*(?:synopsys|synthesis|pragma)\b")
"""How a comment begins that tells synthesis something, such as where to leave code out."""
_NAME = re.compile(r"[A-Za-z_][\w$]*")
_BASED = re.compile(r"\d*'[sS]?([bodhBODH])([\da-fA-F_]+)")
_UNSAFE = re.compile(r"[^\w.-]")
_VERILOG = (".v", ".sv", ".vh", ".svh", ".h", ".inc")
"""Endings of files that may name further files, and whose text is brought to UTF-8 without a byte order mark."""
_BYTE_ORDER_MARK = "\ufeff"


class SourceError(ValueError):
    """Verilog that cannot be read as it was named; the message says which file or name and why."""


@dataclass(frozen=True)
class Source:
    """The Verilog of a design, and how it is to be read.

    Parameters
    ----------
    top : str
        The top module.
    files : tuple of Path
        Verilog or SystemVerilog files, in the order in which they are read.
    text : str
        Verilog that is in no file, read after them.
    include_folders : tuple of Path
        Where included files and data files are looked for, after the folder of the file that names them.
    defines : tuple of str
        Macros, each `NAME` or `NAME=VALUE`.
    parameters : tuple of (str, str)
        Values of the top module's parameters: an integer as Verilog writes it, or else a text.
    front_end : str
        `yosys`, which reads Verilog and a part of SystemVerilog, or `slang`, which reads all of it.

    Examples
    --------
    >>> Source("inverter", text="module inverter (input a, output y); assign y = ~a; endmodule").sha256[:8]
    'ba17c17a'
    """

    top: str
    files: tuple[Path, ...] = ()
    text: str = ""
    include_folders: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    front_end: str = "yosys"

    def check(self) -> None:
        """Raise SourceError if a name is none, or a file or folder is not there."""
        for name in (self.top, *(name for name, _ in self.parameters), *(d.partition("=")[0] for d in self.defines)):
            if not _NAME.fullmatch(name):
                kind = "a Verilog module" if name == self.top else "a Verilog parameter or macro"
                raise SourceError(f"{name!r} is not the name of {kind}")
        if self.front_end not in FRONT_ENDS:
            raise SourceError(f"front end {self.front_end!r}: known are {', '.join(FRONT_ENDS)}")
        for file in self.files:
            if not file.is_file():
                raise SourceError(f"{file}: no such Verilog file")
            if file.suffix not in (".v", ".sv"):
                raise SourceError(f"{file}: the name of a Verilog file ends in .v or .sv")
        for folder in self.include_folders:
            if not folder.is_dir():
                raise SourceError(f"{folder}: no such folder of included files")

    def read_files(self) -> dict[Path, set[str]]:
        """Find all files that the Verilog reads: sources, included files, and data such as that of `$readmemh`.

        Whatever is written in quotation marks and names a file counts, so a file may be among them that is not read.

        Returns
        -------
        dict of Path to set of str
            Absolute path of the file to the names by which files elsewhere call it.
        """
        found: dict[Path, set[str]] = {file.resolve(): set() for file in self.files}
        waiting = list(found)

        def find(names: Iterable[str], beside: Path | None) -> None:
            for name in names:
                for folder in (beside, *self.include_folders, Path.cwd()):
                    path = Path(os.path.normpath(folder.resolve() / name)) if folder else Path()
                    if _is_file(path):
                        if path not in found:
                            waiting.append(path)
                        found.setdefault(path, set()).update({name} if folder != beside else ())
                        break

        values = [value for _, value in self.parameters]
        find([*values, *(define.partition("=")[2].strip('"') for define in self.defines), *_quoted(self.text)], None)
        while waiting:
            file = waiting.pop(0)
            if file.suffix in _VERILOG:
                find(_quoted(read_text(file)), file.parent)
        return found

    @property
    def sha256(self) -> str:
        """Hash of all files in order, and of macros, parameters and front end where given.

        Comments and white space of Verilog do not count, but for comments that tell synthesis something.
        """
        digest = hashlib.sha256()
        for file in self.read_files():
            verilog = file.suffix in _VERILOG
            digest.update(" ".join(tokens(read_text(file))).encode() if verilog else file.read_bytes())
        digest.update(" ".join(tokens(self.text)).encode())
        options = (self.defines, self.parameters, self.front_end)
        if options != ((), (), "yosys"):
            digest.update(json.dumps(options).encode())
        return digest.hexdigest()

    def stage(self, folder: Path) -> Source:
        """Copy all that is read below `folder/source`, and return the copy's source, with paths relative to `folder`.

        Files lie relative to each other as they did. The copy's names have no spaces, and its Verilog is UTF-8 without
        byte order marks. `folder/source.json` holds the same for `read_staged`.

        Raises
        ------
        SourceError
            As `check` does.
        """
        self.check()
        found = self.read_files()
        folders = [path.resolve() for path in self.include_folders]
        root = Path(os.path.commonpath([*(path.parent for path in found), *folders])) if found or folders else Path()

        def place(path: Path) -> Path:
            return Path("source", *(_UNSAFE.sub("_", part) for part in path.relative_to(root).parts))

        for path, names in found.items():
            outside = (Path(name) for name in names)  # where a tool that works in `folder` looks for them
            for target in (place(path), *(name for name in outside if not {"..", "/"} & set(name.parts))):
                (folder / target).parent.mkdir(parents=True, exist_ok=True)
                if path.suffix in _VERILOG:
                    (folder / target).write_text(read_text(path))
                else:
                    (folder / target).write_bytes(path.read_bytes())
        files = [place(path.resolve()) for path in self.files]
        if self.text:
            files.append(Path("source", f"{self.top}.v"))
            (folder / "source").mkdir(exist_ok=True)
            (folder / files[-1]).write_text(self.text)
        staged = replace(self, files=tuple(files), text="", include_folders=tuple(map(place, folders)))
        (folder / "source.json").write_text(json.dumps(asdict(staged), default=str))
        return staged

    def yosys_commands(self) -> list[str]:
        """Return the commands by which Yosys reads a staged source and resolves its hierarchy."""
        options = [f"-I{folder}" for folder in self.include_folders] + [f"-D{define}" for define in self.defines]
        files = [str(file) for file in self.files]
        if self.front_end == "slang":
            values = [f"-G {name}={_literal(value)}" for name, value in self.parameters]
            commands = [" ".join(["read_slang --ignore-assertions", "--top", self.top, *values, *options, *files])]
        else:
            commands = [" ".join(["read_verilog -sv -noassert -noassume", *options, *files])]
            # `chparam` knows no negative numbers.
            values = [f"{name} {_literal(_two_complement(value))}" for name, value in self.parameters]
            commands += [f"chparam -set {value} {self.top}" for value in values]
        return [*commands, f"hierarchy -check -top {self.top}"]


def read_staged(folder: Path) -> Source:
    """Read the source that `Source.stage` left in a folder."""
    fields = json.loads((folder / "source.json").read_text())
    paths = {name: tuple(map(Path, fields[name])) for name in ("files", "include_folders")}
    parameters = tuple((name, value) for name, value in fields["parameters"])
    return Source(**{**fields, **paths, "defines": tuple(fields["defines"]), "parameters": parameters})


def read_text(file: Path) -> str:
    """Read a Verilog file that is in UTF-8 or, failing that, in Latin-1."""
    content = file.read_bytes()
    try:
        return content.decode().removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        return content.decode("latin-1")


def tokens(text: str) -> Iterator[str]:
    """Yield what Verilog is made of: words, operators, texts, the ends of lines that begin with a directive.

    Examples
    --------
    >>> list(tokens("assign y = a &  !b; // not both"))
    ['assign', 'y', '=', 'a', '&', '!', 'b', ';']
    """
    begins, directive = True, False
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "\n":
            if directive:
                yield token
            begins, directive = True, False
        elif not token.startswith(("//", "/*")) or _DIRECTION.match(token):
            if begins:
                directive = token.startswith("`")
            begins = False
            yield token


def parameter_value(text: str) -> int | str:
    """Turn the value of a parameter into the number that it is, if it is one."""
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    if number := _BASED.fullmatch(text):
        return int(number[2], {"b": 2, "o": 8, "d": 10, "h": 16}[number[1].lower()])
    return text


def _literal(value: str) -> str:
    """Write the value of a parameter as Verilog does."""
    return value if isinstance(parameter_value(value), int) else f'"{value}"'


def _two_complement(value: str) -> str:
    return f"32'd{int(value) % 2**32}" if value.startswith("-") and isinstance(parameter_value(value), int) else value


def _quoted(text: str) -> Iterator[str]:
    """Yield what is in quotation marks, outside comments."""
    return (match[1] for match in _COMMENT_OR_TEXT.finditer(text) if match[1])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long for one
        return False
