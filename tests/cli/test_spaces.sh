#!/bin/sh
# A space that exists only as a file: cards, predictor, search with a table as error, fronts of a device that was never seen; and what is refused.
. "$2/cli/support.sh"
cd "$place" || exit 1
sh "$tests/../examples/made-up-space.sh" . || exit 1
devices="phone board server gpu watch"

run 0 "space show" space show space.json
says out "decisions      22, 198 choices in all"
run 0 "space show --json" space show space.json --json
spec=$(sed -n 's/.*"spec": "\(.*\)".*/\1/p' out)
run 2 "a slash in the parameters of a known space" space show mobilenetv3:resolutions=224/128
says err "space mobilenetv3: resolutions=224/128 must be FROM-TO-STEP"
run 2 "a path" space show nowhere:x/space.json
says err "nowhere:x/space.json"
mkdir elsewhere
cp space.json table.csv elsewhere
run 0 "the same space in another folder" space show elsewhere/space.json
says out "$spec"

# ---- cards ----
mkdir cards
for device in $devices unseen; do
    run 0 "import of $device" device import csv table.csv --space space.json --column "latency_ms=${device}_ms" --name $device -o "cards/$device.json"
done
cards=$(for device in $devices; do printf 'cards/%s.json ' "$device"; done)
run 2 "there is no network to measure" device measure --space space.json --name here -o here.json
says err "import latencies instead"
run 2 "a card names its space, and does not hold it" device show cards/phone.json
says err "give that file with --space SPACE.json"
run 0 "with the space it is read" device show --space space.json cards/phone.json
says out "$spec"

# ---- predictor: knows nothing of the space but its file ----
# shellcheck disable=SC2086 # a list
run 0 "predictor fit" predictor fit --space space.json --device $cards --steps 300 -o predictor.safetensors
run 0 "predictor eval needs no file of the space" predictor eval predictor.safetensors --device cards/unseen.json --json
want "a device that was never seen is ranked by its ten references" \
    awk '/"spearman"/ { gsub(/[^0-9.]/, ""); found = 1; if ($0 < 0.95) exit 1 } END { exit !found }' out

# ---- search ----
search="search --space space.json --error table:table.csv:error --preset quick --predictor predictor.safetensors --seed 4"
# shellcheck disable=SC2086
run 0 "search with a table as error" $search --device $cards --steps 150 --out run
says err 'errors: a surrogate, fitted to the column "error" of 5000 architectures'
says err "rank correlation (Spearman) 0.9"
for file in space.json error.safetensors config.json metrics.csv; do want "the run holds $file" [ -s "run/$file" ]; done
want "no word of data in what is next" sh -c "! grep -q verify out"
mv space.json table.csv elsewhere # the run suffices from here on
run 0 "front of the unseen device" front run --device cards/unseen.json --json
says out '"source": "surrogate"'
says out "\"space\": \"$spec\""
run 0 "front as a table" front run --device cards/unseen.json --csv
cp out front.csv

# ---- one of the front ----
run 0 "pick by preference knows the error" pick run --device cards/unseen.json --prefer error=0.5,latency_ms=0.5
says out "% (surrogate)"
want "and says what it was chosen from" grep -q '^  choice  *the best of the front.s [0-9]* for error=0.5, latency_ms=0.5$' out
run 0 "pick as the hypernetwork offers it" pick run --device cards/unseen.json --prefer error=0.5,latency_ms=0.5 --as-offered
says out "the hypernetwork's own, not compared with others, for error=0.5, latency_ms=0.5"
# The least error and the least latency there are: whatever else weighs nothing. VALUE OBJECTIVE WORD...: what pick answers with.
value() { objective=$1; shift; "$fleetnas" pick run --device cards/unseen.json "$@" | awk -v name="$objective" '$1 == name { print $2 }'; }
for objective in error latency_ms; do
    column=$([ $objective = error ] && echo 5 || echo 6)
    "$fleetnas" front run --device cards/unseen.json --csv | awk -F, -v column="$column" 'NR == 2 || (NR > 2 && $column < least) { least = $column } END { print least }' > least
    want "no point of the front has less $objective" awk -v least="$(cat least)" -v got="$(value $objective --prefer $objective=1)" 'BEGIN { exit !(got > 0 && got <= least * 1.00001) }'
done
run 0 "pick --json" pick run --device cards/unseen.json --prefer error=0.25,latency_ms=0.75 --json
says out '"choice": "front"'
want "the preference is what was asked for" sh -c "tr -d ' \n' < out | grep -q '\"preference\":\[0.25,0.75\]'"
run 0 "pick --json, as offered" pick run --device cards/unseen.json --prefer error=0.25,latency_ms=0.75 --json --as-offered
says out '"choice": "hypernetwork"'
run 0 "pick under a limit" pick run --device cards/unseen.json --max latency_ms=55 --json
want "no counts of a space that has none" sh -c "! grep -q macs out"
for more in "" "--prefer error=1" "--prefer error=0.5,latency_ms=0.5" "--as-offered" "--predicted-only"; do
    # shellcheck disable=SC2086 # words
    want "the limit holds with $more" awk -v got="$(value latency_ms --max latency_ms=55 $more)" 'BEGIN { exit !(got > 0 && got <= 55) }'
done
# No answer of another preference within the limit has less error than what is asked for within it.
for limit in 45 55 65; do
    value error --max latency_ms=$limit > least
    for weight in 0.2 0.4 0.5 0.6 0.8; do
        "$fleetnas" pick run --device cards/unseen.json --prefer error=$weight,latency_ms="$(awk -v w=$weight 'BEGIN { print 1 - w }')" > answer
        want "within $limit ms nothing is worse than error=$weight finds" awk -v limit=$limit -v least="$(cat least)" \
            '$1 == "error" { error = $2 } $1 == "latency_ms" { latency = $2 } END { exit !(least > 0 && error > 0 && (latency > limit || least <= error * 1.00001)) }' answer
    done
done
run 0 "what is preferred under a limit" pick run --device cards/unseen.json --max latency_ms=55 --prefer error=0.5,latency_ms=0.5
want "says of how many" grep -q '^  choice  *the best of [0-9]* within the limits, of the front.s [0-9]*, for error=0.5, latency_ms=0.5$' out
run 1 "an answer is one" pick run --device cards/unseen.json --prefer error=1 --fill
says err "unknown option --fill"

# ---- reports ----
rows() { grep -c '<td class="text arch">' report.html; }
run 0 "report" report run --device cards/unseen.json -o report.html --points 2000
whole=$(rows)
run 0 "report of what is offered" report run --device cards/unseen.json -o report.html --points 2000 --as-offered
offered=$(rows)
want "is less: $offered of $whole" [ "$offered" -lt "$whole" ]
run 0 "report, filled" report run --device cards/unseen.json -o report.html --points 2000 --fill
want "has as many as were asked for" [ "$(rows)" = 2000 ]
run 0 "report" report run --device cards/unseen.json -o report.html
want "the report says what the errors are" grep -q "a surrogate, fitted to the column error of 5000 architectures" report.html
run 0 "resume of a finished run" resume run
run 2 "verify has nothing to score" verify run
says err "no supernet"
run 1 "front with data" front run --device cards/unseen.json --data fashion-mnist

# What the formulas give for the front and for the first 1,000 architectures of the table, on the scale of those: hypervolume, larger is better.
truth() { sh "$tests/../examples/made-up-space.sh" truth | cut -d, -f 2,8; }
sed 1d front.csv | cut -d, -f 2 | truth > front.txt
sed -n 2,1001p elsewhere/table.csv | cut -d, -f 1 | truth > random.txt
hypervolume() {
    awk -F, 'FNR == 1 { file++; next }
    file == 1 { for (i = 1; i <= 2; i++) { if (FNR == 2 || $i < low[i]) low[i] = $i; if (FNR == 2 || $i > high[i]) high[i] = $i } }
    { if (file == 1) { x1[++n1] = $2; y1[n1] = $1 } else { x2[++n2] = $2; y2[n2] = $1 } }
    function clip(v) { return v < 0 ? 0 : v > 1 ? 1 : v }
    function volume(n, x, y,   i, k, xs, ys, t, sum, least) { # of points scaled to [0, 1]
        for (i = 1; i <= n; i++) { xs[i] = clip((x[i] - low[2]) / (high[2] - low[2])); ys[i] = clip((y[i] - low[1]) / (high[1] - low[1])) }
        for (i = 2; i <= n; i++) for (k = i; k > 1 && xs[k - 1] > xs[k]; k--) { t = xs[k]; xs[k] = xs[k - 1]; xs[k - 1] = t; t = ys[k]; ys[k] = ys[k - 1]; ys[k - 1] = t }
        least = 1
        for (i = 1; i <= n; i++) if (ys[i] < least) { sum += (1 - xs[i]) * (least - ys[i]); least = ys[i] }
        return sum
    }
    END { printf "%.4f %.4f\n", volume(n2, x2, y2), volume(n1, x1, y1) }' random.txt front.txt
}
hypervolume > volumes.txt
want "the front beats 1,000 random architectures: $(cat volumes.txt)" awk '{ exit !($1 > $2 + 0.1) }' volumes.txt

# ---- what was fitted serves other searches ----
run 0 "a search with the surrogate of another" search --space elsewhere/space.json --error surrogate:run/error.safetensors --preset quick --predictor predictor.safetensors \
    --device cards/phone.json cards/gpu.json --steps 2 --out run2
want "the same errors" cmp run/error.safetensors run2/error.safetensors
run 2 "a surrogate of another space" search --space nb201 --error surrogate:run/error.safetensors --device cards/phone.json --out run3

# ---- a network of one's own (tower.npz: 198-6-1, made-up weights, with the texts input and output) ----
cp "$tests/cli/tower.npz" net.npz
# shellcheck disable=SC2086
run 0 "a search with a network in NPZ" search --space elsewhere/space.json --error surrogate:net.npz --preset quick --predictor predictor.safetensors --device $cards --steps 20 --out run4
says err 'errors: a network 198-6-1, input "onehot", output "error_pct"'
run 0 "the network's file and what it means" search --space elsewhere/space.json --error surrogate:net.npz:output=error_pct,input=onehot --preset quick \
    --predictor predictor.safetensors --device $cards --steps 20 --out run5
want "makes the same run" cmp run4/checkpoint.safetensors run5/checkpoint.safetensors
rm net.npz # the run suffices from here on
run 0 "front by a network" front run4 --device cards/unseen.json --json
says out '"source": "surrogate"'
run 0 "pick by a network" pick run4 --device cards/unseen.json --prefer error=1
run 0 "resume" resume run4
run 0 "report" report run4 --device cards/unseen.json -o report.html
want "the report says what the errors are" grep -q "a network 198-6-1 that was given, input onehot, output error_pct" report.html
run 0 "a search with the run's copy" search --space elsewhere/space.json --error surrogate:run4/error.safetensors --preset quick --predictor predictor.safetensors \
    --device $cards --steps 20 --out run6
want "is the same" cmp run4/error.safetensors run6/error.safetensors
want "in its outcome, too" cmp run4/checkpoint.safetensors run6/checkpoint.safetensors
run 2 "a network for another space" search --space nb201 --error "surrogate:$tests/cli/tower.npz" --device cards/phone.json --out run3
run 1 "a word that means nothing" search --space elsewhere/space.json --error "surrogate:$tests/cli/tower.npz:accuracy" --device cards/phone.json --out run3
says err "behind the file stands output=..., input=... or both"
head -c 700 "$tests/cli/tower.npz" > cut.npz
run 2 "a network that is cut off" search --space elsewhere/space.json --error surrogate:cut.npz --device cards/phone.json --out run3
says err "cut.npz: truncated"

# ---- other methods on the same models, and scores on their scale ----
models="--space elsewhere/space.json --error surrogate:run4/error.safetensors --predictor predictor.safetensors --device cards/unseen.json"
# shellcheck disable=SC2086
run 0 "rival on models" rival nsga2 $models --evaluations 300 --seed 2 -o nsga2.csv
says out "nsga2.csv: nsga2, 300 evaluations, "
says out "on the scale of 1,000 random architectures and this front"
# shellcheck disable=SC2086
run 0 "rival on models, --json" rival parego $models --evaluations 30 -o parego.csv --json
says out '"evaluations": 30'
"$fleetnas" front run4 --device cards/unseen.json --csv > ours.csv
# shellcheck disable=SC2086
run 0 "score by models" score $models --front ours.csv nsga2.csv parego.csv
says out "Objectives are those that models say: surrogate:run4/error.safetensors, predictor.safetensors on cards/unseen.json; "
says out "A front that was chosen by the same models is scored by what chose it."
want "ours stands first, and is the best" awk 'NR == 2 { ours = $1 } NR > 2 && /csv$/ { if ($1 > ours) exit 1; rivals++ } END { exit !(rivals == 2 && ours > 0.5) }' out
# shellcheck disable=SC2086
run 0 "score by models, --json" score $models --front ours.csv --json
says out '"ratio": null'
# shellcheck disable=SC2086
run 0 "more points" rival random $models --evaluations 300 --points 60 -o many.csv
cat > long.csv < "elsewhere/table.csv"
# shellcheck disable=SC2086
run 2 "fronts that are too large" score $models --front long.csv
says err "long.csv has 5000 architectures: fronts of at most 24 are compared"
# shellcheck disable=SC2086
run 1 "tables beside models" rival random $models --truth elsewhere/table.csv --evaluations 10 -o none.csv
says err "give one of the two"
run 1 "half of the models" score --space elsewhere/space.json --error surrogate:run4/error.safetensors --front ours.csv
says err "--error SOURCE --predictor P.safetensors --device CARD.json"
run 1 "neither" score --space elsewhere/space.json --front ours.csv
says err "--truth TABLE.csv is missing, or --error, --predictor and --device in its place"
# shellcheck disable=SC2086
run 1 "an output that is read" rival random $models --evaluations 10 -o predictor.safetensors
# shellcheck disable=SC2086
run 2 "a rival that needs a table" rival macs $models --evaluations 10 -o none.csv
says err "looks at all architectures of truth tables"
want "nothing is written by what fails" [ ! -e none.csv ]

run 1 "data beside a table" search --space elsewhere/space.json --error table:elsewhere/table.csv:error --data fashion-mnist --device cards/phone.json --out run3
says err "--data has no use with --error"
run 2 "a table that is too short" search --space elsewhere/space.json --error "table:front.csv:error" --device cards/gpu.json --out run3
says err "needs at least 50"
run 1 "no errors at all" search --space elsewhere/space.json --device cards/phone.json --out run3
says err "--error table:FILE.csv:COLUMN"
want "nothing was written" [ ! -e run3 ]
finish
