#!/bin/sh
# Device cards that are wrong are refused by name, file and field; exit code 2.
. "$2/cli/support.sh"
make_cards

run 0 "device show" device show "$place/a.json"
says out "imported"
run 0 "several cards, with their rank correlations" device show "$place/a.json" "$place/b.json" "$place/c.json"
says out "Spearman"
run 0 "device show --json" device show "$place/a.json" "$place/a.json" --json
says out '"spearman": ['

# refuse FILE TEXT: show and search both refuse, and name the file.
refuse() {
    run 2 "device show refuses $1" device show "$place/$1"
    says err "$place/$1"
    says err "$2"
    run 2 "search refuses $1" search --space "$space" --data "$data" --device "$place/$1" --preset quick --out "$place/run"
    says err "$place/$1"
}

# Nine latencies: the tenth goes.
sed 's/^\(    "latency_ms": \[.*\), [0-9.]*\]$/\1]/' "$place/a.json" > "$place/nine.json"
refuse nine.json "latency_ms"
sed 's/^    "latency_ms": \[[0-9.]*,/    "latency_ms": [NaN,/' "$place/a.json" > "$place/nan.json"
refuse nan.json "nan.json:"
sed 's/^    "latency_ms": \[[0-9.]*,/    "latency_ms": [-1,/' "$place/a.json" > "$place/negative.json"
refuse negative.json "latency_ms"
sed '0,/"latency_ms": 0[0-9.]*}/s//"latency_ms": 1e999}/' "$place/a.json" > "$place/huge.json"
refuse huge.json "huge.json:"
sed '0,/nor_conv_3x3/s//nor_conv_5x5/' "$place/a.json" > "$place/operation.json"
refuse operation.json "nor_conv_5x5"
sed 's/"format": "fleetnas-device\/1"/"format": "fleetnas-device\/9"/' "$place/a.json" > "$place/format.json"
refuse format.json "format"
echo '{"run": "x", "device": "a", "points": []}' > "$place/front.json"
refuse front.json "is not a device card"
says err "fleetnas device measure"
head -c 700 "$place/a.json" > "$place/truncated.json"
refuse truncated.json "truncated.json:"
: > "$place/empty.json"
refuse empty.json "empty.json"
refuse absent.json "absent.json"

run 2 "a card of another space" search --space nb201:channels=8,cells=1,classes=4,input=1x8x8 --data "$data" --device "$place/a.json" --preset quick --out "$place/run"
says err "a.json"
says err "channels=8"
run 2 "two cards of one name" search --space "$space" --data "$data" --device "$place/a.json" "$place/a.json" --preset quick --out "$place/run"
says err '"a"'
make_card d 0.01 0.05 0.20 0.04 0 > "$place/d.json"
run 0 "a card with references alone is a card" device show "$place/d.json"
run 2 "but trains no predictor" predictor fit --device "$place/d.json" -o "$place/p.safetensors"
says err "measurements"
make_card e 0.01 0.05 0.20 0.04 4 > "$place/e.json"
run 2 "too few to keep two out" predictor fit --device "$place/a.json" "$place/e.json" -o "$place/p.safetensors"
says err "of its 4 measurements are kept out of training, 2 are needed to score it: measure more of them, or keep a larger part out (--holdout)"
run 2 "nor a search" search --space "$space" --data "$data" --device "$place/d.json" --preset quick --out "$place/run"
says err "measurements"
run 0 "two devices train one" predictor fit --device "$place/a.json" "$place/b.json" --steps 20 -o "$place/q.safetensors"
says out "Spearman  Kendall   median     mean  coverage     width"
run 0 "an unseen device is scored" predictor eval "$place/q.safetensors" --device "$place/c.json"
says out "c: imported f32, batch 1, 1 thread; never seen in training"
says out "  scored on          60 architectures"
says out "  error              median "
says out "of the measured ms"

# ---- several cards ----
run 0 "several are scored" predictor eval "$place/q.safetensors" --device "$place/c.json" "$place/a.json"
says out "Spearman  Kendall   median     mean  coverage     width"
want "a line each, and the mean" [ "$(sed -n '3,5s/ .*//p' "$place/out" | tr '\n' ' ')" = "c a mean " ]
says out "imported f32, batch 1, 1 thread; never seen in training"
says out "imported f32, batch 1, 1 thread; trained on"
says out "What was trained on is scored on architectures that were held out."
want "which is the mean of the lines" awk 'NR == 3 || NR == 4 { for (i = 1; i <= 4; i++) sum[i] += $(i + 2) / 2 }
    NR == 5 { for (i = 1; i <= 4; i++) { d = $(i + 1) - sum[i]; if (d > 0.01 || d < -0.01) exit 1; n++ } } END { exit n != 4 }' "$place/out"
run 0 "as JSON" predictor eval "$place/q.safetensors" --device "$place/c.json" "$place/a.json" --json
cp "$place/out" "$place/two.json"
run 0 "one alone" predictor eval "$place/q.safetensors" --device "$place/c.json" --json
cp "$place/out" "$place/one.json"
want "a mean of each figure" awk -F'[:,] *' '/"(spearman|kendall|median_ape_pct|mean_ape_pct|coverage90_pct|width90_median_pct)"/ { gsub(/ /, "", $1); value[$1, ++count[$1]] = $2 }
    END { for (key in count) { a = value[key, 1]; b = value[key, 2]; mean = value[key, 3]; d = mean - (a + b) / 2
        if (count[key] != 3 || (a == "null" || b == "null" ? mean != "null" : mean == "null" || d > 1e-9 || d < -1e-9)) exit 1; n++ } exit n != 6 }' "$place/two.json"
members() { sed 's/^ *//; s/,$//' "$1" | grep '"'; }
members "$place/two.json" | sed -n '2,/"n"/p' > "$place/first"
members "$place/one.json" > "$place/alone"
want "a device has the same members among others and alone" cmp "$place/first" "$place/alone"
run 0 "one card that has nothing to score" predictor eval "$place/q.safetensors" --device "$place/d.json" "$place/c.json"
says err "d is left out: device d: 0 of its measurements may be scored"
want "the other has its line, alone" [ "$(sed -n '3,5s/ .*//p' "$place/out" | tr '\n' ' ')" = "c " ]
run 0 "and in JSON" predictor eval "$place/q.safetensors" --device "$place/d.json" "$place/c.json" "$place/a.json" --json
want "is named with the reason" sh -c "tr -d ' \n' < '$place/out' | grep -q '\"left_out\":\[{\"device\":\"d\",\"reason\":\"deviced:0ofits'"
members "$place/out" | grep -v left_out | sed -n '/"mean"/,$p' > "$place/mean-without"
members "$place/two.json" | sed -n '/"mean"/,$p' > "$place/mean-of-two"
want "the mean is that of the others" cmp "$place/mean-without" "$place/mean-of-two"
run 2 "nothing to score at all" predictor eval "$place/q.safetensors" --device "$place/d.json"
want "then nothing is said" [ ! -s "$place/out" ]
run 1 "a card given twice" predictor eval "$place/q.safetensors" --device "$place/c.json" "$place/c.json"
says err "c is given twice"
want "nothing was written" [ ! -e "$place/run" ] && want "no predictor either" [ ! -e "$place/p.safetensors" ]
finish
