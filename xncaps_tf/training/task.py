"""This process's place among the workers, from TF_CONFIG. No TensorFlow."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, TypedDict

from xncaps_tf.errors import TrainingError

_EXAMPLE = (
    '{"cluster": {"worker": ["host1:2222", "host2:2222"]}, "task": {"type": "worker", "index": 0}}'
)


class TaskFields(TypedDict):
    """The fields of a `Task`, as JSON brings them."""

    kind: str
    index: int
    chiefs: list[str]
    workers: list[str]


@dataclass(frozen=True)
class Task:
    """A worker of a multi-worker training, or the only process of another one.

    Attributes:
        kind: 'chief' or 'worker'.
        index: of this process in its kind.
        chiefs: addresses (host:port) of the chief, if the cluster names one.
        workers: addresses of the workers.
    """

    kind: str = "worker"
    index: int = 0
    chiefs: tuple[str, ...] = ()
    workers: tuple[str, ...] = ()

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run: the chief, or worker 0 where there is none."""
        return self.kind == "chief" or (not self.chiefs and self.index == 0)

    @property
    def name(self) -> str:
        """As people call it: 'worker 1'."""
        return f"{self.kind} {self.index}"

    def fields(self) -> TaskFields:
        """For JSON."""
        return {
            "kind": self.kind,
            "index": self.index,
            "chiefs": list(self.chiefs),
            "workers": list(self.workers),
        }

    @classmethod
    def of(cls, told: TaskFields) -> Task:
        """What `fields` gave."""
        return cls(told["kind"], told["index"], tuple(told["chiefs"]), tuple(told["workers"]))

    def peers(self) -> dict[str, tuple[str, str]]:
        """The other processes: name -> (TensorFlow's task name, address)."""
        addresses = {"chief": self.chiefs, "worker": self.workers}
        return {
            f"{kind} {index}": (f"/job:{kind}/replica:0/task:{index}", address)
            for kind, group in addresses.items()
            for index, address in enumerate(group)
            if (kind, index) != (self.kind, self.index)
        }

    @classmethod
    def from_environment(cls, strategy: str) -> Task:
        """The task that TF_CONFIG names, if the strategy is 'multi_worker'.

        Raises:
            TrainingError: TF_CONFIG is missing or not as TensorFlow wants it.
        """
        if strategy != "multi_worker":
            return cls()
        text = os.environ.get("TF_CONFIG", "")
        try:
            return cls._parse(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TrainingError(
                f"multi_worker: expected TF_CONFIG to be like {_EXAMPLE}. "
                f"Received: TF_CONFIG={text!r} ({type(error).__name__}: {error})."
            ) from error

    @classmethod
    def _parse(cls, document: Any) -> Task:
        cluster, task = document["cluster"], document["task"]
        kinds = {kind: tuple(map(str, cluster.get(kind, ()))) for kind in ("chief", "worker")}
        kind, index = task["type"], int(task["index"])
        if unknown := set(cluster) - set(kinds):
            raise ValueError(f"only chief and worker take part, not {', '.join(sorted(unknown))}")
        if not 0 <= index < len(kinds[kind]):
            raise ValueError(f"the cluster has no {kind} {index}")
        for address in (*kinds["chief"], *kinds["worker"]):
            host, _, port = address.rpartition(":")
            if not host or not 0 < int(port) < 65536:
                raise ValueError(f"{address!r} is not host:port")
        return cls(kind, index, kinds["chief"], kinds["worker"])
