#!/bin/sh
# What a command writes is none of what it reads, and no two of what it writes are one file: told by device and inode, and before any work.
. "$2/cli/support.sh"
cd "$place" || exit 1
make_cards
cp c.json kept.json
ln -s c.json link.json
ln c.json hard.json
mkdir sub

# refuse TEXT MESSAGE WORD...: exit code 1, this message, and the card is as it was.
refuse() {
    about=$1 message=$2
    shift 2
    run 1 "$about" "$@"
    says err "$message"
    want "c.json is as it was: $about" cmp c.json kept.json
}

# ---- an input ----
refuse "front" "--output c.json would overwrite --device c.json, which is read: name another file" front run --device c.json -o c.json
refuse "by another path" "--output ./sub/../c.json would overwrite --device c.json" front run --device c.json -o ./sub/../c.json
refuse "by a link" "--output link.json would overwrite --device c.json" front run --device c.json -o link.json
refuse "behind a link" "--output c.json would overwrite --device link.json" front run --device link.json -o c.json
refuse "by another name of it" "--output hard.json would overwrite --device c.json" front run --device c.json -o hard.json
refuse "one of several outputs" "--output c.json would overwrite --device c.json" front run --device c.json -o new.csv -o c.json
refuse "a picture" "--svg c.json would overwrite --device c.json" front run --device c.json --svg c.json
refuse "predictor fit" "--output c.json would overwrite --device c.json" predictor fit --device a.json b.json c.json -o c.json
refuse "device rebase" "--output c.json would overwrite c.json, which is read" device rebase c.json --references a.json -o c.json
refuse "device rebase, its references" "--output c.json would overwrite --references c.json" device rebase a.json --references c.json -o c.json
refuse "device references" "--output c.json would overwrite --device c.json" device references --device a.json c.json -o c.json
refuse "device references, what is given" "--output c.json would overwrite --given c.json" device references --device a.json b.json --given c.json -o c.json
refuse "device measure" "--output c.json would overwrite --archs-file c.json" device measure --space "$space" --name c --archs-file c.json -o c.json
refuse "device measure, its references" "--output c.json would overwrite --references c.json" device measure --space "$space" --name c --references c.json -o c.json
refuse "device import" "--output c.json would overwrite --references c.json" device import csv t.csv --space nb201 --all --references c.json -o c.json
refuse "device import, its table" "--output c.json would overwrite c.json, which is read" device import csv c.json --space nb201 --all -o c.json
refuse "device import help" "--output c.json would overwrite --index-map c.json" device import help t.pt --space nb201 --index-map c.json -o c.json
refuse "device export ofa" "--output c.json would overwrite c.json" device export ofa c.json -o c.json
refuse "error estimate" "--output c.json would overwrite --device c.json" error estimate --space "$space" --data "$data" --device c.json -o c.json
refuse "error estimate, its predictor" "--output c.json would overwrite --predictor c.json" error estimate --space "$space" --data "$data" --device a.json --predictor c.json -o c.json
refuse "rival" "--output c.json would overwrite --truth c.json" rival random --space nb201 --truth a.json c.json --column latency_ms=x --evaluations 5 -o c.json
refuse "a space" "--output c.json would overwrite --space c.json" rival random --space c.json --truth a.json --column latency_ms=x --evaluations 5 -o c.json
refuse "verify" "--output c.json would overwrite --device c.json" verify run --device c.json -o c.json
refuse "report" "--output c.json would overwrite --device c.json" report run --device a.json c.json -o c.json
refuse "results" "--html c.json would overwrite --scored c.json" results results --scored c.json -o page.md --html c.json

# ---- what a space or a command names ----
mkdir tower
awk 'BEGIN { print "{\"format\": \"fleetnas-space/1\", \"name\": \"t\", \"table\": \"table.csv\"}" }' > tower/space.json
echo a,b > tower/table.csv
cp tower/table.csv table.kept
ln -s tower/table.csv linked.csv
run 1 "the table of a space, predictor fit" predictor fit --space tower/space.json --device a.json b.json -o tower/table.csv
says err "--output tower/table.csv would overwrite tower/table.csv, which --space names: name another file"
run 1 "device measure" device measure --space tower/space.json --name x -o ./linked.csv
says err "--output ./linked.csv would overwrite tower/table.csv, which --space names"
run 1 "rival" rival random --space tower/space.json --truth a.json --column latency_ms=x --evaluations 5 -o tower/table.csv
says err "which --space names"
want "it is as it was" cmp tower/table.csv table.kept
refuse "a word of a command" "--output c.json would overwrite ./c.json, which --command names: name another file" device measure --space "$space" --name c --command "cat './c.json' {onnx}" -o c.json
run 2 "a command that only resembles it" device measure --space "$space" --name c --command "no-such-program c.jso {onnx}" --reference-only -o there.csv
never_says err "would overwrite"

# ---- a folder ----
mkdir results
printf '{"search_devices": ["phone"], "unseen_devices": []}' > results/splits.json
run 1 "a page in the place of what it is made from" results results -o results/splits.json
says err "--output results/splits.json would overwrite what is read from results: name another file"
want "it is as it was" grep -q search_devices results/splits.json
run 2 "a page beside it" results results -o results.md
says err "holds no scores"

tiny_search run --steps 2 > out 2> err || fail "a search"
find run -type f ! -path 'run/fronts/*' > held
want "a run holds files" [ "$(wc -l < held)" -ge 7 ]
while read -r file; do
    run 1 "$file is kept" front run --device c.json -o "$file"
    says err "--output $file would overwrite what is read from run"
done < held
for name in space.json error.safetensors energy.safetensors scores.csv; do
    cp c.json "run/$name"
    run 1 "$name is kept" report run/ -o "./run/$name"
    says err "would overwrite what is read from run/"
    rm "run/$name"
done
for _ in 1 2; do
    run 0 "a front in its run" front run --device c.json --no-error -o run/fronts/c.json -o run/c.csv
done
run 1 "a card of the run in its own place" device rebase run/devices/a.json --references c.json -o run/devices/a.json

# ---- a data set ----
mkdir -p c10 fashion imgs/train/a imgs/train/b
for batch in 1 2 3 4 5; do echo "batch $batch" > c10/data_batch_$batch.bin; done
echo packed > c10/data_batch_5.bin.xz
for name in train-images-idx3 train-labels-idx1 t10k-images-idx3 t10k-labels-idx1; do echo $name > fashion/$name-ubyte.gz; done
echo picture > imgs/train/a/ok.jpg
echo prepared > all.images
ln -s c10/data_batch_2.bin second.bin
ln -s imgs linked
mkdir there.kept && cp -r c10 fashion imgs all.images there.kept

# is_data TEXT MESSAGE WORD...
is_data() {
    about=$1 message=$2
    shift 2
    run 1 "data, $about" "$@"
    says err "$message"
    want "the data set is as it was: $about" sh -c 'for name in c10 fashion imgs all.images; do diff -r "$name" "there.kept/$name" || exit 1; done'
}
is_data "rival" "--output c10/data_batch_1.bin would overwrite what is read from c10: name another file" rival naswot --space nb201 --truth a.json --column latency_ms=x --evaluations 5 --data cifar10:c10 -o c10/data_batch_1.bin
is_data "error estimate" "--output ./c10/data_batch_5.bin would overwrite what is read from c10" error estimate --space "$space" --data cifar10:c10 --device a.json -o ./c10/data_batch_5.bin
is_data "by a link" "--output second.bin would overwrite what is read from c10/" device measure --space "$space" --name x --data cifar10:c10/ -o second.bin
is_data "fashion-mnist" "would overwrite what is read from fashion" front run --device c.json --data fashion-mnist:fashion --svg fashion/t10k-labels-idx1-ubyte.gz
is_data "a prepared file" "would overwrite what is read from all.images" report run --device c.json --data folder:all.images -o all.images
is_data "a prepared file without a word before it" "would overwrite what is read from all.images" verify run --device c.json --data all.images -o all.images
is_data "data prepare" "--output imgs/train/a/ok.jpg would overwrite what is read from imgs: name another file" data prepare folder:imgs -o imgs/train/a/ok.jpg
is_data "one image more" "--output imgs/train/b/new.png would lie in imgs, which is read: name another place" data prepare folder:imgs -o imgs/train/b/new.png
is_data "by a link to the folder" "would overwrite what is read from linked" export run --arch x --format onnx --data folder:linked -o imgs/train/a/ok.jpg
is_data "the folder by a link" "linked/x.images would lie in ./imgs, which is read" data prepare folder:./imgs -o linked/x.images
is_data "fronts in it" "--folder imgs/train would lie in imgs, which is read" front run --device c.json --data folder:imgs --folder imgs/train
is_data "a run in it" "--out imgs/run would lie in imgs, which is read" search --space "$space" --data folder:imgs --device a.json --out imgs/run
run 2 "a file of the folder that is not read" verify nowhere --data cifar10:c10 -o c10/data_batch_5.bin.xz
never_says err "would"
run 2 "a file beside a folder whose name begins alike" data prepare folder:imgs -o imgs.images
never_says err "would"
rm -r c10 fashion imgs all.images there.kept linked second.bin

# ---- cards whose names only a table tells ----
mkdir cards
awk 'BEGIN { print "arch,phone" }' > t.csv
sed -n 's/^    {"arch": \("[^"]*"\), "latency_ms": \([0-9.]*\)}.*/\1,\2/p' a.json | tr -d '"' >> t.csv
sed -n 's/^    {"arch": \("[^"]*"\).*/\1/p' a.json | head -10 | paste -sd, | sed 's/.*/[&]/' > cards/phone.json
cp cards/phone.json phone.json
run 1 "the references of a card, in its place" device import csv t.csv --space "$space" --all --references cards/phone.json -o cards
says err "cards/phone.json would overwrite --references cards/phone.json, which is read"
want "they are as they were" cmp cards/phone.json phone.json
for _ in 1 2; do
    run 0 "and elsewhere" device import csv t.csv --space "$space" --all --references phone.json -o cards
done

# ---- a folder in the place of an output ----
mkdir taken taken.json

# is_folder TEXT OPTION_AND_FOLDER WORD...: refused before any work.
is_folder() {
    about=$1 folder=$2
    shift 2
    run 3 "$about, into a folder" "$@"
    says err "$folder: is a folder, a file is wanted: name one, as in ${folder%/}/NAME: nothing was done"
    want "nothing was made: $about" [ -z "$(ls -A taken taken.json | grep -v :)" ]
}
is_folder verify taken verify nowhere -o taken
is_folder "device measure" taken/ device measure --space nowhere.json --name x -o taken/
is_folder "error estimate" taken error estimate --space nowhere.json --data "$data" --device nowhere.json -o taken
is_folder report taken report nowhere -o taken
is_folder "predictor fit" taken predictor fit --device nowhere.json -o taken
is_folder rival taken rival random --space nowhere.json --truth nowhere.csv --column latency_ms=x --evaluations 5 -o taken
is_folder results taken results nowhere -o page --html taken
is_folder "device import to one file" taken.json device import csv nowhere.csv --space nb201 --all -o taken.json

# ---- two outputs ----
run 1 "two outputs of one name" front run --device c.json -o new.json -o new.json
says err "--output new.json and --output new.json are one file: name two"
run 1 "of one name by two paths" front run --device c.json -o new.svg --svg ./sub/../new.svg
says err "--svg ./sub/../new.svg and --output new.svg are one file: name two"
run 1 "two pages" results results -o page --html page
says err "--output page and --html page are one file"
touch there.json
ln -s there.json other.json
run 1 "of two names for one file" front run --device c.json -o there.json -o other.json
says err "are one file"
run 0 "two outputs" front run --device c.json --no-error -o new.json -o new.csv
run 2 "devices may be many" results results -o /dev/null --html /dev/null
says err "holds no scores"
want "nothing else was made" [ ! -e page ] && [ ! -s there.json ]

# ---- what is an input by contract ----
run 0 "a front again, over itself" front run --device c.json --no-error -o new.json
run 0 "a predictor again" predictor fit --device a.json b.json --steps 50 -o p.safetensors
run 0 "over itself" predictor fit --device a.json b.json --steps 50 -o p.safetensors
finish
