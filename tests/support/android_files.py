"""Who may read and write what on a phone: owner, group, mode and SELinux type, by API level.

A table of Android's rules as far as adb's shell, adbd and an app meet them, for a stand-in whose
files lie in a folder of ours. Sources: AOSP's system/sepolicy (shell.te, adbd.te, app.te:
`shell_data_file`, `app_data_file`), the storage guide (sdcardfs until API 29; from API 30 on
Android/data lies on the lower file system, group ext_data_rw), and what was seen on phones where an
app's external folder was pushed to: no right for adbd on Android 11, 'remote fchown failed', and
folders that the shell made which the app cannot enter (TIC-80 #2222, bundletool #196, #213, #243).
Where phones differ the stricter one is here.
"""

from __future__ import annotations

import errno
import os
import pathlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass

API_LEVELS = range(26, 37)
_ROOT, _SYSTEM, _SHELL, _APP = 0, 1000, 2000, 10_123
_SDCARD_RW, _EXT_DATA_RW = 1015, 1078


@dataclass(frozen=True)
class Who:
    """A process: its user, its groups and its SELinux domain."""

    uid: int
    domain: str

    def groups(self, api: int) -> frozenset[int]:
        if self.domain == "untrusted_app":
            return frozenset({_APP})
        groups = {_SHELL, _SDCARD_RW}
        # Android 11 gave the shell the group of apps' external folders; adbd had it one later.
        if api >= 31 or (api == 30 and self.domain == "shell"):
            groups.add(_EXT_DATA_RW)
        return frozenset(groups)


SHELL = Who(_SHELL, "shell")
ADBD = Who(_SHELL, "adbd")
APP = Who(_APP, "untrusted_app")

# (domain, type): what SELinux lets it do, from which API level to which.
_READ, _ALL = frozenset("r"), frozenset("rw")
_POLICY: tuple[tuple[str, str, frozenset[str], int, int], ...] = (
    ("shell", "shell_data_file", _ALL, 26, 36),
    ("adbd", "shell_data_file", _ALL, 26, 36),
    ("untrusted_app", "shell_data_file", _READ, 26, 36),  # neverallow: create, write
    ("untrusted_app", "app_data_file", _ALL, 26, 36),  # and nobody else, without run-as
    ("shell", "sdcardfs", _ALL, 26, 29),
    ("adbd", "sdcardfs", _ALL, 26, 29),
    ("untrusted_app", "sdcardfs", _ALL, 26, 29),
    ("shell", "media_rw_data_file", _ALL, 30, 36),
    ("adbd", "media_rw_data_file", _ALL, 31, 36),
    ("untrusted_app", "media_rw_data_file", _ALL, 30, 36),
)


@dataclass
class Node:
    """A file or folder."""

    owner: int
    group: int
    mode: int
    type: str


class Storage:
    """The files of one phone; an operation that Android refuses raises PermissionError."""

    def __init__(self, root: pathlib.Path, app: str, api: int) -> None:
        self.root, self.api = root, api
        self.external = f"/sdcard/Android/data/{app}"
        self._nodes: dict[str, Node] = {}
        card = "sdcardfs" if api < 30 else "media_rw_data_file"
        for path, node in (
            ("/", Node(_ROOT, _ROOT, 0o755, "rootfs")),
            ("/data", Node(_SYSTEM, _SYSTEM, 0o771, "system_data_file")),
            ("/data/local", Node(_ROOT, _ROOT, 0o751, "system_data_file")),
            ("/data/local/tmp", Node(_SHELL, _SHELL, 0o771, "shell_data_file")),
            ("/data/data", Node(_SYSTEM, _SYSTEM, 0o771, "system_data_file")),
            (f"/data/data/{app}", Node(_APP, _APP, 0o700, "app_data_file")),
            ("/sdcard", Node(_ROOT, _SDCARD_RW, 0o771, card)),
            ("/sdcard/Android", Node(_ROOT, _SDCARD_RW, 0o771, card)),
            ("/sdcard/Android/data", Node(_ROOT, _SDCARD_RW, 0o773, card)),
        ):
            self._nodes[path] = node
            self.place(path).mkdir(parents=True, exist_ok=True)

    def place(self, path: str) -> pathlib.Path:
        """Where a path of the phone lies here."""
        clean = pathlib.PurePosixPath(path)
        if ".." in clean.parts or not clean.is_absolute():
            raise ValueError(path)
        return self.root / str(clean).lstrip("/")

    def exists(self, path: str) -> bool:
        return path in self._nodes

    def node(self, path: str) -> Node:
        if path not in self._nodes:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._nodes[path]

    def make_folder(self, who: Who, path: str, mode: int = 0o777, parents: bool = False) -> None:
        """mkdir [-p] [-m MODE], with the umask of adb's shell for what is not given."""
        above = str(pathlib.PurePosixPath(path).parent)
        if parents and self.exists(path):
            return
        if parents and not self.exists(above):
            self.make_folder(who, above, mode, parents=True)
        if self.exists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        self._need(who, above, "w")
        self._nodes[path] = self._made(who, path, mode & ~0o022)
        self.place(path).mkdir()

    def write(self, who: Who, path: str, content: bytes, mode: int = 0o644) -> None:
        """Writes a file; adbd also gives it to the shell, which not every file system takes."""
        above = str(pathlib.PurePosixPath(path).parent)
        if self.exists(path):
            self._need(who, path, "w")
        else:
            self._need(who, above, "w")
            self._nodes[path] = self._made(who, path, mode)
        if who is ADBD and self._nodes[path].type == "media_rw_data_file" and self.api <= 31:
            raise PermissionError(errno.EPERM, "remote fchown failed: Operation not permitted")
        self.place(path).write_bytes(content)

    def read(self, who: Who, path: str) -> bytes:
        self._need(who, path, "r")
        return self.place(path).read_bytes()

    def change_mode(self, who: Who, path: str, mode: int) -> None:
        if self.node(path).owner != who.uid:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), path)
        self._nodes[path].mode = mode

    def remove(self, who: Who, path: str) -> None:
        """rm -rf: what is not there is no error."""
        if not self.exists(path):
            return
        self._need(who, str(pathlib.PurePosixPath(path).parent), "w")
        for name in [name for name in self._nodes if name == path or name.startswith(f"{path}/")]:
            del self._nodes[name]
        place = self.place(path)
        shutil.rmtree(place) if place.is_dir() else place.unlink()

    def files(self, under: str = "") -> list[str]:
        """Files that are there."""
        names: Iterable[str] = self._nodes
        return sorted(n for n in names if n.startswith(under) and self.place(n).is_file())

    def _made(self, who: Who, path: str, mode: int) -> Node:
        """What a new file belongs to."""
        if path.startswith("/sdcard/"):
            inside = path == self.external or path.startswith(f"{self.external}/")
            if self.api < 30:  # sdcardfs derives owner and mode from the path, whoever makes it
                owner = _APP if inside else _ROOT
                return Node(owner, _SDCARD_RW, 0o770, "sdcardfs")
            return Node(who.uid, _EXT_DATA_RW, mode & 0o770, "media_rw_data_file")
        above = self.node(str(pathlib.PurePosixPath(path).parent))
        return Node(who.uid, who.uid, mode, above.type)

    def _need(self, who: Who, path: str, what: str) -> None:
        """Raises PermissionError where mode or policy are against it."""
        node = self.node(path)
        parents = pathlib.PurePosixPath(path).parents
        allowed = all(self._mode_allows(who, self.node(str(above)), 1) for above in parents)
        bits = {"r": 4, "w": 2}[what]
        if self.place(path).is_dir():
            bits |= 1
        if not (allowed and self._mode_allows(who, node, bits) and self._policy(who, node, what)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    def _mode_allows(self, who: Who, node: Node, bits: int) -> bool:
        if node.owner == who.uid:
            given = node.mode >> 6
        elif node.group in who.groups(self.api):
            given = node.mode >> 3
        else:
            given = node.mode
        return given & bits == bits

    def _policy(self, who: Who, node: Node, what: str) -> bool:
        return any(
            (who.domain, node.type) == (domain, kind) and what in may and first <= self.api <= last
            for domain, kind, may, first, last in _POLICY
        )
