"""A card as Markdown, for people; the JSON is what counts."""

from __future__ import annotations

from xncaps_zoo.card_types import Card, Score


def markdown(card: Card) -> str:
    """The card as a page."""
    data, scores, latency = card["data"], card["scores"], card["latency"]
    height, width, channels = card["input"]
    lines = [
        f"# {card['name']}",
        "",
        f"{card['title']}. {card['description']}",
        "",
        "| | |",
        "| --- | --- |",
        f"| data | {data['title']}, {data['licence']}; {data['source']} |",
        f"| input | {height} x {width} x {channels}, pixels 0 to 255 |",
        f"| classes | {card['classes']} |",
        f"| right, Keras | {_score(card['accuracy']['keras'])} |",
        f"| right, this file | {_score(card['accuracy']['file'])} |",
    ]
    if "coarse" in card["accuracy"]:
        lines.append(f"| right, Keras, coarse classes | {_score(card['accuracy']['coarse'])} |")
    lines += [
        f"| best classes | {_classes(card['best_classes'])} |",
        f"| worst classes | {_classes(card['worst_classes'])} |",
        f"| size | {card['file']['bytes']:,} bytes |",
        f"| MACs | {card['macs'] / 1e6:.1f} million, of them {card['binary_macs'] / 1e6:.2f} "
        "million of one bit |",
        f"| 'none of these' | a share below {scores['threshold']:g} (temperature "
        f"{scores['temperature']:g}): {scores['right_kept']:.1%} of the right answers on the test "
        f"split are kept, {scores['foreign_accepted']:.1%} of the test split of "
        f"{scores['foreign']} are taken for a class |",
        "",
        f"Times on {latency['machine']}, {_threads(latency['threads'])}, measured in turns:",
        "",
        "| file | median | p90 | size |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['what']} | {row['median_us'] / 1000:.2f} ms | {row['p90_us'] / 1000:.2f} ms "
        f"| {row['bytes'] / 1000:,.0f} KB |"
        for row in latency["rows"]
    ]
    lines += ["", "Not for:", "", *(f"- {text}" for text in card["not_for"]), "", "Made by:", ""]
    lines += [f"    {command}" for command in card["experiment"]["commands"]]
    lines += ["", f"SHA-256 `{card['file']['sha256']}`", ""]
    return "\n".join(lines)


def _threads(count: int) -> str:
    return "one thread" if count == 1 else f"{count} threads"


def _score(score: Score) -> str:
    low, high = score["interval"]
    return (
        f"{100 * score['accuracy']:.2f} % of {score['images']:,} test images "
        f"({100 * low:.2f} to {100 * high:.2f})"
    )


def _classes(classes: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * share:.0f} %" for name, share in classes.items())
