"""A result as Python sees it: the records of `schema/result.schema.json`, key by key.

The schema is what counts, on files; a test holds these types to it. A class whose keys may be
missing stands behind one whose keys are always there (Python 3.10 has no `NotRequired`).
"""

from __future__ import annotations

from typing import Literal, TypedDict


class Tool(TypedDict):
    """What measured, and the commit of its sources."""

    name: str
    version: str
    commit: str | None


class Target(TypedDict):
    """Where it was measured; `name` is what a person calls it."""

    kind: Literal["local", "ssh", "adb"]
    name: str


class _Method(TypedDict):
    order: str
    seed: int
    runs: int
    seconds: float
    warm_up_seconds: float
    cooldown_seconds: float
    threads: int
    cpus: list[int]


class Method(_Method, total=False):
    """How it was measured."""

    rounds: int
    settle_runs: int
    warm_up_runs: int
    baseline: str | None
    tool: str
    block_runs: int
    minimum_runs: int
    minimum_seconds: float
    process: str
    memory: str
    channel: str


class _Machine(TypedDict):
    system: str
    cpu: str


class Machine(_Machine, total=False):
    """What does not change during a run."""

    os: str
    machine: str
    cpus: int
    virtual: bool
    memory_bytes: int
    python: str
    device: str
    build: str
    android: str
    runtimes: dict[str, str]


class State(TypedDict, total=False):
    """A machine's state at an instant; what cannot be read is left out."""

    load: list[float]
    governors: list[str]
    frequencies_khz: list[int]
    temperatures_c: dict[str, float]
    battery_percent: float
    battery_temperature_c: float
    battery_current_ma: float
    thermal_status: str
    thermal_headroom: float
    charging: bool


class Clocks(TypedDict):
    """The clocks of each cluster in the first and the last quarter of the run."""

    how: Literal["time in state", "sampled maximum"]
    first_khz: list[int]
    last_khz: list[int]


class _States(TypedDict):
    start: State
    end: State


class States(_States, total=False):
    """A machine's state over a run."""

    clocks: Clocks


class Parts(TypedDict):
    """What a target tells beside its models."""

    method: Method
    machine: Machine
    state: States


class Tensor(TypedDict):
    """An input or an output."""

    name: str
    shape: list[int]
    dtype: str


class _Runtime(TypedDict):
    name: str
    version: str
    timed: str


class Runtime(_Runtime, total=False):
    """What ran a file; `timed` says what one timed run holds."""

    details: dict[str, str]
    accelerator: str
    delegate_nodes: int | None


class _Verification(TypedDict):
    status: Literal["verified", "not verified", "failed"]
    reason: str
    rows: int


class Verification(_Verification, total=False):
    """Outputs against the stored ones."""

    max_error: float
    mean_error: float
    over_tolerance: int
    tolerance: float
    tolerated_share: float
    equal_top1: int
    source: str


class _Accuracy(TypedDict):
    rows: int
    correct: int
    confusion: list[list[int]] | None
    class_names: list[str]


class Accuracy(_Accuracy, total=False):
    """Right of so many images; a row of `confusion` is a true class."""

    source: str
    predictions_sha256: str


class Sample(TypedDict):
    """A stored picture and what the model said of it."""

    row: int
    png: str
    label: int
    predicted: int
    score: float


class _Latency(TypedDict):
    n: int
    min_us: float
    median_us: float
    mean_us: float
    std_us: float
    p90_us: float | None
    p99_us: float | None
    samples_us: list[float]
    turns: list[int]


class Latency(_Latency, total=False):
    """Times of a model in microseconds; `starts_s` in seconds since the first turn of all."""

    starts_s: list[float]


class _Drift(TypedDict):
    ratio: float | None
    slowed: bool


class Drift(_Drift, total=False):
    """The end of the run against its start."""

    low: float | None
    high: float | None


class _Memory(TypedDict):
    peak_bytes: int
    before_load_bytes: int


class Memory(_Memory, total=False):
    """The memory of a file; `note` where it is another measure than a process's own peak."""

    note: str


class _Agreement(TypedDict):
    rows: int
    equal: int


class Agreement(_Agreement, total=False):
    """Predictions here against those on the target."""

    data: str


class _ProfiledOp(TypedDict):
    op: str
    microseconds: float
    calls: int


class ProfiledOp(_ProfiledOp, total=False):
    """An op in the runtime's own profile."""

    name: str


class _SummaryAccuracy(TypedDict):
    data: str
    split: str
    images: int
    correct: int


class SummaryAccuracy(_SummaryAccuracy, total=False):
    """How often a trained model was right, or the file that was made of it."""

    of: Literal["model", "file"]


class SummaryTraining(TypedDict, total=False):
    """How it was trained."""

    seconds: float
    epochs: int
    seed: int


class _Summary(TypedDict):
    format: Literal["xncaps-summary"]
    format_version: Literal[1]


class Summary(_Summary, total=False):
    """FILE.summary.json: `schema/summary.schema.json`."""

    title: str
    backbone: str
    head: str
    note: str
    parameters: int
    trainable_parameters: int
    binary_parameters: int
    macs: int
    binary_macs: int
    bytes_trained: int
    bytes_packed: int
    accuracy: SummaryAccuracy
    training: SummaryTraining


class _Model(TypedDict):
    name: str
    bytes: int
    sha256: str
    status: Literal["ok", "partial", "failed"]
    error: str | None
    runtime: Runtime
    verification: Verification
    accuracy: Accuracy | None
    samples: list[Sample]
    latency: Latency | None
    valid: bool | None
    invalid_because: list[str]
    measured_seconds: float | None


class Model(_Model, total=False):
    """One file: what it is, whether it is right, how fast."""

    custom_ops: list[str]
    ops: int
    inputs: list[Tensor]
    outputs: list[Tensor]
    agreement: Agreement | None
    load_us: float
    first_run_us: float
    copy_us: float
    drift: Drift | None
    memory: Memory | None
    summary: Summary | None
    predictions: list[int]
    runtime_us: float | None
    profile: list[ProfiledOp]


class Interval(TypedDict):
    """How many times faster, with its interval; None: a format that did not say."""

    ratio: float
    low: float
    high: float
    confidence: float
    block_turns: int | None
    blocks: int | None
    narrow: bool | None


class Ratio(Interval):
    """A model against the baseline."""

    baseline: str
    model: str


class Result(TypedDict):
    """What `measure` gives and a result file holds."""

    format: Literal["xncaps-benchmark"]
    format_version: Literal[2]
    id: str
    created: str
    tool: Tool
    target: Target
    method: Method
    machine: Machine
    state: States
    models: list[Model]
    ratios: list[Ratio]
    complete: bool
    notes: list[str]
