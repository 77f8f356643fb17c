#!/bin/sh
# Usage: install-dependencies.sh [LIST]. Installs what is missing of LIST (packaging/debian-packages.txt). Says nothing when nothing is missing.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
list=${1:-$root/packaging/debian-packages.txt}

wanted=$(sed -e 's/#.*//' "$list" | tr '\n' ' ')
if ! command -v dpkg-query >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
    # Another system: CMake will name what it does not find.
    if [ -z "${FLEETNAS_NO_DEPS:-}" ]; then
        echo "This is no Debian system (no dpkg and apt-get): install the equivalents of these Debian packages yourself," >&2
        echo "then run again with FLEETNAS_NO_DEPS=1 in the environment:" >&2
        echo "  $wanted" >&2
        exit 1
    fi
    exit 0
fi

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ -n "${FLEETNAS_NO_DEPS:-}" ]; then
    echo "Not installed, as FLEETNAS_NO_DEPS is set:$missing" >&2
    exit 0
fi

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "Missing packages, and neither root nor sudo to install them. As root, run:" >&2
        echo "  apt-get install --no-install-recommends$missing" >&2
        exit 1
    fi
    as_root=sudo
fi
echo "Installing:$missing"
$as_root apt-get update -qq
# env, as sudo does not hand on the environment
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
