# shellcheck shell=bash
# Installs npm packages into a cache outside the tree; sourced by the `setup` beside a package.json.
#
# The cache is keyed by what is pinned, so a fresh checkout installs nothing twice.

fail() {
  echo "tests/$(basename "$PWD")/setup: $*" >&2
  exit 1
}

command -v node > /dev/null || fail "node is missing; on Debian: apt-get install nodejs"
command -v npm > /dev/null || fail "npm is missing; on Debian: apt-get install npm"

# Finds the cache of what is pinned here, and in the arguments, and locks it: two checkouts may set up at the same time.
open_cache() {
  local pinned
  pinned=$({ cat .npmrc package.json package-lock.json && node --version && echo "$@"; } | sha256sum)
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/hookwire/$(basename "$PWD")/${pinned:0:16}
  mkdir -p "$cache"
  exec {cache_lock}> "$cache/lock"
  flock "$cache_lock"
}

install_npm_packages() {
  rm -rf "$cache/node_modules"
  cp .npmrc package.json package-lock.json "$cache"
  npm ci --prefix "$cache" > "$cache/npm.log" 2>&1 || fail "npm failed: $(tail -n 20 "$cache/npm.log")"
}

# Makes `$1` a link to `$2` in the cache.
link() {
  local target=$cache/$2
  [[ $(readlink "$1" || true) == "$target" ]] || { rm -rf "$1" && ln -s "$target" "$1"; }
}
