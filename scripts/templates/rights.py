"""Who may do what to what: roles, logs, and those who call."""

import json

from templates.cfn import as_list, at, leaves_of, of_type, statements

# (policy, actions, end of the resource): the only rights that reach beyond what the stack names.
WIDE_RIGHTS = {
    # EC2 knows no resource for these two, and Lambda looks for the interfaces and subnets of a function with its role.
    ("NetworkInterfaces", ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"), "*"),
    # An interface has no id yet when Lambda asks whether the role may make it, so that it is all of the region.
    (
        "NetworkInterfaces",
        (
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:AssignPrivateIpAddresses",
            "ec2:UnassignPrivateIpAddresses",
        ),
        ":*/*",
    ),
}

# (role, policy of AWS): Lambda's own role for instances, which no code of ours has.
FOREIGN_POLICIES = {("OperatorRole", "AWSLambdaManagedEC2ResourceOperator")}


def rights(templates):
    """A role may do only what is named, to what is named."""
    unused = set(WIDE_RIGHTS)
    for template in [templates.expanded, *templates.stacks.values()]:
        for name, resource in template["Resources"].items():
            for arn in resource.get("Properties", {}).get("ManagedPolicyArns", []):
                for leaf in leaves_of(arn):
                    policy = leaf.rsplit("/", 1)[-1]
                    if "arn:" in leaf and (name, policy) not in FOREIGN_POLICIES:
                        yield f"{name}: the policy {policy} of AWS is for everything; name what is needed"
            for statement in statements(resource):
                if statement["Effect"] != "Allow":
                    continue
                actions = tuple(as_list(statement.get("Action", "*")))
                if any("*" in action for action in actions):
                    yield f"{name}: {actions} has a * in it"
                for target in as_list(statement.get("Resource", "*")):
                    for leaf in leaves_of(target):
                        wide = {right for right in WIDE_RIGHTS if right[:2] == (name, actions) and leaf.endswith(right[2])}
                        if "*" in leaf and not wide:
                            yield f"{name}: {', '.join(actions)} on {leaf}"
                        unused -= wide
    for policy, actions, _ in unused:
        yield f"nothing in {policy} needs {actions[0]} on everything any more: take it out of WIDE_RIGHTS"


def logs(templates):
    """Every function writes into a group of its own, which forgets, and may write nowhere else."""
    for name, function in templates.functions.items():
        group = at(function, ("Properties", "LoggingConfig", "LogGroup", "Ref"))
        if "RetentionInDays" not in at(templates.root, ("Resources", group, "Properties"), {}):
            yield f"{name}: its log is kept for ever"
        role = function["Properties"].get("Role", {}).get("Fn::GetAtt", [None])[0]
        written = [
            statement["Resource"]
            for statement in statements(templates.root["Resources"].get(role, {}))
            if any(action.startswith("logs:") for action in as_list(statement.get("Action", [])))
        ]
        if written != [{"Fn::GetAtt": [group, "Arn"]}]:
            yield f"{name}: the role {role} writes logs to {written}, and not to {group} alone"


def ways_in(templates):
    """What SAM makes of the template lets the public in where it should, and calls the drain as it should."""
    resources = templates.expanded["Resources"]
    granted = {
        (json.dumps(it["Properties"]["FunctionName"]), it.get("Condition"), it["Properties"]["Action"])
        for it in of_type(templates.expanded, "AWS::Lambda::Permission").values()
        if it["Properties"].get("InvokedViaFunctionUrl") or it["Properties"].get("FunctionUrlAuthType") == "NONE"
    }
    urls = of_type(templates.expanded, "AWS::Lambda::Url")
    for name, url in urls.items():
        for action in ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]:
            if (json.dumps(url["Properties"]["TargetFunctionArn"]), url.get("Condition"), action) not in granted:
                yield f"{name}: nobody may call it, for want of {action}"
    if len(urls) != 2:
        yield f"there are {len(urls)} function URLs instead of one for each shape of stream"
    mappings = of_type(templates.expanded, "AWS::Lambda::EventSourceMapping").values()
    if [it["Properties"]["FunctionName"] for it in mappings] != [{"Ref": "Drain"}]:
        yield "SQS does not call Drain, and only that"
    for mapping in mappings:
        properties = mapping["Properties"]
        if properties.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
            yield "one message that fails would bring its whole batch again"
        if "MaximumConcurrency" not in properties.get("ScalingConfig", {}):
            yield "a full queue would call as many drains as the account allows"
    if "$default" not in json.dumps(resources["Api"]["Properties"]["Body"], default=dict):
        yield "the API does not send every path to Receive"
