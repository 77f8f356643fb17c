#!/bin/sh
# The protocol of Transformers that translate, small: every part on some lines of twelve words; what was done is not done again.
. "$2/cli/support.sh"
cd "$place" || exit 1
script=$tests/../scripts/run-translation.sh
export FLEETNAS="$fleetnas" TRANSLATION_DIR="$place/made" THREADS=2 TEXT="$place/text" VOCABULARY=300 MINUTES=0.1 ARCHS=12 RANDOM_ARCHS=4

# protocol CODE TEXT NAME=VALUE...: runs the script.
protocol() {
    wanted=$1 text=$2
    shift 2
    code=0
    env "$@" sh "$script" > "$place/out" 2> "$place/err" < /dev/null || code=$?
    if [ $code -eq "$wanted" ]; then pass "$text"; else fail "$text (exit code $code, wanted $wanted)"; cat "$place/err"; fi
}

protocol 2 "without text"
says err "english.en is missing"
protocol 2 "a part that there is not" PARTS="text none"
says err '"none" is none of text devices search'
protocol 2 "no count" RANDOM_ARCHS=some
says err "RANDOM_ARCHS"
protocol 2 "two lengths" STEPS=5
says err "STEPS and MINUTES"
protocol 2 "no part" PARTS=" "
says err "PARTS is empty"
protocol 2 "a pattern" PARTS="*"
says err '"*" is none of'
for part in fronts bleu measure verify alone page; do
    protocol 2 "$part of nothing" PARTS=$part
    says err "is missing: the part "
done
want "no page" [ ! -e made/results.md ]

# The page of four networks: a has everything, d is dominated by b. On the scale of all: a (1, 0), b (0.5, 0.25), c (0, 1), d (0.75, 0.5).
printf 'arch,bleu,tokens\n"a: [1, 2]",20,7\n"b: [1, 2]",16,7\n"c: [1, 2]",4,7\n"d: [1, 2]",12,7\n' > bleu.csv
printf '8\ta: [1, 2]\n6\tb: [1, 2]\n4\tc: [1, 2]\n7\td: [1, 2]\n' > latencies
printf '0.0\ta: [1, 2]\n0.5\tb: [1, 2]\n1.0\tc: [1, 2]\n' > answers
printf 'c: [1, 2]\na: [1, 2]\nb: [1, 2]\n' > front
printf 'd: [1, 2]\n' > random
printf 'a: [1, 2]\n' > largest
awk -v device=here -v unseen=there -f "$tests/../scripts/translation-page.awk" bleu.csv latencies answers front random largest > out
says out "Answers to 3 preferences (3 networks): Spearman of the latency's weight and measured latency -1.000, of the error's weight and BLEU 1.000."
says out "front 0.3750, answers 0.3750, 1 random networks 0.1250. Largest network: BLEU 20.00, 8.00 ms."
says out '| 4.00 | 4.00 | `c: [1, 2]` |'

command -v spm_train > /dev/null || { echo "skipped: spm_train of Debian's package sentencepiece is missing"; finish; }

mkdir text
awk 'BEGIN { srand(1); split("open the file menu and choose a cell to format text row", word, " ")
    for (i = 0; i < 600; i++) { en = de = ""
        for (n = 3 + int(5 * rand()); n > 0; n--) { w = word[1 + int(12 * rand())]; en = en " " w; de = " " toupper(w) de }
        print substr(en, 2) > "text/english.en"; print substr(de, 2) > "text/german.de" } }'
cat > space.yml << 'YAML'
encoder-embed-dim: 16
decoder-embed-dim: 16
encoder-ffn-embed-dim: 32
decoder-ffn-embed-dim: 32
encoder-layers: 1
decoder-layers: 2
encoder-attention-heads: 2
decoder-attention-heads: 2
qkv-dim: 16
encoder-embed-choice: [16, 8]
decoder-embed-choice: [16, 8]
encoder-layer-num-choice: [1]
decoder-layer-num-choice: [2, 1]
encoder-ffn-embed-dim-choice: [32, 16]
decoder-ffn-embed-dim-choice: [32, 16]
encoder-self-attention-heads-choice: [2, 1]
decoder-self-attention-heads-choice: [2, 1]
decoder-ende-attention-heads-choice: [2, 1]
decoder-arbitrary-ende-attn-choice: [-1]
YAML
export SPACE="transformer:$place/space.yml"
# How quiet a machine is that runs tests decides nothing here: its devices are measured, and verified, apart.
protocol 0 "pairs, devices, a search, fronts, BLEU, the largest alone" PARTS="text devices search fronts bleu alone"
says out "onednn-f32-b8 is not searched"
for device in onednn-f32 blas-f32 onednn-f32-b8; do
    want "24 answers of $device" [ "$(wc -l < "made/answers/$device.tsv")" -eq 24 ]
    want "a front of $device" grep -q '"arch"' "made/fronts/$device.json"
done
want "all networks have a BLEU" [ "$(tail -n +2 made/bleu.csv | wc -l)" -eq "$(cat made/answers/*.json | tr -d '[],' | sort -u | grep -c embed)" ]
want "the largest alone has as many steps" [ "$(tail -1 made/alone/metrics.csv | cut -d , -f 1)" = "$(tail -1 made/run/metrics.csv | cut -d , -f 1)" ]
want "and nothing but it was trained" sh -c "grep -q '\"largest_paths\": 4' made/alone/config.json && grep -q '\"paths\": 4' made/alone/config.json"
cp -r made before
protocol 0 "again: nothing is done" PARTS="text devices search fronts bleu alone"
want "files are as they were" sh -c 'for file in text.pairs bleu.csv alone.csv run/checkpoint.safetensors; do [ "made/$file" -nt "before/$file" ] && exit 1; cmp "made/$file" "before/$file" || exit 1; done'
finish
