# shellcheck shell=sh disable=SC2034 # variables are used by the tests that source this
# Sourced by the tests of the command: test_NAME.sh FLEETNAS TESTS_FOLDER. Each check prints "ok - ..." or "not ok - ..."; finish ends the script.
fleetnas=$1
tests=$2
export OMP_WAIT_POLICY=passive LC_ALL=C
place=$(mktemp -d "${TMPDIR:-/tmp}/fleetnas-cli-XXXXXX")
trap 'rm -rf "$place"' EXIT
trap 'exit 1' HUP TERM
failures=0
checks=0

pass() {
    checks=$((checks + 1))
    echo "ok - $1"
}

# Says what was expected, and shows what the last command printed.
fail() {
    checks=$((checks + 1))
    failures=$((failures + 1))
    echo "not ok - $1"
    for stream in out err; do
        [ ! -s "$place/$stream" ] || sed "s/^/    std$stream: /" "$place/$stream" | head -20
    done
}

finish() {
    [ $checks -gt 0 ] || { echo "not ok - nothing was checked"; exit 1; }
    [ $failures -eq 0 ] || exit 1
    exit 0
}

# run CODE TEXT WORD...: runs the command, wants this exit code. Output is in $place/out and $place/err.
run() {
    wanted=$1 text=$2
    shift 2
    code=0
    "$fleetnas" "$@" > "$place/out" 2> "$place/err" < /dev/null || code=$?
    if [ $code -eq "$wanted" ]; then pass "$text"; else fail "$text (exit code $code, wanted $wanted)"; fi
}

# says out|err FIXED_TEXT: what the last command printed.
says() {
    if grep -qF -e "$2" "$place/$1"; then pass "std$1 says: $2"; else fail "std$1 should say: $2"; fi
}

# never_says out|err FIXED_TEXT
never_says() {
    if grep -qF -e "$2" "$place/$1"; then fail "std$1 should not say: $2"; else pass "std$1 does not say: $2"; fi
}

# want TEXT COMMAND...: a condition.
want() {
    text=$1
    shift
    if "$@" > "$place/want" 2>&1; then
        pass "$text"
    else
        fail "$text"
        sed 's/^/    /' "$place/want" | head -20
    fi
}

# A space so small that a search takes seconds, and images for it.
space=nb201:channels=4,cells=1,classes=4,input=1x8x8
data=synthetic:1x8x8,classes=4,images=1200

# make_card NAME W_SKIP W_CONV1 W_CONV3 W_POOL [COUNT]: a device card on standard output. Latencies are made up: a sum of the operations' costs. The ten references are
# chosen to differ; the architectures are the same for every device.
make_card() {
    awk -v name="$1" -v skip="$2" -v conv1="$3" -v conv3="$4" -v pool="$5" -v count="${6:-60}" -v space="$space" '
    function cell(k,   e, text) {
        for (e = 0; e < 6; e++) { digit[e] = k % 5; k = int(k / 5) }
        text = "|" op[digit[0]] "~0|+|" op[digit[1]] "~0|" op[digit[2]] "~1|+|" op[digit[3]] "~0|" op[digit[4]] "~1|" op[digit[5]] "~2|"
        return text
    }
    function latency(k,   e, sum) {
        sum = 0.05
        for (e = 0; e < 6; e++) { sum += cost[k % 5] * (1 + 0.07 * e); k = int(k / 5) }
        return sprintf("%.6f", sum)
    }
    BEGIN {
        split("none skip_connect nor_conv_1x1 nor_conv_3x3 avg_pool_3x3", names, " ")
        for (i = 0; i < 5; i++) op[i] = names[i + 1]
        cost[0] = 0; cost[1] = skip; cost[2] = conv1; cost[3] = conv3; cost[4] = pool
        split("0 3124 7812 15624 4687 9371 1953 11718 6248 13500", reference, " ")
        printf "{\n  \"format\": \"fleetnas-device/1\",\n  \"name\": \"%s\",\n  \"space\": \"%s\",\n", name, space
        printf "  \"runtime\": \"imported\",\n  \"runtime_version\": \"0\",\n  \"processor\": \"made up\",\n  \"governor\": \"none\",\n  \"precision\": \"f32\",\n  \"isa\": \"none\",\n"
        printf "  \"batch\": 1,\n  \"threads\": 1,\n  \"date\": \"2024-01-01\",\n  \"protocol\": {},\n  \"statistic\": \"imported\",\n"
        printf "  \"reference\": {\n    \"arch\": ["
        for (i = 1; i <= 10; i++) printf "%s\n      \"%s\"", (i > 1 ? "," : ""), cell(reference[i])
        printf "\n    ],\n    \"latency_ms\": ["
        for (i = 1; i <= 10; i++) printf "%s%s", (i > 1 ? ", " : ""), latency(reference[i])
        printf "]\n  },\n  \"measurements\": ["
        k = 17
        for (i = 0; i < count; i++) {
            k = (k * 421 + 1663) % 15625
            printf "%s\n    {\"arch\": \"%s\", \"latency_ms\": %s}", (i ? "," : ""), cell(k), latency(k)
        }
        printf "\n  ]\n}\n"
    }'
}

# The three devices of most tests: a and b are searched, c is not.
make_cards() {
    make_card a 0.01 0.05 0.20 0.04 > "$place/a.json"
    make_card b 0.02 0.15 0.16 0.12 > "$place/b.json"
    make_card c 0.01 0.10 0.20 0.20 > "$place/c.json"
}

# tiny_search FOLDER WORD...: arguments for a search that takes seconds.
tiny_search() {
    folder=$1
    shift
    set -- search --space "$space" --data "$data" --device "$place/a.json" "$place/b.json" --preset quick --proxy channels=4 --paths 4 --seed 7 --out "$folder" "$@"
    "$fleetnas" "$@"
}

# make_truth FILE: all 15,625 cells with index, parameters, MACs and accuracy, made up: more and larger convolutions are better, but for a ripple; what leads nowhere guesses.
make_truth() {
    awk 'BEGIN {
        split("none skip_connect nor_conv_1x1 nor_conv_3x3 avg_pool_3x3", op, " ")
        split("0 2 9 30 4", gain, " "); split("0 0 5 40 0", cost, " ")
        print "arch_index,arch,params_million,macs_million,cifar10_test_accuracy_pct"
        for (i = 0; i < 15625; i++) {
            score = macs = 0; k = i
            for (e = 1; e <= 6; e++) { d[e] = k % 5 + 1; k = int(k / 5); score += gain[d[e]] * (1 + e / 10); macs += cost[d[e]] }
            cell = "|" op[d[1]] "~0|+|" op[d[2]] "~0|" op[d[3]] "~1|+|" op[d[4]] "~0|" op[d[5]] "~1|" op[d[6]] "~2|"
            open = d[4] > 1 || (d[1] > 1 && d[5] > 1) || (d[2] > 1 && d[6] > 1) || (d[1] > 1 && d[3] > 1 && d[6] > 1)
            printf "%d,%s,%g,%g,%.4f\n", i, cell, macs / 100, 8 + macs, open ? 60 + 33 * (1 - exp(-score / 60)) + (i % 37) / 100 : 10
        }
    }' > "$1"
}
