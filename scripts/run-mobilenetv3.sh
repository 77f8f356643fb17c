#!/bin/sh
# A supernet of Once-for-All's MobileNetV3, small and for CIFAR-10: trained in phases, searched over three devices that this machine is, its fronts checked on the test
# images, a network exported (docs/mobilenetv3.md, "From nothing to a checked front"). Each command line is shown before it runs.
#   CIFAR10   folder with data_batch_1..5.bin and test_batch.bin, plain or .xz (needed)     RUN_DIR  where everything goes [build/mobilenetv3]
#   MINUTES   of the search [40]     SEED [0]     THREADS [one a processor]     SPACE [mobilenetv3:width=0.35,classes=10,resolutions=32-64-8]
set -eu
cd "$(dirname "$0")/.."
fleetnas=${FLEETNAS:-build/release/fleetnas}
folder=${RUN_DIR:-build/mobilenetv3}
seed=${SEED:-0}
threads=${THREADS:-$(nproc)}
export OMP_WAIT_POLICY=passive
. scripts/demo-devices.sh
demo_space=${SPACE:-mobilenetv3:width=0.35,classes=10,resolutions=32-64-8}
demo_table='
onednn-f32      --runtime onednn --precision f32
onednn-int8     --runtime onednn --precision int8
blas-f32        --runtime blas
onednn-plain    --runtime onednn-plain
onednn-f32-b8   --runtime onednn --precision f32 --batch 8
'
demo_unseen=onednn-plain

[ -x "$fleetnas" ] || { echo "$fleetnas is missing: make build" >&2; exit 1; }
[ -d "${CIFAR10:-}" ] || { echo "CIFAR10 must name the folder with CIFAR-10's binary files" >&2; exit 1; }
demo_data=cifar10:$CIFAR10

# Starts clean, and removes only what an earlier one made.
if [ -e "$folder" ]; then
    [ -f "$folder/.fleetnas-mobilenetv3" ] || { echo "$folder exists and is not of this script: give another with RUN_DIR" >&2; exit 1; }
    rm -rf "$folder"
fi
mkdir -p "$folder/devices"
: > "$folder/.fleetnas-mobilenetv3"
devices=$folder/devices
run=$folder/run

printf '\n== 1. Measure this machine'\''s devices\n'
measure_devices "$devices" 150
searched='' cards=''
for name in $measured; do
    cards="$cards $devices/$name.json"
    [ "$name" = "$demo_unseen" ] || searched="$searched $devices/$name.json"
done
# shellcheck disable=SC2086 # lists of words
show device show $cards

printf '\n== 2. Train the supernet in phases, then search on it, frozen (%s is not searched)\n' "$demo_unseen"
# shellcheck disable=SC2086
show search --space "$demo_space" --data "$demo_data" --device $searched --minutes "${MINUTES:-40}" --seed "$seed" --threads "$threads" --out "$run"

printf '\n== 3. A front for every device\n'
for name in $measured; do
    show front "$run" --device "$devices/$name.json" --threads "$threads" -o "$run/fronts/$name.json" -o "$run/fronts/$name.csv" --svg "$run/fronts/$name.svg"
done

printf '\n== 4. One network as files\n'
first=${measured# }
first=${first%% *}
arch=$("$fleetnas" front "$run" --device "$devices/$first.json" --threads "$threads" --json --quiet | sed -n 's/^ *"arch": "\(.*\)",$/\1/p' | sed 's/\\"/"/g' | head -1)
for format in onnx safetensors ofa; do
    case $format in ofa) ending=json ;; *) ending=$format ;; esac
    show export "$run" --arch "$arch" --format "$format" -o "$folder/network.$ending"
done

printf '\n== 5. Check the promises on the test images, beside random sub-networks of the same supernet\n'
# shellcheck disable=SC2086
show verify "$run" --device $cards --test-images 10000 --random 24 --threads "$threads" -o "$folder/verify.json"
# shellcheck disable=SC2086
show report "$run" --device $cards --threads "$threads" -o "$folder/report.html"
printf '\nFronts: %s/fronts\nReport: %s\n' "$run" "$folder/report.html"
