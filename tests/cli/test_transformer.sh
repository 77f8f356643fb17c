#!/bin/sh
# HAT's transformer: its YAML of spaces and of architectures both ways, rows of averages as devices, a search over them, and what is refused.
. "$2/cli/support.sh"
files=$tests/files/hat

run 0 "the space" space show transformer
says out "transformer:encoder-embed=640+512,decoder-embed=640+512,encoder-layers=6,"
says out "2.43744e+15, of which 4.17847e+14 differ"
cp "$place/out" "$place/default"
run 0 "HAT's YAML of it" space show "transformer:$files/space0.yml"
want "is the same space" cmp "$place/out" "$place/default"
(cat "$files/space0.yml" && echo "dropuot: 0.1") > "$place/wrong.yml"
run 2 "an unknown key" space show "transformer:$place/wrong.yml"
says err "wrong.yml:45: unknown key \"dropuot\": did you mean \"dropout\"?"
printf 'a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n' > "$place/bomb.yml"
run 2 "a bomb of aliases" space show "transformer:$place/bomb.yml"
says err "bomb.yml:1: an anchor (&name): refused"
run 2 "a file that is not there" space show transformer:none.yml

run 0 "an architecture" space show transformer --arch "$files/titanxp_200ms.yml" --json
says out '"params": 49380864'
run 0 "as HAT writes it" export --space transformer --arch "$files/titanxp_200ms.yml" --format hat -o "$place/again.yml"
grep -v '^#' "$files/titanxp_200ms.yml" | grep . > "$place/lines.yml"
want "it is the same" cmp "$place/again.yml" "$place/lines.yml"
sed 's/\(decoder-layer-num-subtransformer:\) 5/\1 7/' "$files/titanxp_200ms.yml" > "$place/seven.yml"
run 2 "seven layers" space show transformer --arch "$place/seven.yml"
says err "seven.yml:9: \"decoder-layer-num-subtransformer\" has 7, this space has 6, 5, 4, 3, 2, 1"
sed 's/\(encoder-ffn.*\)]/\1, 3072]/' "$files/titanxp_200ms.yml" > "$place/seven.yml"
run 2 "seven of something" export --space transformer --arch "$place/seven.yml" --format hat -o "$place/none.yml"
says err "seven.yml:5: \"encoder-ffn-embed-dim-all-subtransformer\" has 7 entries, one a layer: the encoder has at most 6 layers"
want "nothing is written" [ ! -e "$place/none.yml" ]
run 1 "weights without a run" export --space transformer --arch "$files/titanxp_200ms.yml" --format onnx -o "$place/none"
says err "name the run"
run 1 "a format of another space" export --space nb201 --arch "x" --format hat -o "$place/none"
says err "in the space nb201: unknown format \"hat\""
run 1 "neither run nor space" export --arch x --format hat -o "$place/none"
run 1 "a file onto itself" export --space transformer --arch "$files/titanxp_200ms.yml" --format hat -o "$files/titanxp_200ms.yml"
run 1 "a space onto itself" export --space "transformer:$files/space0.yml" --arch "$files/titanxp_200ms.yml" --format hat -o "$files/space0.yml"
want "it is still there" grep -q encoder-embed-choice "$files/space0.yml"

run 0 "random ones" space show transformer --random 300 --seed 3
want "a header and so many" [ "$(wc -l < "$place/out")" -eq 301 ]
# An error that falls with the parameters, for a search.
sed '1s/.*/arch,error_pct/' "$place/out" | awk -F'",' 'NR == 1 { print; next } { split($2, n, ","); printf "%s\",%.6f\n", $1, 80 - 0.8 * n[1] / 1e6 }' > "$place/errors.csv"
run 1 "a table and one of it" space show transformer --random 3 --arch x

# Three devices: milliseconds that grow with layers and widths, each device in its own way. No row is on two of them.
awk 'BEGIN { srand(4)
    print "task,device,encoder_embed_dim,encoder_layer_num,encoder_ffn_embed_dim_avg,encoder_self_attention_heads_avg,decoder_embed_dim,decoder_layer_num,decoder_ffn_embed_dim_avg,decoder_self_attention_heads_avg,decoder_ende_attention_heads_avg,decoder_arbitrary_ende_attn_avg,latency_mean_encoder,latency_mean_decoder"
    split("xeon titan pi", name, " "); split("30 20 300", base, " "); split("40 50 700", layer, " "); split("1 0.1 30", wide, " ")
    for (d = 1; d <= 3; d++) for (i = 0; i < 120; i++) {
        l = 1 + int(6 * rand()); e = rand() < 0.5 ? 512 : 640; w = rand() < 0.5 ? 512 : 640; f = h = g = a = fe = 0
        for (k = 0; k < 6; k++) fe += 512 * (1 + int(6 * rand()))
        for (k = 0; k < l; k++) { f += 512 * (1 + int(6 * rand())); h += 2 ^ (1 + int(3 * rand())); g += 2 ^ (1 + int(3 * rand())); a += 1 + int(3 * rand()) }
        printf "ende,%s,%d,6,%.6g,4,%d,%d,%.6g,%.6g,%.6g,%.6g,%.6g,%.6g\n", name[d], e, fe / 6, w, l, f / l, h / l, g / l, a / l, base[d] + wide[d] * e * fe / 1e6, layer[d] * l + wide[d] * w * f / 1e6 }
}' > "$place/lat.csv"
run 0 "HAT's table" device import hat "$place/lat.csv" --space transformer --references-from-table -o "$place/cards"
says out "pi, batch 1, 1 thread, 120 rows of averages and 10 references"
run 2 "references that no row is" device import hat "$place/lat.csv" --space transformer -o "$place/none"
says err "has no row for the reference architecture {encoder-embed:"
run 0 "a card" device show "$place/cards/pi.json"
says out "a regression on the device's own ten rows of averages"
run 0 "a predictor" predictor fit --device "$place/cards/xeon.json" "$place/cards/titan.json" --quiet -o "$place/p.safetensors"
run 0 "an unseen device" predictor eval "$place/p.safetensors" --device "$place/cards/pi.json" --json
want "is ranked" awk -F'[:,]' '/"spearman"/ { exit !($2 > 0.9) }' "$place/out"
run 0 "the most telling rows" device references --predictor "$place/p.safetensors" --among "$place/cards/pi.json" -o "$place/ten.json"
want "are rows" [ "$(grep -c 'encoder_ffn_embed_dim_avg' "$place/ten.json")" -ge 1 ]
sed -n '1p;/,pi,/p' "$place/lat.csv" > "$place/pi.csv"
run 0 "a device by them" device import hat "$place/pi.csv" --space transformer --references "$place/ten.json" --reference-only -o "$place/pi.json"
run 0 "what it is asked" predictor ask "$place/p.safetensors" --device "$place/pi.json" --arch "$files/titanxp_200ms.yml" "$place/again.yml"
want "a line each" [ "$(grep -c ' ms' "$place/out")" -eq 2 ]
run 0 "in JSON" predictor ask "$place/p.safetensors" --device "$place/pi.json" --arch "$files/titanxp_200ms.yml" --json
says out '"latency_ms"'
run 2 "no architecture" predictor ask "$place/p.safetensors" --device "$place/pi.json" --arch "{encoder_embed_dim: 512}"
says err "unknown key \"encoder_embed_dim\""

run 0 "a search" search --space transformer --error "table:$place/errors.csv:error_pct" --device "$place/cards/xeon.json" "$place/cards/titan.json" --predictor "$place/p.safetensors" --steps 40 --out "$place/run"
says err "the cards of 2 hold rows of averages"
run 0 "a front of an unseen device" front "$place/run" --device "$place/pi.json" --csv
want "has architectures" grep -q '^pi,"{encoder-embed:' "$place/out"
never_says out encoder_embed_dim
run 0 "a front of a device with rows" front "$place/run" --device "$place/cards/xeon.json" --csv
never_says out encoder_embed_dim
run 0 "a choice" pick "$place/run" --device "$place/pi.json" --prefer error=0.5,latency_ms=0.5 --json
sed -n 's/.*"arch": "\(.*\)",*$/\1/p' "$place/out" | head -1 > "$place/arch"
run 0 "as a file" export "$place/run" --arch "$(cat "$place/arch")" --format hat -o "$place/picked.yml"
run 0 "which is an architecture" space show transformer --arch "$place/picked.yml"
want "the same" grep -qF "$(cat "$place/arch")" "$place/out"
run 1 "no weights" export "$place/run" --arch "$(cat "$place/arch")" --format safetensors -o "$place/none"
run 0 "a report" report "$place/run" --device "$place/pi.json" -o "$place/report.html"
run 0 "cards of three" device show "$place/cards/xeon.json" "$place/cards/titan.json" "$place/cards/pi.json"

finish
