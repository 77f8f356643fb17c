#!/bin/sh
# Measuring by a command: what a program may do wrong is named, samples survive it, the networks are what they should be, and the runners that come along work.
. "$2/cli/support.sh"
root=$(cd "$tests/.." && pwd)
card=$place/card.json
samples=$card.samples.sqlite
mkdir "$place/bin" "$place/tmp"
PATH=$place/bin:$PATH
TMPDIR=$place/tmp # where a measurement that is killed leaves its folder
export PATH TMPDIR place

# A program of this test: program NAME <<SCRIPT.
program() {
    { echo '#!/bin/sh'; cat; } > "$place/bin/$1"
    chmod +x "$place/bin/$1"
}

# measure CODE TEXT COMMAND WORD...: ten references, three rounds: 30 samples and 3 of drift.
measure() {
    wanted_code=$1 about=$2 command=$3
    shift 3
    run "$wanted_code" "$about" device measure --space "$space" --name board --reference-only -o "$card" --command "$command" "$@"
}

# refuse TEXT COMMAND MESSAGE WORD...: exit code 2, this message, no card.
refuse() {
    about=$1 command=$2 message=$3
    shift 3
    measure 2 "$about" "$command" "$@"
    says err "$message"
    want "no card: $about" [ ! -e "$card" ]
    rm -f "$samples"
}

# Milliseconds that depend on the network alone; it counts its calls.
program bench <<'E2'
echo call >> "$place/calls"
awk -v size="$(wc -c < "$1")" 'BEGIN { printf "took %.4f ms\n", size / 10000 }'
E2
calls() { wc -l < "$place/calls" | tr -d ' '; }

# ---- a measurement ----

measure 0 "a program that prints milliseconds" 'bench {onnx}'
says out "board, command f32, batch 1, 1 thread, 0 architectures and 10 references"
want "33 calls" [ "$(calls)" = 33 ]
want "no samples are left behind" [ ! -e "$samples" ]
want "the card says that logits were not compared" grep -q '"verified": false' "$card"
want "the card says what its number is" grep -q '"statistic": "min_ms"' "$card"
run 0 "the card can be shown" device show "$card"
rm -f "$card"

program two <<'E2'
echo 3 ms, 40.5 mJ
E2
measure 0 "energy as a second number" 'two {onnx}' --command-energy
want "the card holds the energy" grep -q '"energy_mj": \[40.5, 40.5' "$card"
rm -f "$card"
program object <<'E2'
echo "loaded 3 files"
echo '{"mean": 2.5, "ms": 9, "energy_mj": 7, "runtime": "tiny", "runtime_version": "1.2", "processor": "Z80"}'
E2
measure 0 "a field of a JSON answer" 'object {onnx}' --command-json mean --command-energy --precision f16 --threads 2
want "the field was taken" grep -q '"latency_ms": \[2.5, 2.5' "$card"
want "the card says what measured" grep -q '"runtime": "tiny"' "$card"
want "the card names the processor" grep -q '"processor": "Z80"' "$card"
want "the card has the precision" grep -q '"precision": "f16"' "$card"
want "with two threads it is a median" grep -q '"statistic": "median_ms"' "$card"
rm -f "$card"

# ---- wrong usage ----

run 1 "a command and a runtime" device measure --space "$space" --name b --command 'bench {onnx}' --runtime blas -o "$card"
says err "--runtime has no use with --command"
run 1 "serving without a command" device measure --space "$space" --name b --command-serve -o "$card"
says err "belong to --command"
refuse "a command without the network" 'bench' '--command has no {onnx}'
refuse "logits without images" 'bench {onnx} {logits}' '{logits} without {images}'
refuse "a serving command with a path" 'bench {onnx}' 'leave them out' --command-serve
refuse "a pipe" 'bench {onnx} | tail -1' 'is run without a shell'
refuse "too few rounds" 'bench {onnx}' 'rounds is 2: it must be 3' --rounds 2
run 2 "f16 is for commands" device measure --space "$space" --name b --precision f16 -o "$card"
says err 'unknown precision "f16"'

# ---- programs that go wrong ----

refuse "a program that is missing" 'fleetnas-no-such {onnx}' 'fleetnas-no-such: no such program'
program fails <<'E2'
echo starting >&2; echo "board is on fire" >&2; echo 3; exit 7
E2
refuse "a program that fails" 'fails {onnx}' 'fails ended with exit code 7; it says "board is on fire"'
says err 'measure board: |'
refuse "a program that prints no number" "sh -c 'echo done' {onnx}" 'sh prints "done": print the milliseconds'
refuse "a program that prints nothing" 'true {onnx}' 'true prints nothing'
refuse "a program that hangs" "sh -c 'sleep 60' {onnx}" 'sh gave no answer in 0.3 s and was killed' --command-timeout 0.3
refuse "a program that floods" 'yes {onnx}' 'yes printed more than 1048576 bytes and was killed'
refuse "a negative time" "sh -c 'echo -3' {onnx}" 'a latency of -3'
refuse "a time that is no number" "sh -c 'echo 3 nan ms' {onnx}" 'gives "nan" as a latency'
refuse "no energy" "sh -c 'echo 3' {onnx}" 'two numbers on its last line' --command-energy
refuse "latency and energy on two lines" "sh -c 'echo 3 ms; echo 40 mJ' {onnx}" 'two numbers on its last line' --command-energy
refuse "no such field" 'object {onnx}' 'its answer has no "median"' --command-json median

# ---- stand-ins ----

refuse "a program that writes no logits" "sh -c 'echo 3' {onnx} {images} {logits}" 'sh wrote no logits'
program zeros <<'E2'
head -c 16 /dev/zero > "$3"; echo 3
E2
refuse "a program that makes logits up" 'zeros {onnx} {images} {logits}' 'its logits differ from ours by 1 of their length, more than 0.001'
program short <<'E2'
head -c 12 /dev/zero > "$3"; echo 3
E2
refuse "logits of another number" 'short {onnx} {images} {logits}' 'has 12 bytes, expected 4 f32 numbers'
program nan <<'E2'
for i in 1 2 3 4; do printf '\000\000\300\177'; done > "$3"; echo 3
E2
refuse "logits that are no numbers" 'nan {onnx} {images} {logits}' 'its logits differ from ours by nan'
program server <<'E2'
while read -r line; do echo "$line" >> "$place/requests"; echo '{"ms": 2}'; done
E2
refuse "a server that computes nothing" 'server' 'server wrote no logits' --command-serve
want "a request names three files" grep -q '^{"arch": "|.*|", "onnx": ".*/drift.onnx", "images": ".*/images.f32", "logits": ".*/logits.f32"}$' "$place/requests"
program quits <<'E2'
read -r line; echo "no memory" >&2; exit 1
E2
refuse "a server that quits" 'quits' 'quits did not answer: it ended with exit code 1; it says "no memory"' --command-serve
refuse "a server that complains" "sh -c 'read -r line; echo \"{\\\"error\\\": \\\"no such operator\\\"}\"'" 'sh failed: no such operator' --command-serve

# ---- drift ----

program tires <<'E2'
echo call >> "$place/tired"; awk 'END { print NR }' "$place/tired"
E2
measure 4 "a device that drifts" 'tires {onnx}'
says err "% more time, and 15 % are allowed"
says err "samples are kept in $samples: add --anew to throw them away and measure anew, or give more --rounds"
want "samples of a drift are kept" [ -s "$samples" ]
: > "$place/tired"
measure 4 "the same command says the same again" 'tires {onnx}'
want "without a new sample" [ ! -s "$place/tired" ]
program tires <<'E2'
echo 3
E2
measure 0 "it is begun anew" 'tires {onnx}' --anew
want "no samples are left behind then" [ ! -e "$samples" ]
rm -f "$card"
program late <<'E2'
echo call >> "$place/late"; [ "$(wc -l < "$place/late")" -lt 12 ] || exit 1; echo 3
E2
measure 2 "a program that fails late" 'late {onnx}'
head -c 5000 "$samples" > "$place/cut"
cat "$place/cut" > "$samples"
measure 2 "samples that are damaged are refused" 'tires {onnx}'
says err "these are no samples of a measurement"
measure 0 "they are begun anew" 'tires {onnx}' --anew
want "none of them is left" [ ! -e "$samples" ]
rm -f "$card"
run 1 "anew without a command" device measure --space "$space" --name b --anew -o "$card"
says err "--anew belong to --command"

# ---- noise ----

program dice <<'E2'
echo call >> "$place/rolled"
case $1 in */drift.onnx) echo 1.5 ;; *) awk 'END { srand(NR); print 1 + rand() }' "$place/rolled" ;; esac
E2
measure 0 "a device that throws dice" 'dice {onnx}' --rounds 4 --threads 2
says err "warning: these latencies are noisy"
run 0 "its card" device show "$card"
says out "these latencies are noisy"
rm -f "$card"

# ---- a list of architectures, added to a card ----

cat > "$place/list.json" <<'E2'
["|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|", "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"]
E2
grow() { # CODE TEXT WORD...: by the program of before
    wanted_code=$1 about=$2
    shift 2
    run "$wanted_code" "$about" device measure --space "$space" --name board -o "$card" --command 'bench {onnx}' "$@"
}
grow 0 "a list of architectures" --archs-file "$place/list.json"
says out "2 architectures and 10 references"
want "the list's architectures" grep -q '"arch": "|skip_connect~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"' "$card"
want "nothing is said of noise where there is none" sh -c "! grep -q noisy '$place/err'"
grow 0 "random ones are added" --add --archs 5
says out "7 architectures (5 added) and 10 references"
grow 0 "and again, other ones" --add --archs 5
says out "12 architectures (5 added) and 10 references"
want "the card says that it grew twice" [ "$(grep -o '"references_change"' "$card" | wc -l)" -eq 2 ]
cp "$card" "$place/grown.json"
grow 2 "what the card has" --add --archs-file "$place/list.json"
says err "list.json: architecture 0 is on the card of device board already"
grow 1 "references are the card's" --add --references "$place/list.json"
says err "--references has no use with --add"
grow 1 "nothing to add" --add --reference-only
says err "--add has no use with --reference-only"
grow 1 "a list and random ones" --archs 3 --archs-file "$place/list.json"
says err "leave one out"
grow 2 "another setting" --add --archs 5 --batch 2
says err "its batch is 1, this measurement's 2"
grow 2 "energies that the card has not" --add --archs 5 --command-energy
says err "has no energies"
want "the card stays as it was" cmp -s "$card" "$place/grown.json"
program slower <<'E2'
bench "$1" | awk '{ print 2 * $2 }'
E2
measure_slower() { run "$1" "$2" device measure --space "$space" --name board -o "$card" --command 'slower {onnx}' --add --archs 5; }
measure_slower 4 "a device that has become slower"
says err "its references take +100 % time in the median"
want "the card stays as it was then, too" cmp -s "$card" "$place/grown.json"
rm -f "$samples"
sed 's/^\[\(.*\), .*\]$/[\1, \1]/' "$place/list.json" > "$place/twice.json"
grow 2 "an architecture twice" --archs-file "$place/twice.json"
says err "twice.json: architectures 0 and 1 are the same architecture: keep one"

# ---- other references ----

sed -n 's/^    {"arch": \("[^"]*"\).*/\1/p' "$card" | head -10 | paste -sd, | sed 's/.*/[&]/' > "$place/others.json"
run 0 "a card by references that it has measured" device rebase "$card" --references "$place/others.json" -o "$place/rebased.json"
says out "rebased.json: board, 22 architectures and 10 references"
run 0 "it can be shown" device show "$place/rebased.json"
want "its references are those" [ "$(sed -n '/"reference"/,/latency_ms/s/^ *\("|[^"]*"\).*/\1/p' "$place/rebased.json" | paste -sd, | sed 's/.*/[&]/')" = "$(cat "$place/others.json")" ]
sed 's/nor_conv_3x3/nor_conv_1x1/g; s/skip_connect/avg_pool_3x3/g' "$place/others.json" > "$place/unknown.json"
run 2 "references that it has not measured" device rebase "$card" --references "$place/unknown.json" -o "$place/none.json"
says err "is not on its card: measure it (device measure --add --archs-file)"
sed 's/^\[\("[^"]*"\),"[^"]*"/[\1,\1/' "$place/others.json" > "$place/equal.json"
run 2 "equal references" device rebase "$card" --references "$place/equal.json" -o "$place/none.json"
says err "equal.json: references 0 and 1 are the same architecture: keep one"
run 2 "equal references to measure" device measure --space "$space" --name b --references "$place/equal.json" --command 'bench {onnx}' -o "$place/none.json"
says err "equal.json: references 0 and 1 are the same architecture: keep one"
want "no card was made" [ ! -e "$place/none.json" ]
rm -f "$card"

# ---- interrupted and gone on ----

program dies <<'E2'
[ "$(wc -l < "$place/calls")" -ne 20 ] || [ -e "$place/repaired" ] || { echo "cable is loose" >&2; exit 1; }
exec bench "$@"
E2
: > "$place/calls"
measure 2 "a program that fails in the middle" 'dies {onnx}'
says err "cable is loose"
says err "samples taken so far are kept in $samples: the same command goes on from there"
want "20 samples were taken" [ "$(calls)" = 20 ]
measure 2 "a changed setting" 'dies {onnx}' --threads 2
says err 'threads is "1" there and "2" now'
never_says err "the same command"
measure 2 "another command" 'bench {onnx}'
says err 'command is "dies {onnx}" there and "bench {onnx}" now'
never_says err "the same command"
measure 2 "references that are missing" 'dies {onnx}' --references "$place/nowhere.json"
never_says err "the same command"
want "nothing was measured for those" [ "$(calls)" = 20 ]
cp "$samples" "$place/begun"
program breaks <<'E2'
[ "$(wc -l < "$place/calls")" -ne 30 ] || { echo "cable is loose" >&2; exit 1; }
exec bench "$@"
E2
measure 2 "a program that fails after it was begun anew" 'breaks {onnx}' --anew
says err "the same command without --anew goes on from there"
cp "$place/begun" "$samples"
for _ in $(seq 20); do echo x; done > "$place/calls"
touch "$place/repaired"
measure 0 "the same command goes on" 'dies {onnx}' --rounds 4
want "no sample was taken twice" [ "$(calls)" = 44 ]
mv "$card" "$place/resumed.json"
measure 0 "the same in one go" 'bench {onnx}' --rounds 4
sed -n '/latency_ms/p' "$card" > "$place/whole"
sed -n '/latency_ms/p' "$place/resumed.json" > "$place/parts"
want "the same latencies as in one go" cmp "$place/whole" "$place/parts"
rm -f "$card"
want "no folder of networks is left behind" [ -z "$(ls "$TMPDIR")" ]

program slow <<'E2'
sleep 0.05
exec bench "$@"
E2
: > "$place/calls"
begin() { # starts a measurement in the background, and waits until it has taken some samples
    "$fleetnas" device measure --space "$space" --name board --reference-only -o "$card" --command 'slow {onnx}' --rounds 8 > "$place/out" 2> "$place/err" < /dev/null &
    measuring=$!
    for _ in $(seq 200); do
        [ "$(calls)" -lt "$1" ] || break
        sleep 0.05
    done
}
begin 15
kill -9 $measuring
code=0
wait $measuring || code=$?
want "it was killed in the middle" [ $code -eq 137 ]
before=$(calls)
begin $((before + 5))
kill -TERM $measuring
code=0
wait $measuring || code=$?
want "a signal ends it with 130" [ $code -eq 130 ]
says err "interrupted: the samples taken so far are in $samples"
measure 0 "it goes on after both" 'slow {onnx}' --rounds 8
taken=$(calls)
want "at least 88 samples were taken" [ "$taken" -ge 88 ]
mkdir -p "$TMPDIR/fleetnas-abcdef"
: > "$TMPDIR/fleetnas-abcdef/0.onnx"
touch -d '2 minutes ago' "$TMPDIR"/fleetnas-*
rm -f "$card"
measure 0 "the next measurement" 'bench {onnx}'
want "folders that killed ones left are removed" [ -z "$(ls "$TMPDIR")" ]
want "few samples were taken again: what the last half second gave" [ "$taken" -le 104 ]
rm -f "$card"
echo garbage-that-is-no-data-base-of-any-kind > "$samples"
measure 2 "a file of samples that is none" 'bench {onnx}'
says err "these are no samples of a measurement"
rm -f "$samples"

# ---- the networks ----

program keep <<'E2'
mkdir -p "$place/kept"; cp "$1" "$place/kept/"; cp "$2" "$place/kept/"; echo 3
E2
run 0 "keep the networks" device measure --space "$space" --name board --archs 40 --batch 3 -o "$card" --command 'keep {onnx} {images}'
rm -f "$card"
want "51 networks" [ "$(find "$place/kept" -name '*.onnx' | wc -l)" -eq 51 ]
want "a batch of images" [ "$(wc -c < "$place/kept/images.f32")" -eq $((3 * 64 * 4)) ]
code=0
/usr/bin/python3 "$tests/export/check_onnx.py" "$place"/kept/*.onnx > "$place/out" 2> "$place/err" || code=$?
case $code in
0) pass "the ONNX checker takes all of them" ;;
77 | 127) echo "skip - python3-onnx is not installed: the networks are not checked" ;;
*) fail "the ONNX checker" ;;
esac

# ---- spaces without networks ----

sh "$root/examples/made-up-space.sh" "$place/made" > "$place/out" 2>&1
program of-name <<'E2'
echo "$1" >> "$place/names"; echo "${#1}.5"
E2
made() { # CODE TEXT COMMAND WORD...
    wanted_code=$1 about=$2 command=$3
    shift 3
    run "$wanted_code" "$about" device measure --space "$place/made/space.json" --references "$place/ten.json" --name board --archs 5 -o "$card" --command "$command" "$@"
}
awk -F, 'BEGIN { printf "[" } NR > 1 && NR < 12 { printf "%s\"%s\"", (NR > 2 ? ", " : ""), $1 } END { print "]" }' "$place/made/table.csv" > "$place/ten.json"
made 2 "a space without networks exports none" 'bench {onnx}'
says err 'name {arch} alone'
made 0 "a program that is told the architecture" 'of-name {arch}'
want "it was told native strings" grep -Eq '^(k[357]e[346]/){21}k[357]e[346]$' "$place/names"
rm -f "$card"
program of-request <<'E2'
while read -r line; do echo "$line" >> "$place/asked"; echo '{"ms": 2}'; done
E2
made 0 "a server that is told the architecture" of-request --command-serve
want "it is told nothing else" grep -Eq '^\{"arch": "[^"]*"\}$' "$place/asked"
rm -f "$card"

# ---- the runners for other machines, with stand-ins for ssh, scp and adb ----

mkdir -p "$place/phone"
program ssh <<'E2'
while :; do case $1 in -n) shift ;; -o) shift 2 ;; *) break ;; esac; done
echo "$1" >> "$place/hosts"
exec sh -c "$2"
E2
program scp <<'E2'
while :; do case $1 in -q) shift ;; -o) shift 2 ;; *) break ;; esac; done
exec cp "${1#board:}" "${2#board:}"
E2
program adb <<'E2'
at() { echo "$1" | sed "s|/data/local/tmp|$place/phone|g"; }
case $1 in
shell) sh -c "$(at "$2")" | sed 's/$/\r/' ;;
push) cp "$2" "$(at "$3")"; echo "$2: 1 file pushed" ;;
pull) cp "$(at "$2")" "$3"; echo "$2: 1 file pulled" ;;
esac
E2
program remote-bench <<'E2'
[ "$1" = network.onnx ] || exit 9
echo "$@" >> "$place/remote"
[ $# -eq 1 ] || { [ "$2 $3" = "images.f32 logits.f32" ] && [ -s images.f32 ] && head -c 16 /dev/zero > logits.f32; }
exec bench "$1"
E2
program remote-terse <<'E2'
bench "$1" | tr -d '\n'
E2
for way in "ssh.sh board" adb.sh; do
    runner="sh '$root/runners/${way%% *}'${way#"${way%% *}"} remote-bench"
    measure 0 "$way" "$runner {onnx}"
    sed -n '/latency_ms/p' "$card" > "$place/parts"
    want "$way gives the latencies of the local program" cmp "$place/whole" "$place/parts"
    rm -f "$card"
    measure 0 "$way, of output without a newline" "$(echo "$runner" | sed 's/remote-bench/remote-terse/') {onnx}"
    sed -n '/latency_ms/p' "$card" > "$place/parts"
    want "$way gives the same latencies then" cmp "$place/whole" "$place/parts"
    rm -f "$card"
    refuse "$way hands on logits that were made up" "$runner {onnx} {images} {logits}" 'its logits differ from ours by 1'
    refuse "$way tells of a failure there" "$(echo "$runner" | sed 's/remote-bench/fails/') {onnx}" 'ended with exit code'
    says err "board is on fire"
done
want "ssh was given the host" grep -qx board "$place/hosts"
want "nothing is left on the phone" [ -z "$(ls "$place/phone")" ]
run_usage() { sh "$root/runners/$1" 2>&1 || true; }
want "ssh.sh says how it is used" [ -n "$(run_usage ssh.sh | grep 'Times a network')" ]

# ---- onnxruntime ----

js=$root/build/runners/onnxruntime.js
if [ ! -f "$js" ]; then
    echo "skip - onnxruntime is not measured: make runners installs it"
    finish
fi
patient() { # CODE 4 is unrest of the machine
    about=$1
    shift
    for _ in 1 2 3; do
        code=0
        rm -f "$samples"
        "$fleetnas" device measure --space "$space" --name board -o "$card" "$@" > "$place/out" 2> "$place/err" || code=$?
        [ $code -eq 4 ] || break
    done
    case $code in
    0) pass "$about" ;;
    4) echo "skip - $about: the machine is not quiet, three measurements drifted" ;;
    *) fail "$about: exit code $code" ;;
    esac
    [ $code -eq 0 ]
}
for backend in native wasm; do
    if patient "onnxruntime $backend, serving" --archs 8 --batch 2 --command "node '$js' --backend $backend --threads {threads} --serve" --command-serve; then
        want "$backend: logits were compared" grep -q '"verified": true' "$card"
        want "$backend: the card names the runtime" grep -q '"runtime_version": "onnxruntime [0-9.]*, Node' "$card"
    fi
done
# Started for each sample.
if patient "onnxruntime over adb" --reference-only --command "sh '$root/runners/adb.sh' \"node '$js'\" {onnx} {images} {logits}"; then
    want "adb: logits were compared" grep -q '"verified": true' "$card"
fi
rm -f "$card" "$samples"
program other <<E2
exec node '$js' "\$(dirname "\$1")/drift.onnx" "\$2" "\$3"
E2
refuse "a program that runs another network" 'other {onnx} {images} {logits}' 'it runs another network'
printf 'no network' > "$place/bad.onnx"
want "what is no network is refused" sh -c "! node '$js' '$place/bad.onnx' 2> '$place/err'"
want "an unknown option is refused" sh -c "! node '$js' --bakend wasm x.onnx 2> '$place/err'"
finish
