#!/bin/sh
# Usage: run-growth.sh BUILD_FOLDER. Times steps of a search at doubling numbers of devices, preferences, channels, cells and images, and puts
# the pictures into docs/growth/ and the exponents into docs/benchmarks.md. THREADS=N (2). Take a machine that does nothing else.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case ${1:-} in
'' | -*)
    echo "Usage: run-growth.sh BUILD_FOLDER" >&2
    exit 2
    ;;
/*) build=$1 ;;
*) build=$root/$1 ;;
esac
docs=$root/docs/benchmarks.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$root/docs/growth"

# The figure of this name in the last row of a report.
figure() {
    printf '%.2f' "$(sed -n "s/.*[ ,]$1 \\([-0-9.e]*\\).*/\\1/p" "$2" | tail -n 1)"
}

{
    printf '%s\n\n' "Exponents of a line through the points on logarithmic scales; \`sh scripts/run-growth.sh build/release\`."
    printf '| what doubles | of | from, to | time | memory | |\n|---|---|---|---|---|---|\n'
} >"$work/table"
while read -r axis of from to; do
    problem=growth:axis=$axis,of=$of,from=$from,to=$to
    echo "run-growth.sh: $problem" >&2
    "$build/fleetnas" bench --threads "${THREADS:-2}" --svg "$root/docs/growth/$of-$axis.svg" "$problem" >"$work/report"
    printf '| %s | %s | %s, %s | %s | %s | ![%s](growth/%s-%s.svg) |\n' "$axis" "$of" "$from" "$to" "$(figure time_exponent "$work/report")" \
        "$(figure memory_exponent "$work/report")" "$axis" "$of" "$axis" >>"$work/table"
done <<'AXES'
devices iteration 1 64
preferences iteration 1 16
channels iteration 8 64
cells iteration 1 8
images iteration 32 512
devices step 1 64
AXES

printf '\n%s, on %s threads.\n' "$(head -n 1 "$work/report")" "${THREADS:-2}" >>"$work/table"

awk -v table="$work/table" '
/^<!-- begin: scripts\/run-growth.sh -->/ { print; print ""; while ((getline line < table) > 0) print line; print ""; skip = 1 }
/^<!-- end: growth -->/ { skip = 0 }
!skip { print }' "$docs" >"$work/docs"
cp "$work/docs" "$docs"
