#!/usr/bin/env bash
# Installs the programs from Debian that the tests hold mayhouse against, where they are missing:
# promtool, pgbouncer, openssl, jq, strace, systemd-analyze, and the shells that complete its commands.
# Nothing is started: Debian's own services for them are kept from running.
set -euo pipefail

declare -A package_of=(
    [promtool]=prometheus
    [pgbouncer]=pgbouncer
    [jq]=jq
    [strace]=strace
    [openssl]=openssl
    [systemd-analyze]=systemd
    [bash]=bash
    [zsh]=zsh
    [fish]=fish
    [tmux]=tmux
)
missing=()
for program in "${!package_of[@]}"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null || missing+=("${package_of[$program]}")
done
[ "${#missing[@]}" -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "These are missing, and this is no Debian: ${missing[*]}" >&2
    exit 1
fi
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
# Debian starts a service that it installs unless this script says no (invoke-rc.d's contract).
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
