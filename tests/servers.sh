# The real servers that tests run against: installed when they are missing, never started as services.
# Sourced by `run`; needs root for apt-get.

# Debian's packages would start their services; a test starts its own on ports of its own.
install_packages() {
  local missing=()
  command -v prometheus >/dev/null || missing+=(prometheus)
  command -v prometheus-alertmanager >/dev/null || missing+=(prometheus-alertmanager)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v chromium >/dev/null || missing+=(chromium fonts-dejavu-core)
  python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
  [ ${#missing[@]} -eq 0 ] && return
  say "packages for the tests: ${missing[*]}"
  local policy=/usr/sbin/policy-rc.d
  local ours=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && ours=yes
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  [ "$ours" = yes ] && rm -f "$policy"
  return 0
}

# Python packages, pinned by hash, in a place of their own: a MongoDB-compatible server, and the MCP SDK as an unmodified client.
install_python() {
  local venv="$1" wanted
  wanted="$(sha256sum tests/requirements.txt | cut -c1-16)"
  if [ "$(cat "$venv/.wanted" 2>/dev/null || true)" != "$wanted" ]; then
    say "Python packages for the tests"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
    echo "$wanted" >"$venv/.wanted"
  fi
}
