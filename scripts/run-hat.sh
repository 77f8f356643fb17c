#!/bin/sh
# HAT's transformer on its three devices: predictors, the unseen Raspberry Pi by ten of its rows, one search with a stated proxy for quality, fronts for all three, and
# the published networks' latencies as predicted beside HAT's measurements. docs/transformer.md explains it. What was done is not done again.
#   TABLES   folder with latency_ms.csv (HAT's tables of one task, with a column device) and published_nets.csv
#   TASK [wmt14ende]   SPACE [transformer] a spec, or transformer:FILE.yml    SEARCHED [cpu_xeon gpu_titanxp]    UNSEEN [cpu_raspberrypi]
#   DRAWS [20] of ten random rows    SEEDS [1 2 3 4 5] of the predictor on the unseen device's whole table    STEPS [1000], SEED [1] of the search
#   HAT_DIR [build/hat]    THREADS [one a processor]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/protocol.sh"

TABLES=${TABLES:-}
[ -n "$TABLES" ] || stop "TABLES=FOLDER is missing: the folder with latency_ms.csv and published_nets.csv (docs/transformer.md)"
TABLES=$(absolute "$TABLES")
for file in latency_ms.csv published_nets.csv; do [ -s "$TABLES/$file" ] || stop "$TABLES/$file is missing"; done
folder=${HAT_DIR:-$root/build/hat}
task=${TASK:-wmt14ende} space=${SPACE:-transformer}
searched=${SEARCHED:-cpu_xeon gpu_titanxp} unseen=${UNSEEN:-cpu_raspberrypi}
draws=${DRAWS:-20} seeds=${SEEDS:-1 2 3 4 5} steps=${STEPS:-1000} seed=${SEED:-1} threads=${THREADS:-$(nproc)}
check_number DRAWS count "$draws"
check_numbers SEEDS seed "$seeds"
check_number STEPS count "$steps"
check_number SEED seed "$seed"
check_number THREADS count "$threads"
mkdir -p "$folder/cards" "$folder/draws" "$folder/nets" "$folder/fronts"
folder=$(absolute "$folder")
no_blanks "$TABLES" "$folder" "$fleetnas"

number() { awk -v key="\"$2\":" '$1 == key { gsub(/,/, "", $2); print $2; exit }' "$1"; } # FILE.json KEY
cards_of() { for device in $1; do printf ' %s/cards/%s.json' "$folder" "$device"; done; }

# ---- cards and the predictor ----

say "== Cards, predictor"
# Even rows stand in for what knows nothing; the unseen device's card with them is only asked for its rows' features.
[ -s "$folder/cards/$unseen.json" ] || "$fleetnas" device import hat "$TABLES/latency_ms.csv" --space "$space" --references-from-table -o "$folder/cards" > /dev/null
for device in $searched $unseen; do [ -s "$folder/cards/$device.json" ] || stop "$TABLES/latency_ms.csv has no rows of $device"; done
# shellcheck disable=SC2046 # a list of words
[ -s "$folder/predictor.safetensors" ] || "$fleetnas" predictor fit --device $(cards_of "$searched") --threads "$threads" --quiet -o "$folder/predictor.safetensors" > /dev/null

# The ten rows that tell most, by their features: no latency of the unseen device is looked at.
rows_of_unseen() { awk -F, -v device="$unseen" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "device") column = i; print; next } $column == device' "$TABLES/latency_ms.csv"; }
[ -s "$folder/unseen.csv" ] || fresh "$folder/unseen.csv" rows_of_unseen
import_unseen() { # REFERENCES.json CARD.json OPTION...
    references=$1 card=$2
    shift 2
    "$fleetnas" device import hat "$folder/unseen.csv" --space "$space" --references "$references" "$@" -o "$card" > /dev/null
}
[ -s "$folder/chosen.json" ] || "$fleetnas" device references --predictor "$folder/predictor.safetensors" --among "$folder/cards/$unseen.json" --quiet -o "$folder/chosen.json" > /dev/null
[ -s "$folder/unseen.json" ] || import_unseen "$folder/chosen.json" "$folder/unseen.json" --reference-only

# ---- the unseen device ----

score() { "$fleetnas" predictor eval "$1" --device "$2" --json; } # PREDICTOR CARD

# Ten rows drawn by a seed, as a file of references.
draw_rows() {
    awk -F, -v seed="$1" 'NR == 1 { for (i = 1; i <= NF; i++) { name[i] = $i; if ($i ~ /^(encoder|decoder)_/) columns[++count] = i } next } { rows[++n] = $0 }
        END { srand(seed); printf "["
            while (taken < 10) { i = 1 + int(n * rand()); if (used[i]++) continue
                split(rows[i], cell, ","); printf "%s\"{", taken++ ? ",\n" : ""
                for (k = 1; k <= count; k++) printf "%s%s: %s", (k > 1 ? ", " : ""), name[columns[k]], cell[columns[k]]
                printf "}\"" }
            print "]" }' "$folder/unseen.csv"
}

say "== The unseen device by ten of its rows"
chosen_score() { import_unseen "$folder/chosen.json" "$folder/draws/chosen-card.json" && score "$folder/predictor.safetensors" "$folder/draws/chosen-card.json"; }
[ -s "$folder/draws/chosen.score" ] || fresh "$folder/draws/chosen.score" chosen_score
[ -s "$folder/draws/even.score" ] || fresh "$folder/draws/even.score" score "$folder/predictor.safetensors" "$folder/cards/$unseen.json"
draw=1
while [ "$draw" -le "$draws" ]; do
    if [ ! -s "$folder/draws/$draw.score" ]; then
        fresh "$folder/draws/$draw.json" draw_rows "$draw"
        import_unseen "$folder/draws/$draw.json" "$folder/draws/card.json"
        fresh "$folder/draws/$draw.score" score "$folder/predictor.safetensors" "$folder/draws/card.json"
    fi
    draw=$((draw + 1))
done
for s in $seeds; do
    [ -s "$folder/draws/whole-$s.score" ] && continue
    "$fleetnas" predictor fit --device "$folder/cards/$unseen.json" --seed "$s" --threads "$threads" --quiet -o "$folder/draws/whole.safetensors" > /dev/null
    fresh "$folder/draws/whole-$s.score" score "$folder/draws/whole.safetensors" "$folder/cards/$unseen.json"
done

# Spearman's correlation of a column with the latency, over the whole table of the unseen device; equal values share their mean rank.
rank_by() {
    awk -F, -v wanted="$1" 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next } { print $(at[wanted]), $(at["latency_mean_encoder"]) + $(at["latency_mean_decoder"]) }' "$folder/unseen.csv" |
        sort -g -k1,1 | rank_column 1 | sort -g -k2,2 | rank_column 2 |
        awk '{ n++; x += $1; y += $2; xx += $1 * $1; yy += $2 * $2; xy += $1 * $2 } END { printf "%.3f", (n * xy - x * y) / sqrt((n * xx - x * x) * (n * yy - y * y)) }'
}
rank_column() { # of sorted lines with two columns
    awk -v c="$1" '{ value[NR] = $c; other[NR] = $(3 - c) } END { for (i = 1; i <= NR; i = j) { for (j = i; j <= NR && value[j] == value[i]; j++) continue
        for (k = i; k < j; k++) print c == 1 ? (i + j - 1) / 2 " " other[k] : other[k] " " (i + j - 1) / 2 } }'
}

# ---- the published networks ----

# published AWK: its rows of the task with cells in c[], by the names of columns in at[].
published() {
    awk -v task="$task" -v folder="$folder" 'function cells(line,   n, i, quoted, character) {
            n = 1; quoted = 0; split("", c); for (i = 1; i <= length(line); i++) { character = substr(line, i, 1)
                if (character == "\"") quoted = !quoted; else if (character == "," && !quoted) n++; else c[n] = c[n] character }
            return n }
        function of(name) { return c[at[name]] }
        NR == 1 { count = cells($0); for (i = 1; i <= count; i++) at[c[i]] = i; next }
        { cells($0) } of("task") != task { next } '"$1" "$TABLES/published_nets.csv"
}

# The proxy for quality: BLEU = a + b / decoder layers + c ln(millions of parameters), by least squares on the published networks of the task.
fit_proxy() {
    published '{ x[1] = 1; x[2] = 1 / of("decoder_layer_num"); x[3] = log(of("params_M")); y = of("bleu"); n++; for (i = 1; i <= 3; i++) { kept[n, i] = x[i]; m[i, 4] += x[i] * y; for (j = 1; j <= 3; j++) m[i, j] += x[i] * x[j] } bleu[n] = y }
        END { if (n < 4) exit 2
            for (i = 1; i <= 3; i++) for (r = 1; r <= 3; r++) { if (r == i) continue; f = m[r, i] / m[i, i]; for (j = i; j <= 4; j++) m[r, j] -= f * m[i, j] }
            for (i = 1; i <= 3; i++) b[i] = m[i, 4] / m[i, i]
            for (k = 1; k <= n; k++) { e = bleu[k] - b[1] - b[2] * kept[k, 2] - b[3] * kept[k, 3]; square += e * e; if (e < 0) e = -e; if (e > worst) worst = e }
            printf "%.4f %.4f %.4f %d %.3f %.3f\n", b[1], b[2], b[3], n, sqrt(square / n), worst }'
}
[ -s "$folder/proxy" ] || fresh "$folder/proxy" fit_proxy || stop "$TABLES/published_nets.csv has too few networks of $task"
read -r proxy_constant proxy_layers proxy_params proxy_count proxy_deviation proxy_worst < "$folder/proxy"

# Each as HAT's YAML, and a list of number, device, measured latency, BLEU.
write_nets() {
    published 'function list(key, name,   cell) { cell = of(name); if (cell !~ /^\[/) cell = "[" cell "]"; print key "-subtransformer: " cell > file }
        { n++; file = folder "/nets/" n ".yml"
          print "encoder-embed-dim-subtransformer: " of("encoder_embed_dim") > file; print "decoder-embed-dim-subtransformer: " of("decoder_embed_dim") > file
          print "encoder-layer-num-subtransformer: " of("encoder_layer_num") > file; print "decoder-layer-num-subtransformer: " of("decoder_layer_num") > file
          list("encoder-ffn-embed-dim-all", "encoder_ffn_embed_dim_all"); list("decoder-ffn-embed-dim-all", "decoder_ffn_embed_dim_all")
          list("encoder-self-attention-heads-all", "encoder_self_attention_heads_all"); list("decoder-self-attention-heads-all", "decoder_self_attention_heads_all")
          list("decoder-ende-attention-heads-all", "decoder_ende_attention_heads_all"); list("decoder-arbitrary-ende-attn-all", "decoder_arbitrary_ende_attn_all"); close(file)
          print n, of("device"), of("latency_ms"), of("bleu"), of("params_M"), of("decoder_layer_num") }'
}
[ -s "$folder/nets.txt" ] || fresh "$folder/nets.txt" write_nets
# The table calls a device cpu_xeon, the list of networks xeon.
card_of() {
    for device in $searched; do case $device in *"$1") echo "$folder/cards/$device.json" ;; esac done
    case $unseen in *"$1") echo "$folder/unseen.json" ;; esac
}
predict_nets() {
    while read -r net device measured bleu params layers; do
        "$fleetnas" predictor ask "$folder/predictor.safetensors" --device "$(card_of "$device")" --arch "$folder/nets/$net.yml" --json > "$folder/nets/answer"
        say "$net $device $measured $bleu $params $layers $(number "$folder/nets/answer" latency_ms) $(number "$folder/nets/answer" low90) $(number "$folder/nets/answer" high90)"
    done < "$folder/nets.txt"
}
say "== The published networks"
[ -s "$folder/predicted.txt" ] || fresh "$folder/predicted.txt" predict_nets

# ---- the search ----

proxy_table() {
    "$fleetnas" space show "$space" --random 3000 --seed 1 | awk -F'",' -v a="$proxy_constant" -v b="$proxy_layers" -v c="$proxy_params" 'NR == 1 { print "arch,error_pct"; next }
        { split($2, n, ","); of = $1; sub(/.*decoder-ffn: \[/, "", of); sub(/\].*/, "", of); printf "%s\",%.6f\n", $1, 100 - (a + b / split(of, layer, ",") + c * log(n[1] / 1e6)) }'
}
[ -s "$folder/proxy.csv" ] || fresh "$folder/proxy.csv" proxy_table
say "== Search, $steps steps"
run=$folder/run-$steps-$seed
if [ ! -e "$run.done" ]; then
    if [ -e "$run/config.json" ]; then
        "$fleetnas" resume "$run" --threads "$threads"
    else
        rm -rf "$run"
        # shellcheck disable=SC2046
        "$fleetnas" search --space "$space" --error "table:$folder/proxy.csv:error_pct" --device $(cards_of "$searched") --predictor "$folder/predictor.safetensors" --steps "$steps" --seed "$seed" --threads "$threads" --out "$run"
    fi
    : > "$run.done"
fi
front_card() { if [ "$1" = "$unseen" ]; then echo "$folder/unseen.json"; else echo "$folder/cards/$1.json"; fi; }
shown=''
for device in $searched $unseen; do
    shown="$shown $(front_card "$device")"
    [ -s "$folder/fronts/$device.csv" ] || fresh "$folder/fronts/$device.csv" "$fleetnas" front "$run" --device "$(front_card "$device")" --threads "$threads" --csv
done
# shellcheck disable=SC2086 # a list of words
[ -s "$folder/report.html" ] || "$fleetnas" report "$run" --device $shown --threads "$threads" -o "$folder/report.html" > /dev/null

# ---- page ----

mean_of() { for file in "$@"; do number "$file" spearman; done | awk '{ n++; s += $1; q += $1 * $1; if (n == 1 || $1 < least) least = $1 } END { d = q / n - s * s / n / n; printf "%.3f (deviation %.3f, least %.3f)", s / n, sqrt(d > 0 ? d : 0), least }'; }
draw_files() { for file in "$folder"/draws/[0-9]*.score; do printf '%s ' "$file"; done; }

# Least error of a device's front within a latency.
best_within() { awk -F'",' -v most="$2" 'NR > 1 { split($2, v, ","); if (v[4] <= most && (best == "" || v[3] < best)) best = v[3] } END { print best == "" ? "none" : best }' "$folder/fronts/$1.csv"; }

write_page() {
    say "# $task, $space: $searched searched, $unseen unseen"
    say ''
    say "## Ranking $unseen by ten of its rows (Spearman over its other rows)"
    say ''
    say '| | |'
    say '|---|---|'
    say "| ten rows chosen by their features | $(number "$folder/draws/chosen.score" spearman | cut -c1-5), mean error $(number "$folder/draws/chosen.score" mean_ape_pct | cut -c1-4) % |"
    say "| ten rows at even distances in the table | $(number "$folder/draws/even.score" spearman | cut -c1-5), mean error $(number "$folder/draws/even.score" mean_ape_pct | cut -c1-4) % |"
    # shellcheck disable=SC2046
    say "| ten random rows, mean of $draws draws | $(mean_of $(draw_files)) |"
    say "| decoder layers alone, no predictor | $(rank_by decoder_layer_num) |"
    say "| a predictor trained on its whole table, held-out tenth | $(mean_of "$folder"/draws/whole-*.score) |"
    say ''
    say '## Published networks: latency as predicted, and as HAT measured it'
    say ''
    say 'What the front offers: the least error of the proxy within the latency that is predicted for the network.'
    say ''
    say '| device | measured, ms | predicted, ms | 90 % interval | off by | BLEU | proxy of the network | what the front offers |'
    say '|---|---|---|---|---|---|---|---|'
    while read -r net device measured bleu params layers predicted low high; do
        card=$(card_of "$device")
        front=$(for d in $searched $unseen; do case $d in *"$device") echo "$d" ;; esac done)
        [ -n "$card" ] || continue
        say "$device $measured $predicted $low $high $bleu $params $layers $(best_within "$front" "$predicted")"
    done < "$folder/predicted.txt" | awk -v a="$proxy_constant" -v b="$proxy_layers" -v c="$proxy_params" '{ off = 100 * ($3 / $2 - 1); sum[$1] += off < 0 ? -off : off; n[$1]++
        printf "| %s | %s | %.4g | %s | %+.1f %% | %s | %.2f | %s |\n", $1, $2, $3, $4 == "null" ? "unknown" : sprintf("%.4g to %.4g", $4, $5), off, $6, a + b / $8 + c * log($7), $9 == "none" ? "none" : sprintf("%.2f", 100 - $9) }
        END { print ""; for (d in n) printf "Mean error on %s: %.1f %%\n\n", d, sum[d] / n[d] }'
    say "## Fronts"
    say ''
    say "One search of $steps steps; quality is a proxy: BLEU = $proxy_constant + ($proxy_layers) / decoder layers + $proxy_params ln(millions of parameters), fitted to the $proxy_count published networks (deviation $proxy_deviation, at most $proxy_worst off);"
    say "the search minimises 100 - BLEU. Pictures: report.html."
    for device in $searched $unseen; do
        say ''
        say "| $device, ms | BLEU by the proxy | architecture |"
        say '|---|---|---|'
        awk -F'"' 'NR > 1 { split($3, v, ","); printf "%.9g\t%.2f\t%s\n", v[5], 100 - v[4], $2 }' "$folder/fronts/$device.csv" | sort -g | awk -F'\t' '{ printf "| %.4g | %s | %s |\n", $1, $2, $3 }'
    done
}
fresh "$folder/results.md" write_page
say "$folder/results.md"
