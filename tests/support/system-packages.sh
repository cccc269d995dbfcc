#!/bin/sh
# Installs the named Debian packages that are absent, when this may be done without asking: as root, or with a sudo
# that asks for no password. Otherwise it says what is missing and how to install it, and succeeds: the tests that need
# an absent program say so when they are skipped.
set -eu

absent=""
for package in "$@"; do
    if ! dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
        # Not from a package, but there all the same?
        PATH="$PATH:/usr/sbin:/sbin" command -v "$package" >/dev/null 2>&1 || absent="$absent $package"
    fi
done
[ -n "$absent" ] || exit 0

as_root=""
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Not installed here, and this is no Debian:$absent. Tests that need them will be skipped." >&2
    exit 0
elif [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        echo "Not installed here:$absent. Tests that need them will be skipped." >&2
        echo "To run them too: sudo apt-get install --no-install-recommends$absent" >&2
        exit 0
    fi
fi

echo "Installing with apt-get:$absent"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # word splitting of $as_root and $absent is meant
if ! { $as_root apt-get update -q && $as_root apt-get install -q -y --no-install-recommends $absent; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "error: apt-get could not install:$absent" >&2
    exit 1
fi
