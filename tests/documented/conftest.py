"""The stand-ins that documented commands speak to."""

from adb_lab import lab  # noqa: F401 (fixture)
from ssh_lab import board, dist, sshd  # noqa: F401 (fixtures)
