"""Alarms and the dashboard: they tell of every incident, and count what functions write."""

import json
import re
from pathlib import Path

from observing import catalogue
from templates.cfn import of_type, variables

ALARMS = "infra/alarms.yaml"
DASHBOARD = "infra/dashboard.yaml"
NAMESPACE = "Hookwire/${Stack}"
# What functions add to the labels of every metric.
ADDED = {"function"}
KINDS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
# The longest that CloudWatch lets an alarm look back: 7 days with periods of an hour and more, else one day.
LONGEST = {True: 604_800, False: 86_400}


def stack(templates, location):
    return next(templates.stacks[name] for name, at in templates.nested.items() if at.endswith(location))


def alarms(templates):
    """Every incident that CloudWatch can see has its alarm; one that tells nobody is part of one that does."""
    found = {name: it["Properties"] for kind in KINDS for name, it in of_type(stack(templates, ALARMS), kind).items()}
    wanted = {incident.alarm: incident for incident in catalogue.incidents() if incident.alarm}
    used = set(re.findall(r"\$\{(\w+)\}", " ".join(str(it.get("AlarmRule")) for it in found.values())))
    for name in wanted.keys() - found.keys():
        yield f"{ALARMS}: the incident {wanted[name].id} has no alarm {name}"
    for name, alarm in found.items():
        suppressor = any(it.get("ActionsSuppressor") == {"Ref": name} for it in found.values())
        if name not in wanted:
            if "AlarmActions" in alarm:
                yield f"{ALARMS}: {name} tells of something that is no incident"
            if name not in used and not suppressor:
                yield f"{ALARMS}: {name} tells nobody and is part of nothing"
        elif not alarm.get("AlarmActions") or alarm.get("AlarmActions") != alarm.get("OKActions"):
            yield f"{ALARMS}: {name} does not tell of both its beginning and its end"
        elif not text_of(alarm["AlarmDescription"]).endswith(f" ${{RunbookUrl}}infra/runbook.md#{wanted[name].id}"):
            yield f"{ALARMS}: the description of {name} does not end with the link to {wanted[name].id} in the runbook"
        if not text_of(alarm.get("AlarmDescription", "")).strip():
            yield f"{ALARMS}: {name} has no description"
        if "AlarmRule" in alarm:
            continue
        if alarm.get("TreatMissingData") not in ("notBreaching", "breaching"):
            yield f"{ALARMS}: nobody knows what {name} says while there are no data"
        yield from looks_back(templates, name, alarm)


def looks_back(templates, name, alarm):
    periods = alarm["EvaluationPeriods"]
    if isinstance(periods, dict):
        periods = templates.root["Parameters"][periods["Ref"]]["MaxValue"]
    parts = [metric["MetricStat"]["Period"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
    period = max([alarm.get("Period", 0), *parts])
    if periods * period > LONGEST[period >= 3600]:
        yield f"{ALARMS}: {name} looks back {periods * period} s, which CloudWatch does not"


def metrics(templates):
    """Alarms and dashboard name metrics that functions write to CloudWatch, with all their labels but the tenant."""
    known, words = catalogue.metrics(), catalogue.words()
    template = stack(templates, ALARMS)
    filters = of_type(template, "AWS::Logs::MetricFilter")
    made = set()
    for name, it in filters.items():
        properties = it["Properties"]
        transformation = properties["MetricTransformations"][0]
        made.add(transformation["MetricName"])
        pattern = text_of(properties["FilterPattern"])
        if text_of(transformation["MetricNamespace"]) != NAMESPACE:
            yield f"{ALARMS}: {name} counts into {transformation['MetricNamespace']}"
        counted = re.match(r"\{ \$\.(hookwire_\w+) > 0", pattern)
        if not counted or transformation["MetricValue"] != f"$.{counted[1]}":
            yield f"{ALARMS}: {name} does not count what it looks for"
            continue
        metric = known.get(counted[1])
        if metric is None or not metric.cloudwatch or metric.kind != "counter":
            yield f"{ALARMS}: {name} counts {counted[1]}, which functions do not write as a counter"
            continue
        for label, word in re.findall(r'\$\.(\w+) !?= "([^"]*)"', pattern):
            values = metric.labels.get(label, set())
            if label not in metric.labels:
                yield f"{ALARMS}: {counted[1]} has no label {label}"
            elif values is not None and word not in (words(metric.name) if values == "coded" else values):
                yield f"{ALARMS}: {counted[1]}: {label} never says {word}"
    used = set()
    for name, it in of_type(template, "AWS::CloudWatch::Alarm").items():
        parts = [part["MetricStat"]["Metric"] for part in it["Properties"].get("Metrics", []) if "MetricStat" in part]
        for metric in parts or [it["Properties"]]:
            dimensions = [dimension["Name"] for dimension in metric.get("Dimensions", [])]
            if text_of(metric["Namespace"]) != NAMESPACE:
                continue
            if metric["MetricName"].startswith("hookwire_"):
                yield from written(f"{ALARMS}: {name}", metric["MetricName"], dimensions, known)
            else:
                used.add(metric["MetricName"])
                if metric["MetricName"] not in made:
                    yield f"{ALARMS}: {name}: nothing counts {metric['MetricName']}"
    for metric in made - used:
        yield f"{ALARMS}: {metric} is counted for nothing"


def dashboard(templates):
    """The dashboard is JSON, shows what functions write, and all of it."""
    known = catalogue.metrics()
    resource = of_type(stack(templates, DASHBOARD), "AWS::CloudWatch::Dashboard")["Dashboard"]
    text = resource["Properties"]["DashboardBody"]["Fn::Sub"]
    try:
        body = json.loads(text)
    except json.JSONDecodeError as error:
        yield f"{DASHBOARD}: the dashboard is no JSON: {error}"
        return
    shown = set()
    for widget in body["widgets"]:
        for metric in widget["properties"].get("metrics", []):
            if isinstance(metric[0], dict):
                searched = re.search(r'\{"([^"]+)",([\w,]+)\} MetricName="(\w+)"', metric[0]["expression"])
                if searched and searched[1] == NAMESPACE:
                    shown.add(searched[3])
                    yield from written(DASHBOARD, searched[3], searched[2].split(","), known)
            elif metric[0] == NAMESPACE:
                shown.add(metric[1])
                yield from written(DASHBOARD, metric[1], [it for it in metric[2:] if isinstance(it, str)][::2], known)
    for name in {name for name, metric in known.items() if metric.cloudwatch} - shown:
        yield f"{DASHBOARD}: {name} is paid for and not shown"
    rung = set(re.findall(r"'(\w+)', 'Arn'", str(stack(templates, ALARMS)["Outputs"]["Arns"])))
    for alarm in {incident.alarm for incident in catalogue.incidents() if incident.alarm} - rung:
        yield f"{DASHBOARD}: the alarm {alarm} is not on it"


def written(where, name, dimensions, known):
    metric = known.get(name)
    if metric is None or not metric.cloudwatch:
        yield f"{where}: functions do not write {name}"
        return
    wanted = set(metric.labels) - {"tenant"} | ADDED
    if set(dimensions) != wanted:
        yield f"{where}: {name} has the dimensions {sorted(wanted)}, and not {dimensions}"


def bounds(templates):
    """Whatever an alarm goes by can be set in the root stack."""
    for name, it in of_type(stack(templates, ALARMS), "AWS::CloudWatch::Alarm").items():
        threshold = it["Properties"]["Threshold"]
        if isinstance(threshold, dict) and threshold["Ref"] not in {*templates.root["Parameters"], "StreamCap"}:
            yield f"{ALARMS}: the root stack has no parameter {threshold['Ref']} for {name}"


def namespace(templates):
    """Functions count where alarms and dashboard look."""
    for name, function in templates.functions.items():
        if variables(function).get("HOOKWIRE_METRICS_NAMESPACE") != {"Fn::Sub": "Hookwire/${AWS::StackName}"}:
            yield f"{name}: it counts in another namespace than {NAMESPACE}"
    for name, location in templates.nested.items():
        given = templates.root["Resources"][name]["Properties"]["Parameters"]
        if location.endswith((ALARMS, DASHBOARD)) and given.get("Stack") != {"Ref": "AWS::StackName"}:
            yield f"{name}: it looks for metrics of another stack"


def costs(templates):
    """infra/cost counts what is billed: each metric that an alarm looks at, and each alarm made of alarms."""
    template = stack(templates, ALARMS)
    looked_at = 0
    for it in of_type(template, "AWS::CloudWatch::Alarm").values():
        looked_at += sum("MetricStat" in part for part in it["Properties"].get("Metrics", [])) or 1
    made = len(of_type(template, "AWS::CloudWatch::CompositeAlarm"))
    text = Path("infra/cost").read_text()
    for name, count in {"alarms": looked_at, "composite_alarms": made}.items():
        if f"    {name}: float = {count}\n" not in text:
            yield f"infra/cost: the default of {name} is not {count}, as many as {ALARMS} has"


def text_of(value):
    return value["Fn::Sub"] if isinstance(value, dict) else value
