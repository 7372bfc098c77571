"""What a function is: its binary, its words and numbers, its time."""

import json
import subprocess
from pathlib import Path

from templates.cfn import at, events, unlike, variables

# What the linter takes any text for; and no function here may be something else.
FUNCTION_VALUES = {
    ("Metadata", "BuildMethod"): ["rust-cargolambda"],
    ("Properties", "Runtime"): ["provided.al2023"],
    ("Properties", "Handler"): ["bootstrap"],
    ("Properties", "Architectures"): [["arm64"]],
    ("Properties", "Timeout"): range(1, 901),
    ("Properties", "LoggingConfig", "LogFormat"): ["JSON"],
}

URL_VALUES = {("AuthType",): ["NONE"], ("InvokeMode",): ["RESPONSE_STREAM"]}

BATCH_VALUES = {
    ("FunctionResponseTypes",): [["ReportBatchItemFailures"]],
    ("BatchSize",): range(1, 11),
    ("ScalingConfig", "MaximumConcurrency"): [{"Ref": "DrainConcurrency"}],
}


def binaries(templates):
    """Every function is a binary of a package of this workspace."""
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--locked"]
    packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    folders = {
        Path(package["manifest_path"]).parent: [
            target["name"] for target in package["targets"] if "bin" in target["kind"]
        ]
        for package in packages
    }
    for name, function in templates.functions.items():
        folder, binary = function["Properties"]["CodeUri"], at(function, ("Metadata", "BuildProperties", "Binary"))
        if Path(folder).resolve() not in folders:
            yield f"{name}: {folder} is no package of the workspace"
        elif binary not in folders[Path(folder).resolve()]:
            yield f"{name}: the package in {folder} has no binary {binary}"


def values(templates):
    """Words and numbers are ones that AWS knows."""
    for name, function in templates.functions.items():
        yield from unlike(name, function, FUNCTION_VALUES)
        if url := function["Properties"].get("FunctionUrlConfig"):
            yield from unlike(name, url, URL_VALUES)
        for event in events(function, "SQS"):
            yield from unlike(name, event, BATCH_VALUES)


def times(templates):
    """Nothing ends before what it waits for does."""
    for name, function in templates.functions.items():
        timeout = function["Properties"]["Timeout"]
        for event in events(function, "SQS"):
            queue = event["Queue"]["Fn::GetAtt"][0]
            hidden = templates.root["Resources"][queue]["Properties"].get("VisibilityTimeout", 30)
            least = 6 * timeout + event.get("MaximumBatchingWindowInSeconds", 0)
            if hidden < least:
                yield f"{queue}: messages are hidden for {hidden} s, and {name} wants {least} s, six times its time-out"
        if "HOOKWIRE_MAX_LIFETIME" in variables(function):
            longest = templates.root["Parameters"]["StreamLifetime"]["MaxValue"]
            if longest > timeout - 2:
                yield f"{name}: a stream may be told to last {longest} s, and the function lasts {timeout} s"


def shapes_of_streams(templates):
    """On managed instances a stream has the same settings."""
    if variables(templates.functions["Stream"]) != variables(templates.functions["StreamManaged"]):
        yield "Stream and StreamManaged have different variables"
