"""Experiments of a few digits and an epoch, as files in a folder."""

from __future__ import annotations

import json
import pathlib
import shutil
from typing import Any

TINY: dict[str, Any] = {
    "epochs": 1,
    "batch_size": 20,
    "limit": 60,
    "data": "digits",
    "validation": 0.2,
}


def write(root: pathlib.Path, entries: list[dict[str, Any]], **changes: Any) -> pathlib.Path:
    """`root` with the experiments of `entries`, each of the head in its name's last word.

    Args:
        root: a new folder.
        entries: rows of index.json; title, table and hours are added.
        changes: of the config.
    """
    root.mkdir()
    rows = []
    for entry in entries:
        head = entry["name"].rpartition("-")[2]
        config = {**TINY, "head": head if head in ("xnodr", "dense") else "xnodr", **changes}
        (root / f"{entry['name']}.json").write_text(json.dumps(config))
        rows.append({"title": f"A {entry['name']}", "table": "scratch", "hours": 0.01, **entry})
    index = {"format_version": 1, "experiments": rows}
    (root / "index.json").write_text(json.dumps(index))
    (root / "peers.json").write_text('{"peers": []}')
    return root


def shrink(source: pathlib.Path, root: pathlib.Path) -> None:
    """The published experiments with their names, each of a few small pictures.

    Half of them are held out: a scale of the scores is fitted on right answers, and of ten pictures
    a network that has hardly been trained may have none right. On a trained trunk an epoch is
    enough; more make the answers so sure that int8 moves them far.
    """
    shutil.copytree(source, root)
    for path in root.glob("*.json"):
        config = json.loads(path.read_text("utf-8"))
        if "head" not in config:  # index.json and what else is no training
            continue
        is_trained = config.get("init") or config.get("weights")
        config |= {"epochs": 1 if is_trained else 3, "limit": 120, "batch_size": 10}
        if "validation" in config:
            config["validation"] = 0.5
        config["phases"] = [
            {**phase, "epochs": 1, **({"resolution": 64} if "resolution" in phase else {})}
            for phase in config.get("phases", [])
        ]
        path.write_text(json.dumps({k: v for k, v in config.items() if k != "phases" or v}))
