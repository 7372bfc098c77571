"""What expressions of Prometheus name, and whether the relay has it."""

import re
import subprocess
import tempfile
from pathlib import Path

import yaml

# Of Prometheus itself: what it adds to a scrape and to alerts, and what Grafana puts in.
OTHERS = {"up": {}, "ALERTS": {"alertname", "alertstate", "severity", "incident"}}
OF_TARGETS = {"job", "instance"}
# Labels that rules.yaml gives to what it records.
OF_RULES = {"of", "cause"}
SELECTOR = re.compile(r"(?<![\w:])([a-zA-Z_][\w:]*)\s*(\{[^}]*\})?")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')
GRAFANA = {"$__rate_interval": "5m", "$job": "hookwire", "$instance": ".*", "$source": ".*"}


def plain(expression):
    """An expression as Prometheus gets it, with what Grafana fills in."""
    for name, value in GRAFANA.items():
        expression = expression.replace(name, value)
    return expression


def wrong(expression, metrics, recorded, words):
    """What in the expression is not there: metrics, labels, what labels say."""
    used = set()
    for match in SELECTOR.finditer(re.sub(r'"[^"]*"(?![^{]*\})', '""', expression)):
        name, selector = match[1], match[2]
        if name.startswith("hookwire:"):
            if name not in recorded:
                yield f"nothing records {name}"
            own = set(recorded.get(name, {})) | OF_RULES
            for label, word in said(selector or ""):
                sources = recorded.get(name, {}).get(label)
                if sources and not any(says(metric, label, word, words) for metric in sources):
                    yield f"{name}: {label} never says {word}"
        elif name.startswith(("hookwire_", "process_")):
            metric = metric_of(name, metrics)
            if metric is None:
                yield f"there is no metric {name}"
                continue
            own = metric.labels
            for label, word in said(selector or ""):
                if not says(metric, label, word, words):
                    yield f"{name}: {label} never says {word}"
        elif name in OTHERS:
            own = OTHERS[name]
        else:
            continue
        used |= set(own)
        for label, _, _ in MATCHER.findall(selector or ""):
            if label not in set(own) | OF_TARGETS | {"le"}:
                yield f"{name} has no label {label}"
    for labels in GROUPING.findall(expression):
        for label in filter(None, (label.strip() for label in labels.split(","))):
            if label not in used | OF_TARGETS | {"le"}:
                yield f"nothing here has a label {label}"


def metric_of(name, metrics):
    if name in metrics and metrics[name].kind != "histogram":
        return metrics[name]
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return metrics.get(base) if base != name and base in metrics and metrics[base].kind == "histogram" else None


def said(selector):
    """Each word that a selector wants a label to say, or not to say."""
    for label, operator, text in MATCHER.findall(selector):
        for word in text.split("|") if operator in ("=~", "!~") else [text]:
            # Neither patterns nor routes, which have slashes.
            if re.fullmatch(r"\w+", word):
                yield label, word


def says(metric, label, word, words):
    values = metric.labels.get(label)
    known = words(metric.name) if values == "coded" else values
    return known is None or word in known


def labels_of(expression, metrics, recorded):
    """Which labels what is recorded may have, each with the metrics that it comes from."""
    found = {}
    for match in SELECTOR.finditer(expression):
        metric = metric_of(match[1], metrics)
        own = {label: {metric} for label in metric.labels} if metric else recorded.get(match[1], {})
        for label, sources in own.items():
            found.setdefault(label, set()).update(sources)
    return found


def unparsed(expressions):
    """Which of these Prometheus cannot read, by its own tool: one rule for each."""
    rules = [{"record": f"expression:{n}", "expr": plain(text)} for n, text in enumerate(expressions)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
        checked = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    if checked.returncode:
        yield from (line.strip() for line in (checked.stdout + checked.stderr).splitlines() if "expression:" in line)
        yield "promtool cannot read an expression"
