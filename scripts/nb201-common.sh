# What run-nb201.sh and run-ablation.sh share beside protocol.sh; sourced by them, which set $root and $own (the searching part's folder).
# shellcheck shell=sh disable=SC2034,SC2154

# Options of `error estimate`: half-size images, 8 channels trained, 16 scored.
judge_options=${JUDGE_OPTIONS---proxy channels=8,cells=1,input=3x16x16 --score-proxy channels=16,cells=1,input=3x16x16}

# An error table from MACs alone, for comparison: less is worse.
errors_of_macs() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
        { arch[NR] = $at["arch"]; macs[NR] = $at["macs_million"] + 0; if (macs[NR] > most) most = macs[NR] }
        END { print "arch,error_pct"; for (i = 2; i <= NR; i++) printf "%s,%.10g\n", arch[i], 80 - 70 * macs[i] / most }' "$own/tables/architectures.csv"
}

# say_unlisted NAME: where the list of what was ever scored against the truth lacks a configuration that is scored now.
scored=$root/docs/nb201-scored.txt
say_unlisted() {
    grep -q "^$1[[:blank:]]" "$scored" || printf 'Note: %s has no line of "%s", whose fronts are scored now. Add one: the page says how many there are.\n' "$scored" "$1"
}
