"""infra/prometheus: an alert for each incident, and nothing that the relay does not say."""

import re
import subprocess
import tempfile
from pathlib import Path

import yaml

from observing import promql

FOLDER = Path("infra/prometheus")
RULES = FOLDER / "rules.yaml"
RUNBOOK = "{{ $externalLabels.runbook }}infra/runbook.md#"


def read():
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def recorded(metrics):
    """What rules.yaml records, each with the labels that it may have and the metrics that say them."""
    found = {}
    for rule in read():
        if "record" in rule:
            known = found.setdefault(rule["record"], {})
            for label, sources in promql.labels_of(rule["expr"], metrics, found).items():
                known.setdefault(label, set()).update(sources)
    return found


def bounds():
    return {rule["labels"]["of"] for rule in read() if rule.get("record") == "hookwire:bound"}


def files():
    """Prometheus' own tool says that the files are in order, the drill's too, and that the alerts do as their test says."""
    commands = [
        ["promtool", "check", "rules", RULES],
        ["promtool", "check", "config", "--syntax-only", FOLDER / "prometheus.yaml"],
        ["promtool", "test", "rules", FOLDER / "rules.test.yaml"],
    ]
    with tempfile.TemporaryDirectory() as folder:
        # As its head tells: each minute a second.
        drill = Path(folder) / "drill.yaml"
        drill.write_text(re.sub(r"\b(\d+)m\b", r"\1s", RULES.read_text()))
        for command in [*commands, ["promtool", "check", "rules", drill]]:
            checked = subprocess.run(command, capture_output=True, text=True, check=False)
            if checked.returncode:
                yield f"{' '.join(map(str, command))}:\n{checked.stdout}{checked.stderr}"


def alerts(incidents, metrics, words):
    """Every incident has its alert, with its urgency and the link to the runbook, and there is no other."""
    rules = {rule["alert"]: rule for rule in read() if "alert" in rule}
    known = {incident.alert for incident in incidents}
    for name in rules.keys() - known:
        yield f"{RULES}: no incident has the alert {name}"
    for incident in incidents:
        rule = rules.get(incident.alert)
        if rule is None:
            yield f"{RULES}: the incident {incident.id} has no alert {incident.alert}"
            continue
        if rule["labels"] != {"severity": incident.urgency, "incident": incident.id}:
            yield f"{RULES}: {incident.alert} is a {incident.urgency} of {incident.id}, and not {rule['labels']}"
        notes = rule["annotations"]
        if notes["summary"] != incident.title:
            yield f"{RULES}: the summary of {incident.alert} is {incident.title!r}"
        if notes["runbook_url"] != RUNBOOK + incident.id:
            yield f"{RULES}: {incident.alert} leads to {notes['runbook_url']}"
        if not notes["description"].strip():
            yield f"{RULES}: {incident.alert} says nothing"
    known = recorded(metrics)
    used = set()
    for rule in read():
        name = rule.get("alert") or f"{rule['record']}"
        for message in promql.wrong(rule["expr"], metrics, known, words):
            yield f"{RULES}: {name}: {message}"
        used |= set(re.findall(r'hookwire:bound\{of="(\w+)"\}', rule["expr"]))
        for duration in re.findall(r"\b\d+[smhdwy]\b", f"{rule['expr']} {rule.get('for', '')}"):
            if not duration.endswith("m"):
                yield f"{RULES}: {name}: {duration} is not in minutes, and a drill would not shorten it"
    # A bound that is not there makes its alert silent for ever: scalar() of nothing is no number.
    for bound in used ^ bounds():
        yield f"{RULES}: the bound {bound} is not both there and used"
