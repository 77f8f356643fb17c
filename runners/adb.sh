#!/bin/sh
# Usage: adb.sh RUNNER NETWORK.onnx [IMAGES LOGITS]
# Times a network on an Android device: pushes it (and the images) there, runs `RUNNER network.onnx [images.f32 logits.f32]` in a folder of its own, pulls the
# logits, and prints what RUNNER printed. RUNNER is a command line of the device's shell. ANDROID_SERIAL chooses among several devices, as adb itself reads it.
set -eu
[ $# -eq 2 ] || [ $# -eq 4 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 1; }
runner=$1 network=$2 images=${3:-} logits=${4:-}
folder=/data/local/tmp/fleetnas-$$

# What an old adb prints for a line end is \r\n. Its exit code is that of the device's shell since Android 7; before, and where the connection is lost, the last
# line tells: one of its own, even where the output before it has no line end.
device() {
    answer=$(adb shell "$1; code=\$?; echo; echo fleetnas-code \$code" </dev/null | tr -d '\r') || { echo "adb.sh: adb shell failed" >&2; return 1; }
    printf '%s\n' "$answer" | sed '$d'
    case $answer in
    *"fleetnas-code 0") return 0 ;;
    *) return 1 ;; # it has said why
    esac
}

trap 'device "rm -rf $folder" >/dev/null 2>&1 || true' EXIT
trap 'exit 1' HUP INT TERM
device "mkdir $folder"
adb push "$network" "$folder/network.onnx" >/dev/null
if [ -n "$images" ]; then
    adb push "$images" "$folder/images.f32" >/dev/null
    device "cd $folder && $runner network.onnx images.f32 logits.f32"
    adb pull "$folder/logits.f32" "$logits" >/dev/null
else
    device "cd $folder && $runner network.onnx"
fi
