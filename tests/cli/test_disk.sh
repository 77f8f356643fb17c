#!/bin/sh
# A full disk: exit code 3, the file is named, what was there before is intact, and the search goes on afterwards.
. "$2/cli/support.sh"
make_cards
want "a search" tiny_search "$place/run" --steps 8 --checkpoint-steps 4

if [ -c /dev/full ]; then
    code=0
    "$fleetnas" front "$place/run" --device "$place/a.json" --no-error --json > /dev/full 2> "$place/err" || code=$?
    if [ $code -eq 3 ]; then pass "standard output is full: exit code 3"; else fail "standard output is full: exit code $code, wanted 3"; fi
    says err "standard output"
    for word in --help help "device show --help"; do
        code=0
        # shellcheck disable=SC2086 # words
        "$fleetnas" $word > /dev/full 2> "$place/err" || code=$?
        if [ $code -eq 3 ]; then pass "$word on a full disk: exit code 3"; else fail "$word on a full disk: exit code $code, wanted 3"; fi
    done
    ln -s /dev/full "$place/full.csv"
    run 3 "a front into a full device" front "$place/run" --device "$place/a.json" --no-error -o "$place/full.csv"
    says err "$place/full.csv"
    ln -s /dev/full "$place/full.safetensors"
    run 3 "a predictor into a full device" predictor fit --device "$place/a.json" --steps 20 -o "$place/full.safetensors"
    says err "$place/full.safetensors"
    run 3 "a front into a folder that is missing" front "$place/run" --device "$place/a.json" --no-error -o "$place/missing/front.csv"
    says err "$place/missing/front.csv"
else
    echo "skip - there is no /dev/full"
fi

# A limit on the size of files stands for a full disk: in blocks of 512 bytes, SIGXFSZ ignored so that writing fails with an error.
limited() { # BLOCKS WORD...
    blocks=$1
    shift
    code=0
    (
        trap '' XFSZ
        ulimit -f "$blocks"
        "$fleetnas" "$@"
    ) > "$place/out" 2> "$place/err" || code=$?
}
size=$(wc -c < "$place/run/checkpoint.safetensors")
limited $((size / 1024)) search --space "$space" --data "$data" --device "$place/a.json" "$place/b.json" --preset quick --proxy channels=4 --paths 4 --seed 7 \
    --out "$place/limited" --steps 8 --checkpoint-steps 4
if [ $code -eq 3 ]; then pass "a checkpoint that does not fit: exit code 3"; else fail "a checkpoint that does not fit: exit code $code, wanted 3"; fi
says err "checkpoint.safetensors"
want "no half checkpoint" [ ! -e "$place/limited/checkpoint.safetensors" ]
want "no temporary files" sh -c "! ls -A '$place/limited' | grep -q tmp"
run 0 "with room again, the search goes on" resume "$place/limited"
want "to the same bytes" cmp "$place/run/checkpoint.safetensors" "$place/limited/checkpoint.safetensors"

# The old checkpoint outlives the failure of the next.
cp -R "$place/run" "$place/old"
limited 1 resume "$place/old"
want "a finished run needs no room" [ $code -eq 0 ]
want "and keeps its checkpoint" cmp "$place/run/checkpoint.safetensors" "$place/old/checkpoint.safetensors"
finish
