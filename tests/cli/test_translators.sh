#!/bin/sh
# Measuring networks that translate for real, small: by the runtimes here, by programs, by onnxruntime where it is installed; and what is refused.
. "$2/cli/support.sh"
root=$(cd "$tests/.." && pwd)
card=$place/card.json
samples=$card.samples.sqlite
space=transformer:encoder-embed=24+16,decoder-embed=16+12,encoder-layers=2+1,decoder-layers=3+2+1,encoder-ffn=40+24,decoder-ffn=40+24,encoder-heads=4+2,decoder-heads=4+2,ende-heads=4+2,ende-attn=-1,qkv=16,length=6

# measure TEXT WORD...: a card, from at most six attempts: on a busy machine the drift check may refuse some (exit code 4). Where it refuses all, nothing is said of
# this program.
measure() {
    about=$1
    shift
    for _ in 1 2 3 4 5 6; do
        code=0
        rm -f "$samples"
        "$fleetnas" device measure --space "$space" --name here -o "$card" --vocabulary-size 50 "$@" > "$place/out" 2> "$place/err" || code=$?
        [ $code -eq 4 ] || break
    done
    case $code in
    0) pass "$about" ;;
    4) echo "skip - $about: the machine is not quiet, six measurements drifted" ;;
    *) fail "$about: exit code $code: $(cat "$place/err")" ;;
    esac
    [ $code -eq 0 ]
}

refuse() {
    about=$1 message=$2
    shift 2
    run 2 "$about" device measure --space "$space" --name here --reference-only -o "$card" "$@"
    says err "$message"
    want "no card: $about" [ ! -e "$card" ]
    rm -f "$samples"
}

# ---- what is refused ----

refuse "a runtime of images" "runtime onednn-plain runs networks of images only" --runtime onednn-plain
refuse "int8" "runtime blas runs networks that translate in f32, not in int8" --runtime blas --precision int8
refuse "a vocabulary that is hardly one" "the vocabulary size is 3: it must be 16 to 1000000" --vocabulary-size 3
refuse "images" "leave data out" --data synthetic:3x8x8
refuse "a program that wants images" "{images}, which is of networks of images: this space's read {sentences}" --command 'bench {onnx} {decoder} {images}'
refuse "half a network" "names one of {onnx} and {decoder}" --command 'bench {onnx}'
refuse "logits of nothing" "{logits} without {sentences}" --command 'bench {onnx} {decoder} {logits}'
run 2 "a vocabulary of images" device measure --space nb201:cells=1,input=1x28x28 --name here --reference-only --vocabulary-size 50 -o "$card"
says err "the space's networks do not translate"
run 2 "a decoder of images" device measure --space nb201:cells=1,input=1x28x28 --name here --reference-only -o "$card" --command 'bench {onnx} {decoder}'
says err "{decoder}, which is of networks that translate"

# ---- runtimes ----

for runtime in onednn blas; do
    if measure "$runtime" --runtime $runtime --archs 6 --batch 2; then
        says out "here, $runtime f32, batch 2, 1 thread, 6 architectures and 10 references"
        want "$runtime: the card says what was translated" grep -q '"sentences": {"vocabulary": 50, "source_words": 6, "target_words": 6}' "$card"
        grep -o '"arch": "[^"]*"' "$card" > "$place/archs-$runtime"
        run 2 "$runtime: another vocabulary is another device" device measure --space "$space" --name here --runtime $runtime --batch 2 --add --archs 2 --vocabulary-size 60 -o "$card"
        says err "its vocabulary is of 50 words, this measurement's of 60"
    fi
    rm -f "$card"
done
if [ -e "$place/archs-onednn" ] && [ -e "$place/archs-blas" ]; then want "both measure the same architectures" cmp "$place/archs-onednn" "$place/archs-blas"; fi

# ---- programs ----

mkdir "$place/bin"
PATH=$place/bin:$PATH
export PATH place
cat > "$place/bin/bench" <<'E2'
#!/bin/sh
# Milliseconds that depend on both models alone; how large the sentences are, and what else it is told, it writes down.
echo "$(wc -c < "$3") $4" > "$place/told"
awk -v size="$(cat "$1" "$2" | wc -c)" 'BEGIN { printf "%.4f ms\n", size / 10000 }'
E2
chmod +x "$place/bin/bench"
if measure "a program" --reference-only --batch 3 --command 'bench {onnx} {decoder} {sentences} {vocabulary}'; then
    want "it was told" [ "$(cat "$place/told")" = "$((8 * (2 + 2 * 3 * 6))) 50" ]
    want "the card says so" grep -q '"vocabulary": 50' "$card"
fi
rm -f "$card"

js=$root/build/runners/onnxruntime.js
if ! grep -q '"sentences"' "$js" 2> /dev/null; then
    echo "skip - onnxruntime is not measured: make runners installs it"
    finish
fi
if measure "onnxruntime, serving" --archs 4 --batch 2 --command "node '$js' --threads {threads} --serve" --command-serve; then
    want "logits were compared" grep -q '"verified": true' "$card"
    want "the card names the runtime" grep -q '"runtime_version": "onnxruntime [0-9.]*, Node' "$card"
fi
if measure "onnxruntime, once" --reference-only --command "node '$js' {onnx} {decoder} {sentences} {logits}"; then
    want "logits were compared" grep -q '"verified": true' "$card"
fi
finish
