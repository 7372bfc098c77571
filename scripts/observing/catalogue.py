"""The names in shared/hookwire-telemetry, as data."""

import re
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

SOURCE = Path("shared/hookwire-telemetry/src")
LABEL = re.compile(r'(?P<const>[A-Z]+)|coded\("(?P<coded>\w+)"\)|one_of\("(?P<one_of>\w+)",\s*&\[(?P<values>[^\]]*)\]\)')


@dataclass(frozen=True)
class Metric:
    name: str
    kind: str
    # What each label may say: a set of words, `coded` for words that stand in the code, or None for anything.
    labels: dict = field(hash=False)
    cloudwatch: bool = False


@dataclass(frozen=True)
class Incident:
    id: str
    urgency: str
    title: str
    alert: str
    # None where nothing in CloudWatch can see it.
    alarm: str


def metrics():
    text = (SOURCE / "metric.rs").read_text()
    head, _, table = text.partition("pub const METRICS")
    consts = {name: labels(value) for name, value in re.findall(r"const ([A-Z]+): Label = (.*?);", head, re.S)}
    for name, value in re.findall(r'const ([A-Z]+): Label = Label \{ name: "(\w+)"', head):
        consts[name] = {value: None}
    found = {}
    entry = re.compile(
        r'\b(counter|gauge|histogram)\(\s*"(\w+)",\s*(?:Unit::\w+,\s*)?&\[(.*?)\],\s*"[^"]*",?\s*\)(\.in_cloudwatch\(\))?', re.S
    )
    for kind, name, inside, cloudwatch in entry.findall(table):
        found[name] = Metric(name, kind, labels(inside, consts), bool(cloudwatch))
    # A table that is written in another way must not look like a short one.
    entries = len(re.findall(r"\b(?:counter|gauge|histogram)\(", table))
    expect(len(found) == entries > 0, f"reads {len(found)} of the {entries} metrics in {SOURCE}/metric.rs")
    return found


def labels(text, consts=None):
    found = {}
    for match in LABEL.finditer(text):
        if match["coded"]:
            found[match["coded"]] = "coded"
        elif match["one_of"]:
            found[match["one_of"]] = set(re.findall(r'"(\w+)"', match["values"]))
        elif consts is not None:
            found |= consts[match["const"]]
    return found


def incidents():
    table = (SOURCE / "incident.rs").read_text().partition("pub const INCIDENTS")[2].partition("const fn")[0]
    entry = re.compile(r'\b(page|ticket)\(\s*"([\w-]+)",\s*"([^"]+)",\s*"(\w+)",\s*(?:Some\("(\w+)"\)|None),?\s*\)', re.S)
    found = [Incident(id, urgency, title, alert, alarm or None) for urgency, id, title, alert, alarm in entry.findall(table)]
    calls = len(re.findall(r"\b(?:page|ticket)\(", table))
    expect(len(found) == calls > 0, f"reads {len(found)} of the {calls} incidents in {SOURCE}/incident.rs")
    return found


def words():
    """What a label of a metric may say that says one of the code's constants: the texts of the crates that record it, and
    of those that they use."""
    manifests = [path for folder in ["shared", "functions"] for path in Path(folder).glob("*/Cargo.toml")]
    crates = {tomllib.loads(path.read_text())["package"]["name"]: path for path in manifests}
    texts = {name: texts_of(path.parent) for name, path in crates.items() if path.parent != SOURCE.parent}

    def of(metric):
        recording = {name for name, its in texts.items() if metric in its} or texts.keys()
        used = {name for crate in recording for name in tomllib.loads(crates[crate].read_text()).get("dependencies", {})}
        return set().union(*(texts.get(name, set()) for name in recording | used))

    return of


def texts_of(crate):
    found = set()
    for path in crate.rglob("src/**/*.rs"):
        found |= set(re.findall(r'"(\w+)"', path.read_text().partition("#[cfg(test)]")[0]))
    return found


def expect(holds, what):
    if not holds:
        sys.exit(f"error: {__name__} {what}")
