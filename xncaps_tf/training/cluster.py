"""Strategies of tf.distribute: who computes what, and what all workers have to do together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from xncaps_tf._keras import tf
from xncaps_tf.errors import TrainingError
from xncaps_tf.training.config import TrainConfig
from xncaps_tf.training.task import Task
from xncaps_tf.training.watchdog import Watchdog


class Cluster:
    """The replicas of a training and this process's part in it.

    Args:
        config: its `strategy` is used.
        task: this process.
        advice: for the line that is printed when a worker is lost.
        arrival: seconds to wait for the other workers; None: the watchdog's own number.
    """

    def __init__(
        self, config: TrainConfig, task: Task, advice: str, arrival: float | None = None
    ) -> None:
        self.task = task
        self.strategy: Any = None
        self._watchdog: Watchdog | None = None
        self._advice = advice
        if config.strategy == "mirrored":
            gpus = tf.config.list_logical_devices("GPU")
            devices = gpus or tf.config.list_logical_devices("CPU")
            self.strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        elif config.strategy == "multi_worker":
            self._watchdog = Watchdog(task, advice, arrival)
            try:
                self._watchdog.start()
                self.strategy = tf.distribute.MultiWorkerMirroredStrategy()
                self._watchdog.cluster_is_up()
            except BaseException:
                self.close()
                raise

    @property
    def replicas(self) -> int:
        """Replicas of the model in all processes together."""
        return self.strategy.num_replicas_in_sync if self.strategy else 1

    @property
    def is_multi_worker(self) -> bool:
        return self._watchdog is not None

    def scope(self) -> Any:
        """Where variables of the trained model are made."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def distribute(self, shard: Callable[[int, int], Any]) -> Any:
        """A data set of global batches.

        Args:
            shard: (index, count) -> tf.data of that replica's slice of every global batch.
        """
        if self.strategy is None:
            return shard(0, 1)

        def of_worker(context: Any) -> Any:
            local = context.num_replicas_in_sync // context.num_input_pipelines
            first = context.input_pipeline_id * local
            parts = tuple(shard(first + i, context.num_replicas_in_sync) for i in range(local))
            if local == 1:
                return parts[0]
            # What follows one another in a worker's data set goes to its replicas one by one.
            return tf.data.Dataset.zip(parts).flat_map(_one_after_another)

        return self.strategy.distribute_datasets_from_function(of_worker)

    def sum(self, value: int) -> int:
        """The sum of every process's number; waits for all of them."""
        if not self.is_multi_worker:
            return value

        def of_replica(context: Any) -> Any:
            is_first = context.replica_id_in_sync_group == self._first(context)
            return tf.constant(value if is_first else 0, tf.int32)

        replica = self.strategy.experimental_distribute_values_from_function(of_replica)
        return int(self.strategy.reduce(tf.distribute.ReduceOp.SUM, replica, axis=None))

    def _first(self, context: Any) -> int:
        local = context.num_replicas_in_sync // self._processes
        return context.replica_id_in_sync_group // local * local

    @property
    def _processes(self) -> int:
        return len(self.task.chiefs) + len(self.task.workers)

    def agree(self, number: int, what: str) -> None:
        """Raises TrainingError unless every process has the same number; waits for all of them."""
        if self.sum(number) != number * (self._processes if self.is_multi_worker else 1):
            raise TrainingError(
                f"multi_worker: expected every worker to see the same run folder. Received: {what} "
                f"{number} in {self.task.name}, another one elsewhere; RUN must lie on a file "
                "system that all workers share."
            )

    def finish(self) -> None:
        """Waits for all workers, so that none takes another's end for its death."""
        if self._watchdog is None:
            return
        self.sum(1)
        self._watchdog.stop()
        # All is saved. This last meeting gives the slower worker time to read the sum above.
        with contextlib.suppress(tf.errors.OpError):
            self.sum(1)

    def close(self) -> None:
        """Ends the watch, however the training ended: it may not outlive it in a notebook."""
        if self._watchdog is not None:
            self._watchdog.stop()

    def lost(self, error: Exception) -> TrainingError:
        """An error of TensorFlow in a multi-worker training as a line for a person."""
        return TrainingError(
            f"{self.task.name}: another worker was lost, or failed ({type(error).__name__}); "
            f"{self._advice}"
        )


def _one_after_another(*parts: Any) -> Any:
    result = tf.data.Dataset.from_tensors(parts[0])
    for part in parts[1:]:
        result = result.concatenate(tf.data.Dataset.from_tensors(part))
    return result
