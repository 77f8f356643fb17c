#!/bin/sh
# ssh.sh and the onnxruntime runner on a machine of another architecture: a folder stands for it, where ssh and scp lead, and its Node and onnxruntime are real aarch64
# programs under qemu's emulation. `make runners-aarch64` fetches them; nothing is fetched here.
. "$2/cli/support.sh"
root=$(cd "$tests/.." && pwd)
emulated=$root/build/runners-aarch64/node
js=$root/build/runners/onnxruntime.js
if [ ! -x "$emulated" ] || [ ! -f "$js" ]; then
    echo "skip - no runner was tested as an aarch64 program: make runners-aarch64 fetches an emulator and what it runs"
    exit 0
fi
card=$place/card.json
board=$place/board
mkdir "$place/bin" "$board"
PATH=$place/bin:$PATH
export PATH place board emulated

program() {
    { echo '#!/bin/sh'; cat; } > "$place/bin/$1"
    chmod +x "$place/bin/$1"
}

# The board's /tmp is $board. Its commands run there, and only what names it is copied to it or from it.
program ssh <<'E2'
while :; do case $1 in -n) shift ;; -o) shift 2 ;; *) break ;; esac; done
[ "$1" = board ] || { echo "no host $1" >&2; exit 255; }
code=0
answer=$(sh -c "$(printf '%s' "$2" | sed "s| /tmp/fleetnas-| $board/fleetnas-|g")") || code=$?
printf '%s\n' "$answer" | sed "s|^$board/|/tmp/|"
exit $code
E2
program scp <<'E2'
while :; do case $1 in -q) shift ;; -o) shift 2 ;; *) break ;; esac; done
there() { printf '%s' "$1" | sed "s|^board:/tmp/|$board/|"; }
exec cp "$(there "$1")" "$(there "$2")"
E2
program board-node <<'E2'
[ "$(dirname "$PWD")" = "$board" ] || { echo "not on the board but in $PWD" >&2; exit 9; }
echo call >> "$place/calls"
exec "$emulated" "$@"
E2

want "the emulated program is one of aarch64" [ "$("$emulated" -p process.arch)" = arm64 ]

# Every one of the samples is compared with what oneDNN computes here. Code 4 is unrest of the machine: logits were compared all the same, but there is no card.
code=0
"$fleetnas" device measure --space "$space" --name board --reference-only --batch 2 -o "$card" \
    --command "sh '$root/runners/ssh.sh' board \"board-node '$js'\" {onnx} {images} {logits}" > "$place/out" 2> "$place/err" < /dev/null || code=$?
case $code in
0)
    pass "ten networks are measured by aarch64 programs"
    want "their logits were compared" grep -q '"verified": true' "$card"
    want "they differ by roundings alone" awk -F'[:,]' '/"logits_difference"/ { near = $2 < 1e-5 } END { exit !near }' "$card" # a dozen sums of some forty products in f32
    want "the runtime tells its version" grep -q '"runtime_version": "onnxruntime [0-9.]*, Node' "$card"
    want "the processor has a name" sh -c "grep -q '\"processor\": \"' '$card' && ! grep -q '\"processor\": \"unknown\"' '$card'"
    ;;
4) echo "skip - a card by aarch64 programs: the machine is not quiet, the measurement drifted" ;;
*) fail "ten networks are measured by aarch64 programs (exit code $code)" ;;
esac
want "each sample ran the emulated program" [ "$(wc -l < "$place/calls")" -ge 33 ]
want "nothing is left on the board" [ -z "$(ls "$board")" ]

# What comes back from the board is compared, not trusted.
program board-node <<'E2'
shift
head -c 32 /dev/zero > "$3" && echo 3
E2
run 2 "logits that the board made up" device measure --space "$space" --name board --reference-only --batch 2 -o "$place/none.json" \
    --command "sh '$root/runners/ssh.sh' board \"board-node '$js'\" {onnx} {images} {logits}"
says err "its logits differ from ours by 1 of their length"
want "nothing is left on the board then" [ -z "$(ls "$board")" ]
finish
