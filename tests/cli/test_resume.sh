#!/bin/sh
# The same bits with 1 and 2 threads, after Ctrl-C, and after kill -9.
. "$2/cli/support.sh"
make_cards
steps=40

# same TEXT RUN: everything that equal searches share equals that of the first run.
same() {
    for file in checkpoint.safetensors config.json metrics.csv predictor.safetensors; do
        want "$1: $file has the same bytes" cmp "$place/first/$file" "$2/$file"
    done
}

want "a search with 2 threads" tiny_search "$place/first" --steps $steps --checkpoint-steps 7 --threads 2
want "a search with 1 thread" tiny_search "$place/one" --steps $steps --checkpoint-steps 7 --threads 1
same "1 thread" "$place/one"

# wait_for_step RUN STEP PID: until its metrics have come that far; false where the process ended before.
wait_for_step() {
    while ! awk -v step="$2" 'END { exit !(NR > step) }' "$1/metrics.csv" 2> /dev/null; do
        kill -0 "$3" 2> /dev/null || return 1
        sleep 0.02
    done
}

# interrupt SIGNAL RUN: starts the search and sends the signal after some steps. Sets code. The command runs as the job itself, so that the signal reaches it;
# jobs of a script without job control ignore SIGINT, hence env.
interrupt() {
    "$fleetnas" search --space "$space" --data "$data" --device "$place/a.json" "$place/b.json" --preset quick --proxy channels=4 --paths 4 --seed 7 --out "$2" \
        --steps $steps --checkpoint-steps 7 --threads 1 > "$place/out" 2> "$place/err" &
    job=$!
    if wait_for_step "$2" 10 $job; then pass "the search was under way"; else fail "the search ended before it could be interrupted"; fi
    kill -"$1" $job
    code=0
    wait $job || code=$?
}

interrupt TERM "$place/term"
if [ $code -eq 130 ]; then pass "SIGTERM: exit code 130"; else fail "SIGTERM: exit code $code, wanted 130"; fi
says err "fleetnas resume $place/term"
want "a checkpoint is there" [ -s "$place/term/checkpoint.safetensors" ]
want "and it is not yet the end" sh -c "! cmp -s '$place/term/checkpoint.safetensors' '$place/first/checkpoint.safetensors'"
run 0 "resume with 2 threads" resume "$place/term" --threads 2
same "after SIGTERM" "$place/term"

interrupt KILL "$place/kill"
if [ $code -eq 137 ]; then pass "SIGKILL killed it"; else fail "SIGKILL: exit code $code, wanted 137"; fi
run 0 "resume" resume "$place/kill"
same "after SIGKILL" "$place/kill"
run 0 "resume of a finished run changes nothing" resume "$place/kill"
same "after one resume more" "$place/kill"

# Ctrl-C: a shell without job control starts its jobs with SIGINT ignored, so a program in between puts the default back.
if command -v env > /dev/null && env --default-signal=INT true 2> /dev/null; then
    fleetnas_plain=$fleetnas
    printf '#!/bin/sh\nexec env --default-signal=INT "%s" "$@"\n' "$fleetnas_plain" > "$place/with-sigint"
    chmod +x "$place/with-sigint"
    fleetnas=$place/with-sigint
    interrupt INT "$place/int"
    fleetnas=$fleetnas_plain
    if [ $code -eq 130 ]; then pass "SIGINT: exit code 130"; else fail "SIGINT: exit code $code, wanted 130"; fi
    says err "fleetnas resume $place/int"
    run 0 "resume" resume "$place/int"
    same "after SIGINT" "$place/int"
else
    echo "skip - SIGINT: env has no --default-signal"
fi

# One search at a time in a folder: the second is refused, and the first does not notice.
interrupt_later() {
    "$fleetnas" search --space "$space" --data "$data" --device "$place/a.json" "$place/b.json" --preset quick --proxy channels=4 --paths 4 --seed 7 --out "$1" \
        --steps $steps --checkpoint-steps 7 --threads 1 > "$place/first-out" 2>&1 &
    job=$!
}
interrupt_later "$place/both"
if wait_for_step "$place/both" 2 $job; then pass "a search is under way"; else fail "the search ended at once"; fi
kill -STOP $job # so that it is under way for certain
run 2 "a second process in the same run" resume "$place/both"
says err "another process"
run 2 "a search into its folder" search --space "$space" --data "$data" --device "$place/a.json" --preset quick --steps 2 --out "$place/both"
kill -CONT $job
want "the first ends well" wait $job
same "after a second process was refused" "$place/both"

# A folder where a search ended before its run was whole: starting again needs no cleaning up.
mkdir -p "$place/half/devices"
: > "$place/half/.starting"
echo half > "$place/half/devices/a.json"
run 2 "a run that is not yet whole does not resume" resume "$place/half"
want "but starts again" tiny_search "$place/half" --steps $steps --checkpoint-steps 7
same "after a start that failed" "$place/half"
want "and its mark is gone" [ ! -e "$place/half/.starting" ]

run 2 "resume of a folder that is no run" resume "$place"
says err "config.json"

# A checkpoint that was cut is refused, by name.
cp -R "$place/first" "$place/cut"
head -c 1000 "$place/first/checkpoint.safetensors" > "$place/cut/checkpoint.safetensors"
run 2 "a truncated checkpoint" resume "$place/cut"
says err "checkpoint.safetensors"

# One bit that flipped in the numbers is found too, in each of the two files.
for file in checkpoint.safetensors predictor.safetensors; do
    rm -rf "$place/flipped"
    cp -R "$place/first" "$place/flipped"
    last=$(tail -c 1 "$place/first/$file" | od -An -tu1)
    { head -c -1 "$place/first/$file" && printf "\\$(printf %o $((last ^ 1)))"; } > "$place/flipped/$file"
    want "$file has its size still" [ "$(wc -c < "$place/flipped/$file")" -eq "$(wc -c < "$place/first/$file")" ]
    run 2 "a flipped bit in $file" front "$place/flipped" --device "$place/c.json" --no-error
    says err "$file: damaged"
done
finish
