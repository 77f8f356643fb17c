#!/bin/sh
# A supernet that is trained in phases and frozen: searched over made-up devices, asked, checked, exported; and what is refused.
. "$2/cli/support.sh"
small=mobilenetv3:width=0.1,classes=4,resolutions=16-32-16
images=synthetic:3x12x12,classes=4,images=400
here() { # NAME OPTIONS...
    card=$1
    shift
    "$fleetnas" device measure --space "$small" --name "$card" "$@" --archs 12 --rounds 12 --quiet -o "$place/$card.json"
}
# A machine that is not quiet may spoil a card: measured again then.
for name in f32 blas; do
    case $name in f32) runtime=onednn ;; *) runtime=$name ;; esac
    for _ in 1 2 3; do
        here $name --runtime $runtime > "$place/out" 2> "$place/err" && break
    done
    want "the device $name is measured" [ -s "$place/$name.json" ]
done

search() {
    "$fleetnas" search --space "$small" --data "$images" --device "$place/f32.json" "$place/blas.json" --preset quick --paths 4 --seed 3 "$@"
}
want "search" search --steps 8 --out "$place/run"
want "its supernet is frozen" grep -q '"shared_weights": "frozen"' "$place/run/config.json"
want "it was trained in phases" grep -q '"phases"' "$place/run/config.json"

# ---- on its weights ----
want "search on given weights" search --steps 3 --weights "$place/run" --out "$place/again"
want "they have a checksum" grep -q '"start_weights": "crc32:[0-9a-f]\{8\}"' "$place/again/config.json"
want "search that goes on training" search --steps 5 --weights "$place/run" --supernet moving --warmup 0.4 --phases none --distillation 0.2 --out "$place/moving"
want "no phases" grep -q '"phases": \[\]' "$place/moving/config.json"
run 1 "phases without a warm-up" search --space "$small" --data "$images" --device "$place/f32.json" --weights "$place/run" --phases 1,1,1,1 --out "$place/none"
says err "--phases has no use without a warm-up"
run 1 "three phases of four" search --space "$small" --data "$images" --device "$place/f32.json" --phases 1,1,1 --out "$place/none"
says err "must be none or 4 numbers"
run 1 "frozen and never trained" search --space "$small" --data "$images" --device "$place/f32.json" --warmup none --out "$place/none"
says err "give trained ones with --weights"
run 2 "weights of nothing" search --space "$small" --data "$images" --device "$place/f32.json" --weights "$place/run/predictor.safetensors" --out "$place/none"
says err "predictor.safetensors"
run 2 "other classes" search --space "$small" --data synthetic:3x12x12,classes=5,images=400 --device "$place/f32.json" --out "$place/none"
says err "classes=5"
want "no run of these" [ ! -e "$place/none" ]

# ---- answers ----
run 0 "front" front "$place/run" --device "$place/f32.json" --candidates 8 -o "$place/front.csv"
says out '"r":'
run 0 "pick" pick "$place/run" --device "$place/blas.json" --prefer error=0.5,latency_ms=0.5
arch=$(sed -n 's/^f32,"\(.*}\)",.*/\1/p' "$place/front.csv" | sed 's/""/"/g' | head -1)
want "an architecture: $arch" [ -n "$arch" ]
run 0 "export onnx" export "$place/run" --arch "$arch" --format onnx --batch 5 -o "$place/net.onnx"
run 0 "export safetensors" export "$place/run" --arch "$arch" --format safetensors -o "$place/net.safetensors"
run 0 "export ofa" export "$place/run" --arch "$arch" --format ofa -o "$place/net.json"
want "the architecture itself" sh -c "[ \"\$(cat '$place/net.json')\" = '$arch' ]"
want "both have weights" sh -c "[ $(wc -c < "$place/net.onnx") -gt 20000 ] && [ $(wc -c < "$place/net.safetensors") -gt 20000 ]"
run 1 "another format" export "$place/run" --arch "$arch" --format hat -o "$place/net.hat"
says err "use one of onnx, safetensors, ofa"
run 2 "no architecture" export "$place/run" --arch "{}" --format onnx -o "$place/other.onnx"
says err "--arch"
want "no file of that" [ ! -e "$place/other.onnx" ]
finish
