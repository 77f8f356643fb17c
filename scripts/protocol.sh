# What the protocols (run-nb201.sh, run-ablation.sh, run-ofa.sh, run-hat.sh) share; sourced first thing by them, which set $root.
# shellcheck shell=sh disable=SC2034,SC2154

say() { printf '%s\n' "$*"; }
stop() {
    script=${0##*/}
    printf '%s: %s\n' "${script%.sh}" "$*" >&2
    exit 2
}
absolute() { (cd "$1" 2> /dev/null && pwd) || stop "$1: no such folder"; }

# The command, wherever the script goes later.
fleetnas=${FLEETNAS:-$root/build/release/fleetnas}
case $fleetnas in /*) ;; *) fleetnas=$PWD/$fleetnas ;; esac
[ -x "$fleetnas" ] || stop "$fleetnas is missing: make build"
export OMP_WAIT_POLICY=passive LC_ALL=C

# no_blanks PATH...: lists of words are made of them.
no_blanks() {
    for path in "$@"; do case $path in *[[:space:]]*) stop "$path: paths with blanks are not for this script" ;; esac done
}

# ---- what the environment says, checked before anything runs ----

# check_number VARIABLE KIND WORD: a seed (0 and more), a count (1 and more), or minutes (above 0, with decimals or without).
check_number() {
    case $2 in
    seed) wanted='whole numbers of at most 18 digits' ;;
    count) wanted='whole numbers from 1, of at most 9 digits' ;;
    minutes) wanted='numbers above 0, as in 2 or 0.5' ;;
    esac
    case $2,$3 in
    seed,0) right=yes ;;
    minutes,*.*.* | minutes,*[!0-9.]* | minutes,.* | minutes,*. | minutes,0[0-9]*) right='' ;;
    minutes,*[1-9]*) right=yes ;;
    minutes,* | *,*[!0-9]* | *,0* | *,) right='' ;;
    *) right=yes ;;
    esac
    case $2 in seed) most=18 ;; minutes) most=15 ;; *) most=9 ;; esac
    if [ -z "$right" ] || [ ${#3} -gt $most ]; then stop "$1: \"$3\": $wanted are wanted"; fi
}

# check_numbers VARIABLE KIND LIST: as above, each of them once.
check_numbers() {
    set -f # no word is a pattern of files
    checked=' '
    for number in $3; do
        check_number "$1" "$2" "$number"
        case $number in *.*) number=$(printf '%s\n' "$number" | sed 's/0*$//; s/\.$//') ;; esac
        case $checked in *" $number "*) stop "$1: $number is given twice" ;; esac
        checked="$checked$number "
    done
    set +f
    [ "$checked" != ' ' ] || stop "$1 is empty: give numbers, or leave it out"
}

# ---- commands that a signal to the script alone reaches ----

interrupted='' running='' caught='' handed_on=''
on_signal() {
    interrupted=yes caught=yes
    [ -n "$running" ] || return 0
    handed_on=yes
    kill -TERM -"$running" 2> /dev/null || kill -TERM "$running" 2> /dev/null || :
}

# run COMMAND...: the shell waits for what it runs in the foreground before its traps, so the command runs behind it. In a session of its own it gets no
# signal of the terminal besides the one that is handed on: a second would kill it before it has written its checkpoint. Its input is empty.
run() {
    [ -z "$interrupted" ] || return 130
    caught='' handed_on='' run_code=0
    setsid "$@" &
    running=$!
    [ -z "$interrupted" ] || [ -n "$handed_on" ] || on_signal # it came before there was a command to hand it to
    wait "$running" || run_code=$?
    while [ -n "$caught" ]; do # a signal ends the waiting, not the command
        caught='' run_code=0
        wait "$running" || run_code=$?
    done
    running=''
    return $run_code
}

# fresh FILE COMMAND...: the command's output becomes the file, whole or not at all.
fresh() {
    fresh_file=$1 fresh_code=0
    shift
    "$@" > "$fresh_file.part" || fresh_code=$?
    if [ $fresh_code -eq 0 ]; then mv "$fresh_file.part" "$fresh_file" || fresh_code=$?; fi
    [ $fresh_code -eq 0 ] || rm -f "$fresh_file.part"
    return $fresh_code
}

# split KEY: names of a list in splits.json.
split() { tr -d '\n' < "$splits" | sed -n "s/.*\"$1\": *\[\([^]]*\)\].*/\1/p" | tr -d '" ' | tr ',' ' '; }
