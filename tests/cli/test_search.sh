#!/bin/sh
# A whole search on made-up devices: fronts, choices, predictor, report; and what they refuse.
. "$2/cli/support.sh"
make_cards
search_run=$place/run

want "search" tiny_search "$search_run" --steps 12
for file in config.json checkpoint.safetensors predictor.safetensors metrics.csv devices/a.json devices/b.json log.sqlite; do
    want "the run holds $file" [ -s "$search_run/$file" ]
done
want "no machine's path in what is compared" sh -c "! grep -q '$place' '$search_run/config.json' '$search_run/metrics.csv'"

# ---- fronts ----
run 0 "front of an unseen device" front "$search_run" --device "$place/c.json" --svg "$place/c.svg" -o "$place/c1.json" -o "$place/c.csv"
says out "     error, %   latency, ms  architecture"
says out "architecture"
want "the picture is an SVG" grep -q "<svg" "$place/c.svg"
want "the table has its columns" grep -q "^device,arch,preference_error,preference_latency_ms,error,latency_ms" "$place/c.csv"
run 0 "front --json" front "$search_run" --device "$place/c.json" --json
cp "$place/out" "$place/c2.json"
want "file and standard output agree" cmp "$place/c1.json" "$place/c2.json"
run 0 "front --csv" front "$search_run" --device "$place/c.json" --csv --threads 1
cp "$place/out" "$place/c2.csv"
want "file and standard output agree, for other threads too" cmp "$place/c.csv" "$place/c2.csv"
run 0 "front --no-error --points 3" front "$search_run" --device "$place/a.json" --no-error --points 3 --csv
want "at most three points" [ "$(wc -l < "$place/out")" -le 4 ]
run 1 "no picture without errors" front "$search_run" --device "$place/a.json" --no-error --svg "$place/x.svg"
run 0 "a front, of which all is known now" front "$search_run" --device "$place/a.json"
run 2 "front with data that are none" front "$search_run" --device "$place/a.json" --data "cifar10:$place/nowhere"
says err "nowhere"
run 2 "front with other data" front "$search_run" --device "$place/a.json" --data synthetic:1x8x8,classes=4,images=600
says err "images=1200"
run 0 "fronts of two devices" front "$search_run" --device "$place/c.json" "$place/a.json" --folder "$place/fronts"
want "a file each, as of one device" cmp "$place/fronts/c.json" "$place/c1.json"
want "and of the other" [ -s "$place/fronts/a.json" ]
run 1 "two devices and one file" front "$search_run" --device "$place/c.json" "$place/a.json" -o "$place/two.json"
says err "--device names 2 cards: give one, or --folder FOLDER"
run 1 "a folder and a file" front "$search_run" --device "$place/c.json" --folder "$place/fronts" --csv
says err "--folder writes fronts as JSON alone"
run 2 "one device twice" front "$search_run" --device "$place/c.json" "$place/c.json" --folder "$place/twice"
says err "two cards are of the device \"c\""
cp "$place/a.json" "$place/kept-a.json"
run 1 "a folder where the cards lie" front "$search_run" --device "$place/c.json" "$place/a.json" --folder "$place"
want "whose cards stay" cmp "$place/a.json" "$place/kept-a.json"
run 2 "front of a folder that is no run" front "$place" --device "$place/a.json"
says err "$place"

# ---- choices ----
run 0 "pick by preference" pick "$search_run" --device "$place/c.json" --prefer error=0.7,latency_ms=0.3
says out "latency_ms"
run 0 "pick --json" pick "$search_run" --device "$place/c.json" --prefer latency_ms=1 --json
says out '"arch": "|'
run 1 "weights that do not sum to one" pick "$search_run" --device "$place/c.json" --prefer error=0.7,latency_ms=0.2
says err "sum to 0.9"
run 1 "a negative weight" pick "$search_run" --device "$place/c.json" --prefer error=1.5,latency_ms=-0.5
says err "latency_ms=-0.5"
run 1 "a weight that is no number" pick "$search_run" --device "$place/c.json" --prefer error=nan,latency_ms=1
says err "error=nan"
run 1 "an unknown objective" pick "$search_run" --device "$place/c.json" --prefer error=0.7,latancy_ms=0.3
says err "did you mean latency_ms?"
run 1 "an objective twice" pick "$search_run" --device "$place/c.json" --prefer error=0.5,error=0.5
says err "error is given twice"
run 0 "pick under a limit" pick "$search_run" --device "$place/c.json" --max latency_ms=1000 --json
run 5 "a limit that nothing satisfies" pick "$search_run" --device "$place/c.json" --max latency_ms=0.000001
says err "Smallest that it reaches within the other limits: latency_ms"

# A limit between the fastest and the slowest of the front is kept.
middle=$(awk -F, 'NR > 1 { if (NR == 2 || $NF < least) least = $NF; if ($NF > most) most = $NF } END { printf "%.9f", (least + most) / 2 }' "$place/c.csv")
run 0 "pick under the middle of the front, $middle ms" pick "$search_run" --device "$place/c.json" --max "latency_ms=$middle"
want "the limit holds" awk -v most="$middle" '$1 == "latency_ms" { found = 1; if ($2 > most * 1.00001) exit 1 } END { if (!found) exit 1 }' "$place/out"

# ---- what the card has measured ----
make_card measured 0.01 0.10 0.20 0.20 15625 > "$place/measured.json" # every cell
points() { sed -n '/architecture$/,/^[^ ]/p' "$1" | grep -c '|$'; }
marks() { sed -n '/architecture$/,/^[^ ]/p' "$1" | grep -c '[0-9]\* |.*|$'; }
run 0 "front of a card that has measured all" front "$search_run" --device "$place/measured.json"
want "marks all: $(points "$place/out")" [ "$(marks "$place/out")" = "$(points "$place/out")" ]
says out "*: measured, as the card has it"
says out "latency_ms measured"
{ sed -n 's/^  1 .*\* //p' "$place/out"; "$fleetnas" pick "$search_run" --device "$place/measured.json" --prefer error=1 2> "$place/err" | sed -n 's/^  architecture //p'; } > "$place/not"
grep -vFf "$place/not" "$place/measured.json" > "$place/most.json"
run 0 "front by predictions" front "$search_run" --device "$place/measured.json" --predicted-only
want "marks none" sh -c "! grep -qF '*' '$place/out'"
says out "latency_ms predicted"
run 0 "front of a card that has measured most, but not the best" front "$search_run" --device "$place/most.json"
cp "$place/out" "$place/most.txt"
run 0 "as JSON" front "$search_run" --device "$place/most.json" --json
awk '/"arch"/ { gsub(/.*: "|",?$/, ""); arch = $0 } /"measured": true/ { print arch }' "$place/out" | sort > "$place/most.measured"
sed -n 's/.*[0-9]\* \(|.*|\)$/\1/p' "$place/most.txt" | sort > "$place/most.marked"
want "marks those: $(wc -l < "$place/most.marked") of $(points "$place/most.txt")" cmp "$place/most.measured" "$place/most.marked"
want "not all" [ "$(marks "$place/most.txt")" -lt "$(points "$place/most.txt")" ]
run 0 "report of the devices" report "$search_run" --device "$place/measured.json" "$place/most.json" "$place/c.json" -o "$place/report.html"
cells() { sed -n "/id=\"device-$1\"/,/<\/section>/p" "$place/report.html" | grep -o '[0-9]\*</td>' | wc -l; }
want "marks what the front marks: $(cells 1), $(cells 2)" [ "$(cells 1)/$(cells 2)" = "$(points "$place/most.txt")/$(marks "$place/most.txt")" ]
run 0 "report of one" report "$search_run" --device "$place/measured.json" -o "$place/report.html"
want "that has measured all has no marks" [ "$(cells 1)" = 0 ]
want "but says so" grep -q 'ms, measured<' "$place/report.html"
run 0 "report by predictions" report "$search_run" --device "$place/most.json" -o "$place/report.html" --predicted-only
want "marks nothing" [ "$(cells 1)" = 0 ]
for error in 0 0.2 0.4 0.6 0.8 1; do
    preference=error=$error,latency_ms=$(awk -v e=$error 'BEGIN { print 1 - e }')
    "$fleetnas" pick "$search_run" --device "$place/most.json" --prefer "$preference" > "$place/out" 2> "$place/err"
    arch=$(sed -n 's/^  architecture //p' "$place/out")
    source=predicted
    ! grep -qF "{\"arch\": \"$arch\"" "$place/most.json" || source=measured
    want "pick for $preference: its latency is $source" grep -q "^  latency_ms .*($source" "$place/out"
    run 0 "by predictions" pick "$search_run" --device "$place/most.json" --prefer "$preference" --predicted-only
    says out "ms (predicted"
done
says out "the hypernetwork's own, not compared with others, for error=1"
run 1 "pick of a run with shared weights, as offered" pick "$search_run" --device "$place/c.json" --prefer error=1 --as-offered
says err "leave as_offered (--as-offered) out"
run 1 "report, likewise" report "$search_run" --device "$place/c.json" --as-offered -o "$place/report.html"
says err "leave as_offered (--as-offered) out"

# ---- networks that can only guess ----
# Without errors nothing keeps them away. The commands' answers are in canonical form: such a network has no operation but none.
nothing='|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'
make_card even 0.5 0.5 0.5 0.5 > "$place/even.json" # any operation is slow
run 0 "a search on a device where every operation costs" search --space "$space" --data "$data" --device "$place/even.json" --preset quick --proxy channels=4 \
    --paths 4 --steps 200 --seed 7 --out "$place/fast"
run 0 "pick the fastest" pick "$place/fast" --device "$place/even.json" --prefer latency_ms=1 --json
if grep -qF "$nothing" "$place/out"; then # as here; another instruction set may search its way to another answer
    says out '"connected": false'
    says err "can only guess"
else
    says out '"connected": true'
fi
run 0 "front without errors" front "$place/fast" --device "$place/even.json" --no-error --json
says out '"connected": true'
if grep -qF "$nothing" "$place/out"; then
    says out '"connected": false'
    says err "fleetnas front: warning: in 1 of the "
fi
run 0 "a front with errors has none of them" front "$place/fast" --device "$place/even.json" --json
want "nor says so" sh -c "! grep -q 'only guess' '$place/err' && ! grep -q 'connected.: false' '$place/out'"

# ---- predictor ----
run 0 "predictor fit" predictor fit --device "$place/a.json" "$place/b.json" --steps 300 -o "$place/p.safetensors"
says out "Spearman"
run 0 "predictor eval on an unseen device" predictor eval "$place/p.safetensors" --device "$place/c.json" --json
says out '"spearman": '
says out '"trained_on": false'
says out '"n": 60'
says out '"coverage90_pct": '
says out '"width90_median_pct": '
says out '"runtime": '
run 0 "a search with this predictor, rehearsed" search --space "$space" --data "$data" --device "$place/a.json" --predictor "$place/p.safetensors" --preset quick \
    --proxy channels=4 --paths 4 --steps 5 --out "$place/rehearsed" --dry-run
want "a rehearsal writes nothing" [ ! -e "$place/rehearsed" ]

# ---- references ----
run 0 "references by cards" device references --device "$place/a.json" "$place/b.json" -o "$place/references.json" --json
cp "$place/out" "$place/references.out"
want "ten of them" [ "$(grep -c '"|' "$place/references.json")" = 10 ]
run 0 "references by a predictor" device references --predictor "$place/p.safetensors" --count 3 --given "$place/a.json" -o "$place/next.json"
want "three" [ "$(grep -c '"|' "$place/next.json")" = 3 ]
run 0 "references among a card's architectures" device references --predictor "$place/p.safetensors" --count 3 --among "$place/b.json" -o "$place/among.json"
want "three that the card has" [ "$(grep -o '|[^"]*' "$place/among.json" | grep -cFf - "$place/b.json")" -ge 3 ]
for option in "--seed 0" "--space $space"; do # also a value that is the default
    # shellcheck disable=SC2086 # two words
    run 1 "references by a predictor with ${option%% *}" device references --predictor "$place/p.safetensors" $option -o "$place/next.json"
    says err "${option%% *} has no use with --predictor"
done
run 1 "references without anything to learn from" device references -o "$place/next.json"
says err "either --device"
run 1 "no references at all" device references --predictor "$place/p.safetensors" --count 1001 -o "$place/next.json"
says err "1 to 1000"
run 2 "references beside a card that is none" device references --predictor "$place/p.safetensors" --given "$place/p.safetensors" -o "$place/next.json"
"$fleetnas" device measure --space "$space" --name r --references "$place/references.json" --reference-only -o "$place/r.json" > /dev/null 2>&1
code=$? # 4: they were read and measured, on a machine that was not quiet
want "a device is measured by them" [ "$code" = 0 -o "$code" = 4 ]

# ---- report ----
run 0 "report" report "$search_run" --device "$place/a.json" "$place/c.json" -o "$place/report.html"
want "its path is the last line" [ "$(tail -1 "$place/out")" = "$place/report.html" ]
want "it is a page with a picture" sh -c "grep -q '<html' '$place/report.html' && grep -q '<svg' '$place/report.html'"
want "that asks for nothing from elsewhere" sh -c "! grep -Eq '(src|href)=\"(https?:)?//' '$place/report.html'"
run 2 "verify refuses devices of another machine" verify "$search_run" --device "$place/a.json" --random 2 --scale 4 --test-images 50
says err "imported"
sed 's/"statistic": "imported"/"statistic": "min_cpu_ms"/' "$place/a.json" > "$place/elsewhere.json"
run 2 "verify refuses a card of another processor" verify "$search_run" --device "$place/elsewhere.json" --random 2 --scale 4 --test-images 50
says err 'its card'"'"'s processor is "made up"'

# ---- what lies beside the run is of the moment ----
cp -r "$search_run" "$place/damaged"
echo "no database" > "$place/damaged/log.sqlite"
run 2 "a damaged log" front "$place/damaged" --device "$place/c.json" --no-error
says err "delete it"
rm "$place/damaged/log.sqlite"
run 0 "which does" front "$place/damaged" --device "$place/c.json" --no-error

# ---- what a search refuses ----
ln -s "$place/nowhere" "$place/link"
run 3 "a link that leads nowhere" search --space "$space" --data "$data" --device "$place/a.json" --preset quick --steps 2 --out "$place/link"
want "before the work" sh -c "! grep -q predictor '$place/err'"
run 2 "a folder with another run" search --space "$space" --data "$data" --device "$place/a.json" --preset quick --steps 2 --out "$search_run"
says err "$search_run holds another run"
mkdir "$place/full"
echo "notes" > "$place/full/notes.txt"
run 2 "a folder with other files" search --space "$space" --data "$data" --device "$place/a.json" --preset quick --steps 2 --out "$place/full"
want "which stay" [ "$(cat "$place/full/notes.txt")" = notes ]
run 2 "missing data" search --space "$space" --data "cifar10:$place/nowhere" --device "$place/a.json" --preset quick --out "$place/none"
says err "$place/nowhere"
run 1 "unknown data" search --space "$space" --data fashion-mnst --device "$place/a.json" --preset quick --out "$place/none"
says err "fashion-mnist"
run 2 "data that do not fit the space" search --space "$space" --data synthetic:3x8x8,classes=4,images=1200 --device "$place/a.json" --preset quick --out "$place/none"
says err "1x8x8"
run 2 "an unknown space" search --space nb301 --data "$data" --device "$place/a.json" --preset quick --out "$place/none"
says err "nb201"
want "nothing was written" [ ! -e "$place/none" ]
finish
