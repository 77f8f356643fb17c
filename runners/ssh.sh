#!/bin/sh
# Usage: ssh.sh HOST RUNNER NETWORK.onnx [IMAGES LOGITS]
# Times a network on another machine: copies it (and the images) there, runs `RUNNER network.onnx [images.f32 logits.f32]` in a folder of its own, fetches the
# logits, and prints what RUNNER printed. RUNNER is a command line of the other machine's shell. Keys must be set up: no password is asked for.
# SSH_OPTIONS holds further options that ssh and scp both know, such as "-o Port=2222".
set -eu
[ $# -eq 3 ] || [ $# -eq 5 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 1; }
host=$1 runner=$2 network=$3 images=${4:-} logits=${5:-}
case $host in -*) echo "ssh.sh: \"$host\" is no host" >&2; exit 1 ;; esac

# shellcheck disable=SC2086 # options are words
remote() { ssh -n -o BatchMode=yes ${SSH_OPTIONS:-} "$host" "$1"; }
# shellcheck disable=SC2086
copy() { scp -q -o BatchMode=yes ${SSH_OPTIONS:-} "$@" >&2; }

# The other machine names the folder; only a name that needs no quoting is believed.
folder=$(remote 'mktemp -d /tmp/fleetnas-XXXXXX')
case $folder in
/tmp/fleetnas-*[!A-Za-z0-9]* | '') echo "ssh.sh: $host makes no folder: \"$folder\"" >&2; exit 1 ;;
/tmp/fleetnas-*) ;;
*) echo "ssh.sh: $host makes no folder: \"$folder\"" >&2; exit 1 ;;
esac
trap 'remote "rm -rf $folder" >/dev/null 2>&1 || true' EXIT
trap 'exit 1' HUP INT TERM

copy "$network" "$host:$folder/network.onnx"
if [ -n "$images" ]; then
    copy "$images" "$host:$folder/images.f32"
    remote "cd $folder && $runner network.onnx images.f32 logits.f32"
    copy "$host:$folder/logits.f32" "$logits"
else
    remote "cd $folder && $runner network.onnx"
fi
