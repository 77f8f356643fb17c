# shellcheck shell=sh disable=SC2034,SC2154 # variables go to and come from the scripts that source this
# Sourced by the demo's scripts: the devices that this machine can be. docs/devices.md says how different they are.
# Each line: name, then the options of `fleetnas device measure`.
# A script that has another space, data or devices sets its own behind the line that sources this.
demo_space=nb201:channels=16,cells=1,classes=10,input=1x28x28
demo_data=fashion-mnist
demo_table='
onednn-f32      --runtime onednn --precision f32
onednn-bf16     --runtime onednn --precision bf16
onednn-int8     --runtime onednn --precision int8
onednn-plain    --runtime onednn-plain
blas-f32        --runtime blas
onednn-f32-b8   --runtime onednn --precision f32 --batch 8
'
demo_spare=onednn-f32-b8 # measured only where another had to be left out
demo_unseen=blas-f32 # kept from the search, and asked about afterwards

demo_names() {
    printf '%s' "$demo_table" | while read -r name _; do [ -z "$name" ] || echo "$name"; done
}

demo_options() { # NAME
    printf '%s' "$demo_table" | while read -r name options; do [ "$name" != "$1" ] || echo "$options"; done
}

# Shows a command line as the user would type it, then runs it.
show() {
    printf '\n$ fleetnas'
    for word; do
        case $word in
        *[!A-Za-z0-9_./:=,%+@-]* | '') printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '\n'
    "$fleetnas" "$@"
}

# Measures every device into the folder. Leaves out what this processor lacks (exit code 2 and "not supported"), and says so.
# A card that the machine's unrest spoiled (exit code 4) is measured once more.
measure_devices() { # FOLDER ARCHS
    card_folder=$1 card_archs=$2 measured='' left_out=''
    for name in $(demo_names); do
        [ "$name" != "$demo_spare" ] || [ -n "$left_out" ] || continue
        for attempt in 1 2 3; do
            code=0
            # shellcheck disable=SC2046 # options are words
            show device measure --space "$demo_space" --name "$name" $(demo_options "$name") --archs "$card_archs" --data "$demo_data" -o "$card_folder/$name.json" ||
                code=$?
            if [ $code -ne 4 ] || [ "$attempt" -eq 3 ]; then break; fi
            echo "The machine was not quiet while $name was measured: once more."
        done
        case $code in
        0) measured="$measured $name" ;;
        2)
            left_out="$left_out $name"
            echo "Left out: this machine cannot be the device $name (see the message above)."
            ;;
        *) return "$code" ;;
        esac
    done
    case " $measured " in
    *" $demo_unseen "*) [ "$measured" != " $demo_unseen" ] || { echo "no device is left to search for" >&2; return 1; } ;;
    *) echo "$demo_unseen, the device that is kept from the search, could not be measured" >&2; return 1 ;;
    esac
}

# Says whether the devices are different enough for the demo to mean something: three that rank the networks differently in pairs, and an
# unseen one that is no twin of a searched one. A correlation may be null (fewer than two architectures in common): it is unknown, decides
# nothing, and is said.
judge_devices() { # CARDS...
    "$fleetnas" device show --json "$@" | awk -v unseen="$demo_unseen" '
        { json = json $0 " " }
        # Strings, numbers, words, brackets, one after the other, however the lines are laid out. The matrix is read row by row.
        function read_json(   token, key) {
            while (match(json, /"([^"\\]|\\.)*"[ \t\r]*:?|[^][{}:, \t\r"]+|[][{}]/)) {
                token = substr(json, RSTART, RLENGTH)
                json = substr(json, RSTART + RLENGTH)
                if (token ~ /:$/) { key = token; sub(/[ \t\r]*:$/, "", key) }
                else if (token ~ /^[[{]$/) depth++
                else if (token ~ /^[]}]$/) depth--
                else if (key == "\"name\"" && depth == 3) name[++devices] = substr(token, 2, length(token) - 2)
                else if (key == "\"spearman\"" && depth == 3) { cells++; cell[cells] = token }
            }
        }
        function known(i, j) { return cell[(i - 1) * devices + j] != "null" }
        function rho(i, j) { return cell[(i - 1) * devices + j] + 0 }
        END {
            read_json()
            if (!devices || cells != devices * devices) { print "NOT MET: no rank correlations of the devices were given"; exit }
            for (i = 1; i <= devices; i++) for (j = i + 1; j <= devices; j++) if (!known(i, j))
                printf "%s and %s have too few architectures in common: their rank correlation is unknown\n", name[i], name[j]
            for (i = 1; i <= devices; i++) for (j = i + 1; j <= devices; j++) for (k = j + 1; k <= devices; k++) {
                if (!known(i, j) || !known(i, k) || !known(j, k)) continue
                most = rho(i, j); if (rho(i, k) > most) most = rho(i, k); if (rho(j, k) > most) most = rho(j, k)
                if (!trio || most < least) { least = most; trio = name[i] ", " name[j] " and " name[k] }
            }
            for (i = 1; i <= devices; i++) if (name[i] == unseen) for (j = 1; j <= devices; j++) {
                if (j == i || !known(i, j) || (twin && rho(i, j) <= closest)) continue
                closest = rho(i, j); twin = name[j]
            }
            if (!trio) print "NOT MET: no three devices of which all rank correlations are known"
            else printf "%s%s differ in pairs: their rank correlations are at most %.3f (wanted: under 0.95)\n", least < 0.95 ? "" : "NOT MET: ", trio, least
            if (!twin) printf "NOT MET: no rank correlation of %s, which the search will not see, is known\n", unseen
            else printf "%s%s, which the search will not see, is closest to %s: %.3f (wanted: under 0.97)\n", closest < 0.97 ? "" : "NOT MET: ", unseen, twin, closest
        }'
}
