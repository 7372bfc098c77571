"""infra/grafana: what the dashboard shows is there."""

import json
import re
from pathlib import Path

from observing import promql

DASHBOARD = Path("infra/grafana/hookwire.json")


def expressions(value):
    """Every query, also those of variables and annotations, with the title of where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "expr":
                yield inner
            elif key == "query" and isinstance(inner, str) and (found := re.fullmatch(r"label_values\((.*), (\w+)\)", inner)):
                # The variable's values are those of a label.
                yield f"count by ({found[2]}) ({found[1]})"
            else:
                yield from expressions(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from expressions(inner)


def queries(metrics, recorded, words):
    """Every query is one that Prometheus can read, and names what the relay or the rules say."""
    found = list(expressions(json.loads(DASHBOARD.read_text())))
    for expression in found:
        for message in promql.wrong(promql.plain(expression), metrics, recorded, words):
            yield f"{DASHBOARD}: {message}, in {expression}"
    for message in promql.unparsed(found):
        yield f"{DASHBOARD}: {message}"


def bounds(known):
    """The lines of bounds are there."""
    for of in re.findall(r'hookwire:bound\{of=~?\\"([^"\\]+)\\"', DASHBOARD.read_text()):
        for name in of.split("|"):
            if name not in known:
                yield f"{DASHBOARD}: there is no bound {name}"


def panels(incidents):
    """Panels lie beside each other, each has a number of its own, and every alert has a tile."""
    dashboard = json.loads(DASHBOARD.read_text())
    numbers = [panel["id"] for panel in dashboard["panels"]]
    if len(numbers) != len(set(numbers)):
        yield f"{DASHBOARD}: two panels have the same number"
    taken = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        if taken & cells or at["x"] + at["w"] > 24:
            yield f"{DASHBOARD}: {panel['title']} lies over another panel"
        taken |= cells
        if panel["type"] != "row" and not panel.get("description"):
            yield f"{DASHBOARD}: {panel['title']} does not say what it shows"
    tiles = set(re.findall(r'alertname=\\"(\w+)\\",alertstate=\\"firing\\"', DASHBOARD.read_text()))
    for alert in tiles ^ {incident.alert for incident in incidents}:
        yield f"{DASHBOARD}: the alert {alert} has no tile, or the tile no alert"
