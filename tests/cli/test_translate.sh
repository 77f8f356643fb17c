#!/bin/sh
# A search on pairs of sentences, and its networks at work: BLEU of lists of them, lines that are translated, files, and what is refused.
. "$2/cli/support.sh"
space='transformer:encoder-embed=32+16,decoder-embed=32+16,encoder-layers=3,decoder-layers=2+1,encoder-ffn=64+32,decoder-ffn=64+32,encoder-heads=4+2,decoder-heads=4+2,ende-heads=4+2,ende-attn=-1+1+2,qkv=32,length=10'

# Lines of six words of one language and of the other, the first ones more frequent.
lines() {
    awk -v seed="$1" -v words="$2" 'BEGIN {
        split(words, word, " "); srand(seed)
        for (i = 0; i < 600; i++) { line = ""; for (w = 6 + int(7 * rand()); w > 0; w--) line = line word[1 + int(6 * rand() ^ 3)] " "; sub(/ $/, "", line); print line }
    }'
}
lines 1 "ba ri ton be en er" > "$place/a.en"
lines 1 "an ka da st ge mo" > "$place/a.de"
run 0 "pairs" data prepare "text:$place/a.en,$place/a.de" --vocabulary "$tests/files/text/bpe.model" -o "$place/a.pairs"

# A made-up device, of which all numbers of an architecture add up.
cat > "$place/device.sh" <<'DEVICE'
printf '%s' "$1" | tr -dc '0-9' | fold -w 2 | awk '{ sum += $1 } END { print 1 + sum / 100 }'
DEVICE
run 0 "a device" device measure --space "$space" --name made-up --command "sh $place/device.sh {arch}" --vocabulary-size 250 --archs 40 --rounds 3 -o "$place/card.json"
run 0 "a search" search --space "$space" --data "text:$place/a.pairs" --device "$place/card.json" --preset quick --steps 30 --seed 2 --out "$place/run"
want "the run keeps its vocabulary" cmp "$place/run/vocabulary.model" "$tests/files/text/bpe.model"

want "preferences are Chebyshev's" grep -q '"scalarise": "chebyshev"' "$place/run/config.json"
run 0 "the card" device show "$place/card.json"
says out "10 words to read, 10 to say, a vocabulary of 250"
run 0 "and its JSON" device show "$place/card.json" --json
says out '"vocabulary": 250'
sed 's/"vocabulary": 250/"vocabulary": 251/' "$place/card.json" > "$place/other.json"
run 2 "a report of a device of another vocabulary" report "$place/run" --device "$place/other.json" -o "$place/none.html"
says err "made-up was measured with networks that know 251 words, the data have a vocabulary of 250"
run 2 "what to pick for it" pick "$place/run" --device "$place/other.json" --prefer error=1
says err "made-up was measured with networks that know 251 words, the data have a vocabulary of 250"
for wrong in '"vocabulary": "many"' '"vocabulary": 15' '"target_words": 0' '"source_words": -1'; do
    key=${wrong%%:*}
    sed "s/$key: [0-9]*/$wrong/" "$place/card.json" > "$place/wrong.json"
    run 2 "$wrong" device show "$place/wrong.json"
    says err "wrong.json: \"sentences\" of \"protocol\": $key"
done

# ---- BLEU ----
# A network that has hardly learnt says different words of different lines. Where they are the references of these lines, BLEU is 100; where each line has the
# next one's, it is not.
run 0 "a run of one step" search --space "$space" --data "text:$place/a.pairs" --device "$place/card.json" --preset quick --steps 1 --seed 3 --out "$place/untrained"
largest='{encoder-embed: 32, decoder-embed: 32, encoder-ffn: [64, 64, 64], decoder-ffn: [64, 64], encoder-heads: [4, 4, 4], decoder-heads: [4, 4], ende-heads: [4, 4], ende-attn: [-1, -1]}'
run 0 "what its largest network says" translate "$place/untrained" "$place/a.en" --arch "$largest" --beam 1 --length-penalty 3
cp "$place/out" "$place/own.de"
{ sed 1d "$place/own.de" && head -n 1 "$place/own.de"; } > "$place/next.de"
want "differs" [ "$(sort -u "$place/own.de" | wc -l)" -gt 20 ]
for references in own next; do
    run 0 "its $references words as references" data prepare "text:$place/a.en,$place/$references.de" --vocabulary "$tests/files/text/bpe.model" -o "$place/$references.pairs"
    run 0 "a run of the same weights" search --space "$space" --data "text:$place/$references.pairs" --device "$place/card.json" --preset quick --steps 1 --weights "$place/untrained" --supernet frozen --out "$place/says-$references"
    run 0 "their BLEU" bleu "$place/says-$references" --arch "$largest" --beam 1 --length-penalty 3 --json
    bleu=$(sed -n 's/^ *"bleu": \([0-9]*\).*/\1/p' "$place/out")
    want "$bleu" [ "$bleu" -ge 0 ]
    if [ $references = own ]; then want "is all" [ "$bleu" -eq 100 ]; else want "is not" [ "$bleu" -lt 90 ]; fi
done

run 0 "a front" front "$place/run" --device "$place/card.json" --points 3 --candidates 8 -o "$place/front.csv" -o "$place/front.json"
run 0 "BLEU of a front" bleu "$place/run" --archs "$place/front.csv" --length-penalty 3 -o "$place/bleu.csv" --threads 1
says out "test pairs"
want "a row for each of it" [ "$(wc -l < "$place/bleu.csv")" -eq "$(wc -l < "$place/front.csv")" ]
want "with these columns" grep -q '^arch,bleu,brevity_penalty,precision1,precision2,precision3,precision4,tokens,reference_tokens,error_pct,cross_entropy$' "$place/bleu.csv"
run 0 "the same by its JSON, on more threads" bleu "$place/run" --archs "$place/front.json" "$place/front.csv" --length-penalty 3 -o "$place/again.csv" --threads 3 --json
says out '"part": "test"'
says out '"bleu": '
want "the same numbers" cmp "$place/bleu.csv" "$place/again.csv"
run 0 "pick --json" pick "$place/run" --device "$place/card.json" --prefer error=1 --json
cp "$place/out" "$place/pick.json"
run 0 "BLEU of it" bleu "$place/run" --archs "$place/pick.json" --part validation --pairs 5 --beam 1
says out "of translations of 5 validation pairs"
arch=$(sed -n 's/^  "arch": "\(.*\)",$/\1/p' "$place/pick.json")
run 0 "of an architecture that is named" bleu "$place/run" --arch "$arch" --pairs 3
run 1 "BLEU of nothing" bleu "$place/run"
says err "name a list with --archs FILE, or --arch ARCH"
run 1 "a beam that is too wide" bleu "$place/run" --arch "$arch" --beam 17
says err "a beam of 17: it must be 1 to 16"
run 1 "a penalty that is no number" bleu "$place/run" --arch "$arch" --length-penalty much
says err "--length-penalty much: is no number"
run 2 "an architecture of another space" bleu "$place/run" --arch "|none~0|"
printf 'arch\n"%s"\nx\n' "$arch" > "$place/list.csv"
run 2 "a list with a wrong line" bleu "$place/run" --archs "$place/list.csv"
says err "list.csv:3: "
run 2 "pairs that are not the run's" bleu "$place/run" --arch "$arch" --data "$place/nowhere"
says err "nowhere"
for output in "$place/front.csv" "$place/a.pairs" "$place/run/vocabulary.model" "$place/run/checkpoint.safetensors"; do
    cp "$output" "$place/kept"
    run 1 "an output that is read: $output" bleu "$place/run" --archs "$place/front.csv" --data "text:$place/a.pairs" -o "$output"
    says err "would overwrite"
    want "it stays" cmp "$output" "$place/kept"
done
cp "$place/a.pairs" "$place/kept"
run 1 "pairs that only the run names" bleu "$place/run" --arch "$arch" --pairs 1 -o "$place/a.pairs"
says err "would overwrite"
want "they stay" cmp "$place/a.pairs" "$place/kept"

# ---- files ----
run 0 "ONNX" export "$place/run" --arch "$arch" --format onnx -o "$place/net.onnx"
for name in encoder.onnx decoder.onnx vocabulary.model; do
    says out "net.$name: "
    want "net.$name" [ -s "$place/net.$name" ]
done
want "and no other" [ ! -e "$place/net.onnx" ]
mkdir "$place/folder.decoder.onnx"
run 3 "a folder where a model should be" export "$place/run" --arch "$arch" --format onnx -o "$place/folder.onnx"
want "nothing is written" [ ! -e "$place/folder.encoder.onnx" ]
ln "$place/run/vocabulary.model" "$place/own.vocabulary.model"
run 1 "the run's vocabulary" export "$place/run" --arch "$arch" --format onnx -o "$place/own"
says err "own.vocabulary.model would overwrite"
want "nothing is written" [ ! -e "$place/own.encoder.onnx" ]
run 0 "safetensors" export "$place/run" --arch "$arch" --format safetensors -o "$place/net.safetensors"
want "are there" grep -q "decoder.layers.0.encoder_attn.kv_proj.weight" "$place/net.safetensors"
run 0 "HAT's YAML" export "$place/run" --arch "$arch" --format hat -o "$place/net.yml"
run 0 "which names the same network" bleu "$place/run" --arch "$place/net.yml" "$arch" --pairs 2 --json
want "it is translated with once" [ "$(grep -c '"arch":' "$place/out")" -eq 1 ]
run 1 "a batch" export "$place/run" --arch "$arch" --format onnx --batch 2 -o "$place/two.onnx"
says err "batch has no use where networks translate"

run 0 "a report" report "$place/run" --points 3 --candidates 8 -o "$place/report.html"
want "shows the device" grep -q made-up "$place/report.html"
want "and what was translated" grep -q "10 words to 10, vocabulary of 250" "$place/report.html"
run 2 "verifying a made-up device" verify "$place/run"
never_says err "images"

# ---- lines ----
printf 'ba ri\n\nton be ba\r\nba' > "$place/in"
run 0 "lines of a file" translate "$place/run" "$place/in" --arch "$arch" --length-penalty 3
cp "$place/out" "$place/translated"
want "one for each" [ "$(wc -l < "$place/translated")" -eq 4 ]
want "an empty one for an empty one" [ -z "$(sed -n 2p "$place/translated")" ]
want "and words for the others" [ "$(grep -c . "$place/translated")" -eq 3 ]
"$fleetnas" translate "$place/run" - --arch "$arch" --length-penalty 3 --quiet < "$place/in" > "$place/out" 2> "$place/err"
want "the same from standard input" cmp "$place/out" "$place/translated"
want "without a word" [ ! -s "$place/err" ]
printf '\357\273\277' | cat - "$place/in" > "$place/marked"
run 0 "a byte order mark" translate "$place/run" "$place/marked" --arch "$arch" --length-penalty 3 --threads 1
want "is passed over" cmp "$place/out" "$place/translated"
awk 'BEGIN { for (i = 0; i < 1500; i++) print (i % 3 ? "ba ri" : "") }' > "$place/many"
run 0 "more lines than are taken at a time" translate "$place/run" "$place/many" --arch "$arch" --beam 1 --length-penalty 3
want "one for each" [ "$(wc -l < "$place/out")" -eq 1500 ]
want "equal ones for equal ones" [ "$(sort -u "$place/out" | wc -l)" -eq 2 ]
run 0 "a device's network" translate "$place/run" "$place/in" --device "$place/card.json" --prefer error=1 --length-penalty 3
want "is the one that pick answers with" cmp "$place/out" "$place/translated"
says err "on made-up ("
run 0 "--json" translate "$place/run" "$place/in" --device "$place/card.json" --json
says out '"device": "made-up"'
says out '"latency_ms": '
says out '"lines": ['
run 0 "nothing" translate "$place/run" /dev/null --arch "$arch"
want "becomes nothing" [ ! -s "$place/out" ]

printf 'ba\nba\377\n' > "$place/wrong"
run 2 "a line that is not UTF-8" translate "$place/run" "$place/wrong" --arch "$arch"
says err "wrong:2: not UTF-8"
printf 'ba\000ba\n' > "$place/wrong"
run 2 "a line with a 0" translate "$place/run" "$place/wrong" --arch "$arch"
says err "wrong:1: there is a byte 0 in it"
awk 'BEGIN { print "ba"; for (i = 0; i < 40000; i++) printf "ba " }' > "$place/wrong"
run 2 "an enormous line" translate "$place/run" "$place/wrong" --arch "$arch" --json
says err "wrong:2: more than 65536 bytes"
want "no half of an answer" [ ! -s "$place/out" ]
cut -c 1-9000 "$place/wrong" > "$place/long"
run 2 "a long line" translate "$place/run" "$place/long" --arch "$arch"
says err "pieces, at most 1024 are translated at once"
run 2 "a file that is not there" translate "$place/run" "$place/nowhere" --arch "$arch"
says err "nowhere: cannot open"
run 3 "a folder" translate "$place/run" "$place/run" --arch "$arch"
# Text that never ends, and text that does not come: a signal ends both, the first one (the second kills, whatever the command does).
mkfifo "$place/slow"
sleep 30 > "$place/slow" &
writer=$!
exec 3< "$place/slow"
for text in /dev/zero -; do
    code=0
    timeout --signal=TERM --kill-after=10 2 "$fleetnas" translate "$place/run" "$text" --arch "$arch" <&3 > "$place/out" 2> "$place/err" || code=$?
    want "a signal while it reads $text" [ $code -eq 124 ]
    says err "interrupted before line 1 of"
done
exec 3<&-
kill $writer 2> /dev/null
cp -r "$place/run" "$place/edited"
sed 's/"supernet": "[^"]*"/"supernet": "nb201"/' "$place/run/config.json" > "$place/edited/config.json"
run 2 "a supernet of another space" translate "$place/edited" "$place/in" --arch "$arch"
says err 'the "supernet"'
run 1 "no network" translate "$place/run" "$place/in"
says err "--device CARD.json or --arch ARCH, one of them"
run 1 "two of them" translate "$place/run" "$place/in" --arch "$arch" --device "$place/card.json"
run 1 "a preference for what is named" translate "$place/run" "$place/in" --arch "$arch" --prefer error=1
says err "--prefer has no use with --arch"
run 1 "weights that do not sum to one" translate "$place/run" "$place/in" --device "$place/card.json" --prefer error=0.3
says err "sum to 0.3"
finish
