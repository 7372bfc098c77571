"""Checks that the image, Docker Compose and Kubernetes agree with each other and with the settings in the README."""

import re
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

INFRA = Path("infra")
K8S = INFRA / "k8s"
# Variables that are no settings: the README tells of them in its text.
OTHER_VARIABLES = {"HOOKWIRE_CONFIG", "HOOKWIRE_TOKEN"}
# What the queue may take to give its messages back, after the connections have ended.
AFTER_DRAIN_SECONDS = 5

broken = []


def expect(what, agrees):
    if not agrees:
        broken.append(what)


def seconds(text):
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit]


def main():
    defaults = dict(re.findall(r"^\| `(HOOKWIRE_\w+)` \| `\w+` \| (?:`([^`]*)`)? ?\|", Path("README.md").read_text(), re.M))
    dockerfile = (INFRA / "Dockerfile").read_text()
    compose = yaml.safe_load((INFRA / "compose.yaml").read_text())
    kustomization = yaml.safe_load((K8S / "kustomization.yaml").read_text())
    manifests = {path.name: yaml.safe_load(path.read_text()) for path in K8S.glob("*.yaml")}
    relay_env = dict(re.findall(r"^(\w+)=(.*)$", (K8S / "relay.env").read_text(), re.M))

    check_variables(defaults)
    check_dockerfile(dockerfile)
    expect(
        "infra/k8s/kustomization.yaml: its resources are the files beside it",
        set(kustomization["resources"]) == set(manifests) - {"kustomization.yaml"},
    )
    tag = kustomization["images"][0]["newTag"]
    expect(f"infra: the version in the Dockerfile is that of Kubernetes, {tag}", f"ARG VERSION={tag}\n" in dockerfile)
    expect(f"infra: the version is that of Cargo.toml, not {tag}", cargo()["package"]["version"] == tag)

    settings = {name: relay_env.get(name, default) for name, default in defaults.items()}
    check_ports(defaults, dockerfile, compose, manifests)
    check_ends(settings, defaults, compose, manifests["deployment.yaml"])
    check_probes(dockerfile, manifests["deployment.yaml"])
    check_pods(dockerfile, manifests)
    check_ingress(settings, manifests["ingress.yaml"])
    check_secrets(relay_env, manifests["deployment.yaml"])

    for message in broken:
        print(f"error: this does not hold any more: {message}", file=sys.stderr)
    if broken:
        sys.exit(1)
    print(f"{len(manifests)} manifests, the image and Compose agree")


def check_variables(defaults):
    # In comments as well: they tell the reader which setting a number comes from.
    for path in [INFRA / "Dockerfile", INFRA / "compose.yaml", *sorted(K8S.iterdir())]:
        for variable in sorted(set(re.findall(r"HOOKWIRE_[A-Z][A-Z_]*", path.read_text()))):
            expect(f"{path}: the README lists {variable}", variable in defaults.keys() | OTHER_VARIABLES)


def cargo():
    return tomllib.loads(Path("Cargo.toml").read_text())["workspace"]


def check_dockerfile(dockerfile):
    rust = cargo()["package"]["rust-version"]
    expect(f"infra/Dockerfile: it builds with Rust {rust}", f"RUST_IMAGE=rust:{rust}-" in dockerfile)
    builder, runner = re.search(r"rust:[\d.]+-(\w+)\n[^\n]*distroless/cc-(\w+):", dockerfile).groups()
    # A program asks for the C library that it was linked with, or a later one.
    debian = {"bookworm": "debian12", "trixie": "debian13"}
    expect(f"infra/Dockerfile: {builder} is {runner}", debian.get(builder) == runner)
    let_through = re.findall(r"^!(.+)$", Path(".dockerignore").read_text(), re.M)
    for member in (path for pattern in cargo()["members"] for path in Path().glob(f"{pattern}/Cargo.toml")):
        seen = any(fnmatchcase(str(member), name) or str(member).startswith(f"{name}/") for name in let_through)
        expect(f".dockerignore: cargo sees {member}, which is in the workspace", seen)


def check_ports(defaults, dockerfile, compose, manifests):
    port = defaults["HOOKWIRE_LISTEN"].rpartition(":")[2]
    expect(f"infra/Dockerfile: it listens on {port}", f"HOOKWIRE_LISTEN=0.0.0.0:{port} " in dockerfile)
    expect(f"infra/Dockerfile: it exposes {port}", f"\nEXPOSE {port}\n" in dockerfile)
    expect(
        f"infra/compose.yaml: the relay is at {port}, for this machine only",
        compose["services"]["relay"]["ports"] == [f"127.0.0.1:{port}:{port}"],
    )
    ports = container(manifests["deployment.yaml"])["ports"]
    expect(f"infra/k8s/deployment.yaml: http is {port}", ports == [{"name": "http", "containerPort": int(port)}])
    service = manifests["service.yaml"]["spec"]["ports"][0]
    expect("infra/k8s/service.yaml: http is the pod's http", (service["name"], service["targetPort"]) == ("http", "http"))
    path = manifests["ingress.yaml"]["spec"]["rules"][0]["http"]["paths"][0]
    expect(
        "infra/k8s/ingress.yaml: it asks the service by its name and port",
        path["backend"]["service"] == {"name": manifests["service.yaml"]["metadata"]["name"], "port": {"name": "http"}},
    )


def check_ends(settings, defaults, compose, deployment):
    pod = deployment["spec"]["template"]["spec"]
    before = container(deployment)["lifecycle"]["preStop"]["sleep"]["seconds"]
    needed = before + seconds(settings["HOOKWIRE_DRAIN_WITHIN"]) + AFTER_DRAIN_SECONDS
    expect(
        f"infra/k8s/deployment.yaml: terminationGracePeriodSeconds is at least {needed:g}",
        pod["terminationGracePeriodSeconds"] >= needed,
    )
    needed = seconds(defaults["HOOKWIRE_DRAIN_WITHIN"]) + AFTER_DRAIN_SECONDS
    grace = seconds(compose["services"]["relay"]["stop_grace_period"])
    expect(f"infra/compose.yaml: stop_grace_period is at least {needed:g}s", grace >= needed)


def check_probes(dockerfile, deployment):
    relay = container(deployment)
    paths = {name: relay[name]["httpGet"]["path"] for name in ["startupProbe", "readinessProbe", "livenessProbe"]}
    expect(
        "infra/k8s/deployment.yaml: only the start waits for the log",
        paths == {"startupProbe": "/readyz", "readinessProbe": "/healthz", "livenessProbe": "/healthz"},
    )
    expect("infra/k8s/deployment.yaml: all probes go to http", all(relay[name]["httpGet"]["port"] == "http" for name in paths))
    code = "".join(path.read_text() for folder in ["functions", "shared"] for path in Path(folder).rglob("*.rs"))
    for path in set(paths.values()):
        expect(f"infra/k8s/deployment.yaml: the relay has {path}", f'.route("{path}"' in code)
    program = re.search(r'^ENTRYPOINT \["(.+)"\]$', dockerfile, re.M)[1]
    expect("infra/Dockerfile: the health check is the program's own", f' CMD ["{program}", "probe"]\n' in dockerfile)


def check_pods(dockerfile, manifests):
    user = int(re.search(r"^USER (\d+):\1$", dockerfile, re.M)[1])
    spec = manifests["deployment.yaml"]["spec"]
    pod = spec["template"]["spec"]
    ran_as = {pod["securityContext"][name] for name in ["runAsUser", "runAsGroup"]}
    expect(f"infra/k8s/deployment.yaml: it runs as {user}, as in the image", ran_as == {user})
    labels = spec["template"]["metadata"]["labels"]
    chosen = {
        "deployment.yaml": spec["selector"]["matchLabels"],
        "deployment.yaml (spread)": pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
        "disruption-budget.yaml": manifests["disruption-budget.yaml"]["spec"]["selector"]["matchLabels"],
        "network-policy.yaml": manifests["network-policy.yaml"]["spec"]["podSelector"]["matchLabels"],
        "service.yaml": manifests["service.yaml"]["spec"]["selector"],
    }
    for name, selector in chosen.items():
        expect(f"infra/k8s/{name}: it selects the relays, {labels}", selector == labels)
    autoscaler = manifests["autoscaler.yaml"]["spec"]
    expect("infra/k8s/autoscaler.yaml: it scales the deployment", autoscaler["scaleTargetRef"]["name"] == "hookwire")
    expect("infra/k8s: the deployment begins with minReplicas", autoscaler["minReplicas"] == spec["replicas"])


def check_ingress(settings, ingress):
    of = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
    heartbeat = seconds(settings["HOOKWIRE_HEARTBEAT"])
    expect(
        "infra/k8s/ingress.yaml: proxy-read-timeout is longer than two heartbeats",
        seconds(of["proxy-read-timeout"]) > 2 * heartbeat,
    )
    expect("infra/k8s/ingress.yaml: it holds nothing back", of["proxy-buffering"] == "False")
    largest = settings["HOOKWIRE_MAX_BODY"].removesuffix("iB").lower()
    expect(f"infra/k8s/ingress.yaml: client-max-body-size is {largest}", of["client-max-body-size"] == largest)
    expect("infra/k8s/relay.env: it trusts the ingress", int(settings["HOOKWIRE_TRUSTED_HOPS"]) >= 1)


def check_secrets(relay_env, deployment):
    for variable in relay_env:
        expect(f"infra/k8s/relay.env: {variable} is no secret", not re.search(r"SECRET|PASSWORD|TOKEN|_LOG$", variable))
    for variable in container(deployment)["env"]:
        expect(f"infra/k8s/deployment.yaml: {variable['name']} comes from a secret", "secretKeyRef" in variable.get("valueFrom", {}))


def container(deployment):
    return deployment["spec"]["template"]["spec"]["containers"][0]


main()
