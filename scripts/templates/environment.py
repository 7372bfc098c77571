"""What functions are told by variables."""

import json
import re
from pathlib import Path

from templates.cfn import leaves_of, variables

# Variables that are no settings: others', and where the file of the settings is.
OTHER_VARIABLES = {"RUST_LOG", "AWS_USE_DUALSTACK_ENDPOINT", "HOOKWIRE_CONFIG"}
REFERENCES = ("secretsmanager:", "ssm:")


def settings(templates):
    """Every variable is a setting that the README lists; a test keeps its table equal to the code."""
    known = set(re.findall(r"^\| `([A-Z]\w+)` \|", Path("README.md").read_text(), re.MULTILINE))
    for name, function in templates.functions.items():
        for variable in variables(function):
            if variable not in known | OTHER_VARIABLES:
                yield f"{name}: {variable} is no setting"


def secrets(templates):
    """No secret stands in an environment, only where it is."""
    keys = Path("functions/settings/src/keys.rs").read_text()
    secret = set(re.findall(r'secret: true,\s*\.\.key\(\s*"(\w+)"', keys))
    if not secret:
        yield "keys.rs names no secrets any more: this rule guards nothing"
    for name, function in templates.functions.items():
        for variable, value in variables(function).items():
            leaves = list(leaves_of(value))
            if any("{{resolve:" in leaf for leaf in leaves):
                yield f"{name}: {variable} would stand in the environment resolved"
            looks = variable.removeprefix("HOOKWIRE_").lower() in secret
            if looks or re.search(r"SECRET|PASSWORD|DSN", variable):
                for leaf in leaves:
                    if not leaf.startswith(REFERENCES):
                        yield f"{name}: {variable} may be {leaf!r}, which is no reference to a secret"
    # What is typed in as a parameter stands in the environment.
    for name, parameter in templates.root["Parameters"].items():
        pattern = parameter.get("AllowedPattern", "")
        if re.search(r"Secret$|Password$", name) and re.search(pattern, "a" * 64):
            yield f"parameter {name} takes a secret itself; its pattern must want an ARN"
    if re.search(templates.root["Parameters"]["RedisAddress"].get("AllowedPattern", ""), "redis://user:password@host"):
        yield "parameter RedisAddress takes a password"
    for stack, template in templates.stacks.items():
        for name, output in template.get("Outputs", {}).items():
            if "{{resolve:" in json.dumps(output):
                yield f"{stack}: the output {name} shows a secret"
