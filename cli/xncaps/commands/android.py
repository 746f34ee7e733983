"""`xncaps android`: packs a model into the camera app; installs and starts it by adb."""

from __future__ import annotations

import pathlib

import click

from xncaps_benchmark.modelfile import ModelFile


@click.group()
def android() -> None:
    """Build the camera app with a model, install it, start it."""


@android.command()
@click.option(
    "--model", "model_paths", required=True, type=ModelFile(), metavar="FILE|zoo:NAME",
    multiple=True,
    help="A .tflite file, as `xncaps convert` writes it, or one of the zoo.",
)  # fmt: skip
@click.option(
    "-o", "--out", required=True, type=click.Path(path_type=pathlib.Path), help="The APK."
)
@click.option("--label", help="The app's name on the home screen.")
@click.option(
    "--keystore", type=click.Path(path_type=pathlib.Path),
    help="Signs with its key (password: XNCAPS_KEYSTORE_PASSWORD); default: a debug key.",
)  # fmt: skip
@click.option(
    "--source", type=click.Path(path_type=pathlib.Path),
    help="A checkout of this project; default: the one this command runs from.",
)  # fmt: skip
@click.option("--no-verify", is_flag=True, help="Do not run the model first.")
def build(
    model_paths: tuple[pathlib.Path, ...],
    out: pathlib.Path,
    label: str | None,
    keystore: pathlib.Path | None,
    source: pathlib.Path | None,
    no_verify: bool,
) -> None:
    """Build a signed APK with one model, after running the model on what `verify` stored."""
    if len(model_paths) != 1:
        raise click.UsageError(
            f"expected one --model. Received: {len(model_paths)}; `python android_demo/tools/"
            "build.py apk` packs several."
        )
    from xncaps import apk

    (model_path,) = model_paths
    apk.check_out(out)
    checkout = apk.find_checkout(source)
    apk.check_model(checkout, model_path)
    if not no_verify:
        click.echo(_run_stored(model_path))
    for line in apk.build(checkout, model_path, out, label=label, keystore=keystore):
        click.echo(line)


def _run_stored(model_path: pathlib.Path) -> str:
    """Runs the file on the inputs that `verify` stored; a line that says how well it did."""
    from xncaps_converters import interpreters
    from xncaps_files import expected
    from xncaps_tf.errors import VerificationError

    stored_path = expected.path_beside(model_path)
    if stored_path is None:
        raise VerificationError(
            f"expected {expected.path_of(model_path)}, which `xncaps verify` and `xncaps convert` "
            "write, to check the model with. Received: no such file. --no-verify packs it "
            "unchecked."
        )
    stored = expected.read(stored_path)
    runtime, outputs = interpreters.run(model_path.read_bytes(), stored.inputs)
    found = expected.compare(stored.outputs, outputs, stored.tolerance)
    rows = len(outputs)
    if found.over > stored.allowed:
        raise VerificationError(
            f"{model_path.name} by {runtime}: expected at most {stored.allowed} of {rows} stored "
            f"outputs off by more than {stored.tolerance:g}. Received: {found.over}, the most by "
            f"{found.max_error:.3g}."
        )
    return f"checked: {rows} stored outputs by {runtime}, largest error {found.max_error:.1e}"


@android.command()
@click.argument("apk_path", metavar="APK", type=click.Path(path_type=pathlib.Path))
@click.option("-s", "--serial", help="Which device, where there are several.")
def install(apk_path: pathlib.Path, serial: str | None) -> None:
    """Install APK on the device that adb finds; data of an older version are kept."""
    from xncaps import apk

    click.echo(apk.install(apk_path, serial))


@android.command()
@click.argument("apk_path", metavar="APK", type=click.Path(path_type=pathlib.Path))
@click.option("-s", "--serial", help="Which device, where there are several.")
def run(apk_path: pathlib.Path, serial: str | None) -> None:
    """Install APK and start the app."""
    from xncaps import apk

    click.echo(apk.install(apk_path, serial))
    click.echo(apk.start(serial))
