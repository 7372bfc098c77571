"""infra/runbook.md: a section for each incident, and commands that there are."""

import re
from pathlib import Path

RUNBOOK = Path("infra/runbook.md")


def sections(incidents):
    """Every incident has its section, by its id, in the order of urgency, and there is no other."""
    text = RUNBOOK.read_text()
    # A title that is the id has it as its anchor, wherever Markdown is shown.
    found = re.findall(r"^## ([a-z-]+)$", text, re.M)
    wanted = [incident.id for incident in incidents]
    for id in set(found) ^ set(wanted):
        yield f"{RUNBOOK}: the incident {id} has no section, or the section no incident"
    if len(found) != len(set(found)):
        yield f"{RUNBOOK}: a section is there twice"
    for incident in incidents:
        section = re.search(rf"^## {incident.id}\n\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        if section is None:
            continue
        heads = re.findall(r"^\*\*([\w ]+)\.\*\*", section[1], re.M)
        if heads != ["Means", "First look", "Likely", "Do", "Over", "Lost"]:
            yield f"{RUNBOOK}: {incident.id} has the parts {heads}"
        if not section[1].startswith(f"{incident.title} (`{incident.alert}`"):
            yield f"{RUNBOOK}: {incident.id} does not begin with its title and alert"


def commands():
    """Every command of the relay and every option of it is one that it takes."""
    code = Path("functions/serve/src/args.rs").read_text()
    enum = re.search(r"enum Command \{(.*?)^\}", code, re.M | re.S)[1]
    known = {name.lower() for name in re.findall(r"^    ([A-Z]\w+)[,(]", enum, re.M)}
    enum = re.search(r"enum QuarantineAction \{(.*?)^\}", code, re.M | re.S)[1]
    actions = {name.lower() for name in re.findall(r"^    ([A-Z]\w+)", enum, re.M)}
    plain = re.findall(r"#\[arg\([^\]]*\blong\b(?! =)[^\]]*\)\]\s*(?:pub\(crate\) )?(\w+):", code)
    long = {name.replace("_", "-") for name in plain}
    long |= set(re.findall(r'\blong = "([\w-]+)"', code)) | {"help", "version"}
    # Where a command begins, and not in the middle of one of docker or kubectl.
    begin = r"(?:^    |`|-- |exec relay )"
    for command in re.findall(rf"{begin}hookwire ([a-z][^`#>;\n]*)", RUNBOOK.read_text(), re.M):
        words = command.split()
        if words[0] not in known:
            yield f"{RUNBOOK}: there is no `hookwire {words[0]}`"
        if words[0] == "quarantine" and words[1:] and words[1] not in actions:
            yield f"{RUNBOOK}: there is no `hookwire quarantine {words[1]}`"
        for option in re.findall(r"--([\w-]+)", command):
            if option not in long:
                yield f"{RUNBOOK}: `hookwire {words[0]}` takes no --{option}"


def links():
    """What leads to the runbook from other pages leads to a section."""
    anchors = {"", *re.findall(r"^## ([a-z-]+)$", RUNBOOK.read_text(), re.M)}
    for page in [Path("README.md"), Path("infra/README.md"), Path("ARCHITECTURE.md")]:
        for anchor in re.findall(r"runbook\.md#?([\w-]*)", page.read_text()):
            if anchor not in anchors:
                yield f"{page}: the runbook has no section {anchor}"
    for page in [Path("README.md"), Path("infra/README.md")]:
        if "runbook.md" not in page.read_text():
            yield f"{page}: nothing leads to the runbook"
