"""How the stacks fit together, and what samconfig.toml gives them."""

import re
import tomllib
from pathlib import Path

from templates.cfn import as_list, at, of_type, unlike

SERVER_VALUES = {
    ("Engine",): ["valkey"],
    ("TransitEncryptionEnabled",): [True],
    ("AtRestEncryptionEnabled",): [True],
}
NEVER_EVICTS = {("maxmemory-policy",): ["noeviction"]}


def redis(templates):
    """A Redis of ours is encrypted and throws nothing away."""
    for stack in templates.stacks.values():
        for name, servers in of_type(stack, "AWS::ElastiCache::ReplicationGroup").items():
            yield from unlike(name, servers["Properties"], SERVER_VALUES)
        for name, group in of_type(stack, "AWS::ElastiCache::ParameterGroup").items():
            yield from unlike(name, group["Properties"]["Properties"], NEVER_EVICTS)
        for name, servers in of_type(stack, "AWS::MemoryDB::Cluster").items():
            yield from unlike(name, servers["Properties"], {("Engine",): ["valkey"], ("TLSEnabled",): [True]})
        for name, group in of_type(stack, "AWS::MemoryDB::ParameterGroup").items():
            yield from unlike(name, group["Properties"]["Parameters"], NEVER_EVICTS)


def edge(templates):
    """The edge waits for longer than a stream is silent."""
    heartbeat = re.search(r"`HOOKWIRE_HEARTBEAT` \| `heartbeat` \| `(\d+)s`", Path("README.md").read_text())
    for stack in templates.stacks.values():
        for distribution in of_type(stack, "AWS::CloudFront::Distribution").values():
            for origin in distribution["Properties"]["DistributionConfig"]["Origins"]:
                waits = origin["CustomOriginConfig"].get("OriginReadTimeout", 30)
                if origin["Id"] == "stream" and waits < 2 * int(heartbeat[1]):
                    yield f"the edge cuts a stream after {waits} s, and heartbeats come every {heartbeat[1]} s"


def outputs(templates):
    """What is given to a nested stack, and taken from it, is there."""
    for name, location in templates.nested.items():
        declared = templates.stacks[name].get("Parameters", {})
        given = templates.root["Resources"][name]["Properties"].get("Parameters", {})
        for parameter in given.keys() - declared.keys():
            yield f"{name}: {location} has no parameter {parameter}"
        for parameter in declared.keys() - given.keys():
            if "Default" not in declared[parameter]:
                yield f"{name}: {location} wants a {parameter}"
    for stack, output in sorted(taken(templates.root)):
        if stack not in templates.stacks:
            yield f"{stack}.Outputs.{output}: there is no such stack"
        elif output not in templates.stacks[stack].get("Outputs", {}):
            yield f"{stack}.Outputs.{output}: {templates.nested[stack]} has no such output"


def taken(value):
    """Which outputs of which nested stacks a template reads."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Fn::GetAtt" and inner[1].startswith("Outputs."):
                yield inner[0], inner[1].removeprefix("Outputs.")
            if key == "Fn::Sub":
                yield from re.findall(r"\$\{(\w+)\.Outputs\.(\w+)\}", as_list(inner)[0])
            yield from taken(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from taken(inner)


def environments(templates):
    """Every environment of samconfig.toml gives what the template takes."""
    config = tomllib.loads(Path("samconfig.toml").read_text())
    for name in ["dev", "staging", "prod"]:
        if at(config, (name, "build", "parameters", "cached")) is not False:
            yield f"samconfig.toml: {name} would deploy old code after a change in shared/"
        deploy = at(config, (name, "deploy", "parameters"), {})
        if not {"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"} <= set(deploy.get("capabilities", "").split()):
            yield f"samconfig.toml: {name} may make neither roles nor nested stacks"
        for override in deploy.get("parameter_overrides", []):
            parameter, _, value = override.partition("=")
            declared = templates.root["Parameters"].get(parameter)
            if declared is None:
                yield f"samconfig.toml: {name} sets {parameter}, which the template does not have"
            elif value not in map(str, declared.get("AllowedValues", [value])):
                yield f"samconfig.toml: {name} sets {parameter} to {value}"
    if not at(config, ("prod", "deploy", "parameters", "confirm_changeset")):
        yield "samconfig.toml: prod changes without being asked"
