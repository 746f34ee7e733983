"""How the tests run each command that a page shows, and which they cannot run, and why.

The one place of such rules. A command without a rule fails test_commands.py, and so does a rule
without a command. The first rule whose expression a command begins with holds for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

EPOCH = "--epochs 1 --limit 60 --batch-size 20"
SHORT = "--runs 64 --seconds 0.2 --warm-up 0 --cooldown 0"


@dataclass(frozen=True)
class Rule:
    """A way to run a command.

    Attributes:
        command: a regular expression; what it matches at the beginning of has this rule.
        small: options put behind it, which make it small.
        slow: of `make test-all`; else of `make test`.
        place: a folder of the reader's own ('page'), a copy of the checkout ('copy', of what
            writes into sources), or the checkout itself ('tree', of builds that are kept there).
        needs: the stand-in that it speaks to, experiments small enough to be
            run, those and a Ray cluster, or a built wheel.
        instead: what stands on the page (a regular expression) -> what is run.
        settings: of the environment.
        codes: exit codes that are good; what a bench gives where a goal is missed is one of them.
        makes: files that are there afterwards, besides those that its words name (-o, --out).
        says: a regular expression that is found in what it prints.
        apart: `xncaps` in a process of its own.
    """

    command: str
    small: str = ""
    slow: bool = False
    place: Literal["page", "copy", "tree"] = "page"
    needs: Literal["", "phone", "board", "experiments", "cluster", "wheel"] = ""
    instead: Mapping[str, str] = field(default_factory=dict[str, str])
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    codes: tuple[int, ...] = (0,)
    makes: tuple[str, ...] = ()
    says: str = ""
    apart: bool = False


def _slow(command: str, small: str = "", **more: Any) -> Rule:
    return Rule(command, small, slow=True, **more)


RUN = (
    # Training and what follows on it.
    Rule(r"xncaps --help$|xncaps train --help$", says=r"Usage: xncaps"),
    Rule(r"xncaps info$", says="tensorflow"),
    _slow(r"export TF_CONFIG=", instead={r'"host1:2222", "host2:2222"': '"127.0.0.1:{port}"'}),
    _slow(r"xncaps train --strategy multi_worker", EPOCH, apart=True),
    _slow(
        r"xncaps train .*--phase", "--limit 12 --batch-size 4", instead={r"epochs=\d+": "epochs=1"}
    ),
    Rule(r"xncaps train .*--out runs/photos", "--epochs 1 --limit 16 --batch-size 8"),
    _slow(r"xncaps train .*--weights imagenet", "--epochs 1 --limit 16 --batch-size 8"),
    _slow(r"xncaps train .*--teacher", EPOCH),
    _slow(r"/usr/bin/time -v xncaps train", "--limit 12 --batch-size 4", instead={r"^\S+ -v ": ""}),
    Rule(r"/usr/bin/time -v xncaps verify", instead={r"^\S+ -v ": ""}, says="verified"),
    Rule(r"xncaps train --resume"),
    Rule(r"xncaps train .*--data grocery", "--epochs 1 --limit 8 --batch-size 4"),
    Rule(r"xncaps train ", EPOCH),
    Rule(r"xncaps evaluate ", says=r"images\): [01]\.\d+"),
    Rule(r"xncaps predict ", says=r"\d"),
    Rule(r"xncaps summary ", says=r"parameters"),
    # Converting.
    _slow(r"xncaps convert demo_out/", place="copy"),
    Rule(r"xncaps convert ", "--samples 40"),
    Rule(r"xncaps verify .*--layers", says=r"layer"),
    Rule(r"xncaps verify ", "--samples 40", says="verified"),
    Rule(r"xncaps inspect ", says=r"bytes"),
    Rule(r"xncaps fuse "),
    # Measuring.
    # Slow, so that no other test looks meanwhile at what is left on the board: this machine.
    _slow(
        r"xncaps bench .*--target ssh:",
        f"{SHORT} --wheels {{wheels}} --known-hosts {{known}} --identity {{key}} "
        "--python {python}",
        needs="board",
        instead={r"pi@board": "{board}"},
    ),
    Rule(r"xncaps bench .*--target adb", SHORT, needs="phone"),
    Rule(r"(xncaps bench|xncaps-benchmark (?!report)|python -m xncaps_benchmark) ?", SHORT),
    _slow(r"xncaps report .*pi.json"),
    Rule(r"(xncaps|xncaps-benchmark) report "),
    _slow(r"make board-result", settings={"BOARD_PYTHON": "{python}"}, place="copy"),
    # The zoo and the runtime.
    Rule(r"xncaps zoo (list|show)", says="mnist-cnn-xnodr"),
    Rule(r"xncaps zoo copy", makes=("my_models/mnist-cnn-xnodr.tflite",)),
    Rule(r"xncaps reproduce --list", says=r"mnist-cnn-xnodr +[\d.]+ h  not run"),
    Rule(r"xncaps reproduce --page", makes=("results.md",)),
    _slow(
        r"xncaps reproduce .*--results lines.jsonl",
        needs="experiments",
        makes=("again/mnist-cnn-xnodr/seed-1/run", "lines.jsonl"),
        says=r"\[2/2\]",
    ),
    _slow(
        r"xncaps reproduce all --ray local",
        "--out of_all --seeds 1",
        needs="experiments",
        instead={" all ": " mnist-cnn-xnodr "},
        makes=("of_all/results.jsonl",),
        says="seed 0: done",
    ),
    _slow(
        r"xncaps reproduce all --ray auto",
        "--seeds 1",
        needs="cluster",
        instead={" all ": " mnist-cnn-xnodr ", "auto": "127.0.0.1:{port}", "SHARED/data": "DATA"},
        makes=("SHARED/runs/results.jsonl",),
        says="seed 0: done",
    ),
    _slow(
        r"xncaps reproduce ",
        needs="experiments",
        instead={r"NAME$": "mnist-cnn-xnodr --data-dir DATA"},
        makes=("experiments_out/results.jsonl",),
    ),
    _slow(r"xncaps zoo make ", needs="experiments", says=r"zoo/"),
    Rule(r"python -m xncaps_runtime info", says="isa|kernels"),
    Rule(r"python -m xncaps_runtime predict", says=r"\d"),
    _slow(
        r"python -m xncaps_tf.data.multi_mnist",
        "--data_dir prepared --max_examples_per_split 20",
        makes=("prepared/multi_mnist",),
    ),
    # The app.
    _slow(r"xncaps android build --model (photos|zoo:)"),
    Rule(r"xncaps android build"),
    Rule(r"xncaps android run", needs="phone", says="started"),
    _slow(
        r"make apk RUNTIME=",
        place="tree",
        instead={"=FILE": "={page}/FILE"},
        codes=(2,),
        says="expected segments of 16384 bytes",  # what the page says of the AAR that is at hand
    ),
    _slow(
        r"make apk",
        "APK={page}/made.apk",
        place="tree",
        instead={r"=FILE": "={page}/FILE"},
        makes=("made.apk",),
    ),
    _slow(
        r"python3 android_demo/tools/build.py apk",
        "-o {page}/several.apk",
        place="tree",
        instead={r"--model ([AB])": r"--model {page}/\1"},
        makes=("several.apk",),
    ),
    _slow(r"make aar", place="tree", says=r"aar: .*\.aar"),
    _slow(
        r"make android-test PICTURES",
        "LIFECYCLES=20",  # memory is noted ten times
        place="tree",
        instead={"=FOLDER": "={page}/FOLDER"},
    ),
    _slow(
        r"python3 android_demo/tools/build.py test-resources",
        place="tree",
        instead={"--model ([AB])": r"--model {page}/\1"},
        says="resources: ",
    ),
    _slow(
        r"mvn -f android_demo test",
        "-B -ntp",
        place="tree",
        instead={r"\$PWD/FOLDER": "{page}/FOLDER"},
        says="BUILD SUCCESS",
    ),
    _slow(r"make android-model", place="copy", says=r"digits"),
    # The native runtime.
    _slow(r"cmake -S|build/example/delegate", place="copy"),
    _slow(r"cmake --(build|install)", place="copy"),
    _slow(
        r"native/build/asan/fuzz/fuzz_delegate",
        place="tree",
        instead={"^": "make -s native-asan && ", "COUNT": "2000"},
    ),
    _slow(
        r"native/build/fuzz/fuzz/fuzz_delegate",
        place="tree",
        instead={
            "^": "make -s native-fuzz-build && mkdir {page}/new && ",
            "NEW_FOLDER": "{page}/new",
            "OLD_FOLDER": "native/fuzz/corpus",
        },
        says="MERGE-OUTER",
    ),
    _slow(
        r"(XNCAPS_EXP_STEP=1 )?native/build/native/test/",
        place="tree",
        instead={"^": "make -s native-build && ", "STEP=1 ": "STEP=1009 "},
        says="PASSED",
    ),
    _slow(
        r"native/build/native/bench/caps_bench",
        "--benchmark_min_time=0.01",
        place="tree",
        instead={"^": "make -s native-build && "},
        says="bound/",
    ),
    _slow(r"make fuzz", "FUZZ_RUNS=20000 FUZZ_FILES=100", place="tree", says="Done"),
    _slow(r"make arm-count", place="copy"),
    _slow(r"make bench-native", place="copy", says="CompiledModel"),
    _slow(
        r"python native/bench/bench_native.py",
        '--only "XnCapsOdr N128 J10"',
        place="copy",
        says=r"XnCapsOdr N128 J10.* us .* x",
    ),
    _slow(
        r"XNCAPS_ISA=\w+ python native/bench/bench_lce.py",
        "--turns 1",
        place="copy",
        says="whole quicknet",
    ),
    _slow(
        r"python native/bench/bench_threads.py",
        "--only 14x14x256",
        place="copy",
        says="second core idle",
    ),
    _slow(r"python native/bench/bench_compiled.py", place="copy", says="times as long"),
    _slow(
        r"python native/bench/bench_builds.py",
        "--isa avx2",
        place="copy",
        needs="wheel",
        instead={"WHEEL": "{wheel}"},
        says="median of the rows",
    ),
    _slow(
        r"python native/bench/bench_networks.py",
        "--only quicknet_medium --turns 1",
        place="copy",
        says="quicknet_medium: ",
    ),
    # Examples, and benches of the rest.
    _slow(r"python examples/board.py", place="copy", says="ms a picture"),
    _slow(r"python examples/photos_to_apk.py", place="copy", makes=("out/app/photos.tflite",)),
    _slow(r"python examples/own_network.py", place="copy", makes=("out/own/own_network.tflite",)),
    _slow(
        r"python examples/distillation.py", "3", place="copy", makes=("out/taught/student.tflite",)
    ),
    _slow(
        r"python bench/photos.py",
        "--classes 2 --pictures 10 --epochs 2",
        place="copy",
        codes=(0, 1),
        says="in all",
    ),
    _slow(r"python bench/layer_step.py", "--runs 1", place="copy", codes=(0, 1), says="promised"),
    _slow(r"python bench/convert.py", "--runs 1", place="copy", codes=(0, 1), says="median ratio"),
    Rule(r"python bench/import_cost.py", "--rounds 1", place="copy", says="`import xncaps_tf`"),
    _slow(
        r"python bench/none_of_these.py",
        "mnist-cnn-xnodr",
        place="copy",
        instead={"DATA": "{page}/DATA"},
        says="entropy of the shares",
    ),
    _slow(r"make bench$", place="copy", codes=(0, 2), says="last batch"),
    # The checkout.
    Rule(r"make help", place="copy", says="make test|lint"),
    Rule(r"make setup|source .venv/bin/activate", place="copy"),
    _slow(r"make demo$", place="copy", makes=("demo_out/index.html",)),
    _slow(
        r"make demo DATA=",
        place="copy",
        instead={"=FOLDER": "={page}/FOLDER"},
        makes=("demo_out/mnist/index.html",),
    ),
    Rule(r"make results", place="copy"),
    _slow(
        r"pip install \./",
        "--no-deps --no-index --no-build-isolation --target installed",
        place="copy",
        makes=("installed/xncaps_files",),
    ),
    Rule(
        r"sha256sum -c", instead={"^": "cd {tree}/tests/golden/layers && "}, says="xnodr_0.npz: OK"
    ),
)

# The beginning of a command -> why it is not run.
NOT_RUN = {
    r"make test(-all)?$": "it is what runs this test",
    r"make test-matrix$": "installs another TensorFlow from an index; run before a release",
    r"make dist$": "installs what each wheel declares from an index; run before a release",
    r"pip install (?!\./)": "asks an index; that distribution and extra exist is checked",
    r"git clone |cd xncaps$": "asks GitHub",
    r"tfds build ": "needs apache-beam, as the page says; the command below it does the same",
    r"tensorboard ": "TensorFlow 2.21 brings none; tests/training reads the event files",
    r"mvn install:install-file ": "asks Maven Central for its plugin; make aar is run",
    r"gradle wrapper ": "needs Gradle 8.9 and the Android SDK; android_demo/tools builds without",
    r"ray st(art|op)": "outlives the test, or ends all of Ray that runs here; the cluster that "
    "is spoken to is started by the page's first line, but for its port",
    r"adb forward ": "needs a phone; tests/benchmark/test_adb.py has the client do it",
    r"(am \S+|content read)( |$)": "of a phone's shell; tests/benchmark/test_adb.py has it told so",
}


def rule_of(command: str) -> Rule | None:
    """The way to run a command."""
    return next((rule for rule in RUN if re.match(rule.command, command)), None)


def reason_of(command: str) -> str | None:
    """Why a command is not run."""
    return next((why for words, why in NOT_RUN.items() if re.match(words, command)), None)
