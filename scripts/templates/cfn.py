"""The templates as data: the root stack, those nested in it, and what SAM makes of the root."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


@dataclass(frozen=True)
class Templates:
    root: dict
    # By the name of the resource that nests it: where a stack is, and what it is.
    nested: dict
    stacks: dict
    # With what all functions have in common.
    functions: dict
    # As CloudFormation will be given the root.
    expanded: dict


def load():
    root = read("template.yaml")
    nested = {
        name: resource["Properties"]["Location"]
        for name, resource in of_type(root, "AWS::Serverless::Application").items()
    }
    stacks = {name: read(location) for name, location in nested.items()}
    functions = {name: with_globals(root, it) for name, it in of_type(root, "AWS::Serverless::Function").items()}
    return Templates(root, nested, stacks, functions, expand(root))


def read(path):
    if not Path(path).is_file():
        sys.exit(f"error: there is no {path}")
    return yaml_parse(Path(path).read_text())


def expand(root):
    """What CloudFormation will be given, with code and nested stacks taken for uploaded."""
    template = json.loads(json.dumps(root))
    for resource in template["Resources"].values():
        for key in resource.get("Properties", {}).keys() & {"CodeUri", "Location"}:
            resource["Properties"][key] = "s3://bucket/key" if key == "CodeUri" else "https://s3.amazonaws.com/bucket/key"
    session = boto3.Session(region_name="eu-west-1")
    return Translator({}, Parser(), boto_session=session).translate(template, {})


def with_globals(root, function):
    """SAM puts together what is a mapping in both, and takes the function's own otherwise."""

    def merged(shared, own):
        if not isinstance(shared, dict) or not isinstance(own, dict):
            return own
        return {**shared, **{key: merged(shared.get(key), value) for key, value in own.items()}}

    return {**function, "Properties": merged(root["Globals"]["Function"], function["Properties"])}


def of_type(template, kind):
    return {name: it for name, it in template["Resources"].items() if it["Type"] == kind}


def events(function, kind):
    found = function["Properties"].get("Events", {}).values()
    return [event["Properties"] for event in found if event["Type"] == kind]


def variables(function):
    return function["Properties"]["Environment"]["Variables"]


def statements(resource):
    """The statements of a role or policy, also those behind a condition."""
    properties = resource.get("Properties", {})
    documents = [properties.get("PolicyDocument", {})]
    documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    for document in documents:
        for statement in document.get("Statement", []):
            for choice in statement["Fn::If"][1:] if "Fn::If" in statement else [statement]:
                if "Effect" in choice:
                    yield choice


def leaves_of(value):
    """The texts that a value may become; a function of CloudFormation that is not followed stands for its own."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if "Fn::If" in value:
            for choice in value["Fn::If"][1:]:
                yield from leaves_of(choice)
        elif isinstance(value.get("Fn::Sub"), str):
            yield value["Fn::Sub"]
        elif value != {"Ref": "AWS::NoValue"}:
            yield json.dumps(value)


def at(value, path, default=None):
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return default
        value = value[key]
    return value


def as_list(value):
    return value if isinstance(value, list) else [value]


def unlike(name, thing, allowed):
    """What in `thing` is none of the words that are allowed at its place."""
    for path, words in allowed.items():
        found = at(thing, path)
        if found not in words:
            choices = f"{words[0]} to {words[-1]}" if isinstance(words, range) else " or ".join(map(str, words))
            yield f"{name}: {'.'.join(path)} is {found!r}, and must be {choices}"
