# The page of run-ofa.sh: awk -f ofa-page.awk -v KEY=VALUE... judge.json times.csv scores.csv
#   splits   one or two names                unseen_1, unseen_2  devices that the search of each never saw
#   devices  in the page's order              name, steps   of the search
#   calls_1, calls_2  what one search of each asks the models
# Means are over the devices of a group for each seed, then over seeds; behind +- the standard error of that mean.

FNR == 1 { file++; }

# ---- what was read ----

file == 1 && /"device":/ { judged = text($0) }
file == 1 && /"(median_ape_pct|mean_ape_pct|spearman)":/ && judged != "" && !past { key = $1; gsub(/[":]/, "", key); judge[judged, key] = number($2) }
file == 1 && /"left_out"/ { past = 1 }
file == 2 && FNR > 1 { split($0, cell, ","); seconds[cell[1], cell[2], cell[4]] += cell[5]; spent[cell[1], cell[2], cell[4]] += cell[6]; if (cell[4] == "search") searches[cell[1], cell[2]]++ }
file == 3 && FNR > 1 {
    split($0, cell, ",")
    kind = cell[1]; device = cell[2]; method = cell[3] "," cell[4]; seed = cell[5]
    if (!((kind, method) in known)) { known[kind, method] = 1; methods[kind, ++method_count[kind]] = method }
    if (!((kind, method, seed) in seen)) { seen[kind, method, seed] = 1; seeds[kind, method] = seeds[kind, method] " " seed }
    value[kind, method, seed, device] = cell[6]
}

function text(line) { sub(/^[^:]*: *"/, "", line); sub(/".*/, "", line); return line }
function number(word) { gsub(/[,}]/, "", word); return word + 0 }

# ---- means ----

# Of one group of devices; sets mean_error. "" where a seed lacks a device of it.
function mean_of(kind, method, group,   n, i, k, list, of, sum, count, seed_count, total, squares, mean) {
    n = split(seeds[kind, method], list, " ")
    for (i = 1; i <= n; i++) {
        k = split(group, of, " "); sum = count = 0
        for (; k > 0; k--) if ((kind, method, list[i], of[k]) in value) { sum += value[kind, method, list[i], of[k]]; count++ }
        if (count == 0 || count < split(group, of, " ")) continue
        seed_count++; total += sum / count; squares += (sum / count) ^ 2
    }
    mean_seeds = seed_count
    if (!seed_count) return ""
    mean = total / seed_count
    mean_error = seed_count > 1 ? sqrt((squares - seed_count * mean * mean > 0 ? squares - seed_count * mean * mean : 0) / (seed_count - 1) / seed_count) : -1
    return mean
}

function show(kind, method, group,   mean) {
    mean = mean_of(kind, method, group)
    if (mean == "") return "-"
    return mean_error < 0 ? sprintf("%.4f", mean) : sprintf("%.4f ± %.4f", mean, mean_error)
}

function is_ours(method) { return index(method, name) == 1 && method ~ /,search$/ }
function budget(method) { sub(/.*,/, "", method); sub(/evaluations-/, "", method); return method }
function title(method) { sub(/,.*/, "", method); return method }

# Ours first, as they are named; then rivals by what they cost, then by name.
function sort_methods(kind,   i, k, m) {
    for (i = 2; i <= method_count[kind]; i++)
        for (k = i; k > 1 && rank(methods[kind, k - 1]) > rank(methods[kind, k]); k--) {
            m = methods[kind, k]; methods[kind, k] = methods[kind, k - 1]; methods[kind, k - 1] = m
        }
}
function rank(method) { return (is_ours(method) ? "0" : "1") sprintf("%09d", budget(method)) method }

function without(all, some,   n, i, list, kept) {
    n = split(all, list, " ")
    for (i = 1; i <= n; i++) if (index(" " some " ", " " list[i] " ") == 0) kept = kept (kept == "" ? "" : " ") list[i]
    return kept
}
function count_of(group,   list) { return split(group, list, " ") }

# ---- the page ----

function print_split(kind, unseen,   searched, i, n, method, list, d, line, shown, count) {
    searched = without(devices, unseen)
    gsub(/^ +| +$/, "", unseen)
    printf "## Never seen by the search: %s\n\n", unseen
    printf "| method | evaluations a device | all %d | the %d searched | the %d unseen | seeds |\n|---|---:|---:|---:|---:|---:|\n", count_of(devices), count_of(searched), count_of(unseen)
    sort_methods(kind)
    for (i = 1; i <= method_count[kind]; i++) {
        method = methods[kind, i]
        line = show(kind, method, devices); n = mean_seeds
        printf "| %s | %s | %s | %s | %s | %d |\n", title(method), is_ours(method) ? "see below" : budget(method), line, show(kind, method, searched), show(kind, method, unseen), n
    }
    printf "\n"
    for (i = 1; i <= method_count[kind]; i++) if (is_ours(methods[kind, i]) || budget(methods[kind, i]) + 0 >= 1000) shown[++count] = methods[kind, i]
    printf "| device |"
    for (i = 1; i <= count; i++) printf " %s%s |", title(shown[i]), is_ours(shown[i]) ? "" : ", " budget(shown[i])
    printf "\n|---|"
    for (i = 1; i <= count; i++) printf "---:|"
    printf "\n"
    n = split(devices, list, " ")
    for (d = 1; d <= n; d++) {
        printf "| %s%s |", list[d], index(" " unseen " ", " " list[d] " ") ? " (unseen)" : ""
        for (i = 1; i <= count; i++) printf " %s |", mean_of(kind, shown[i], list[d]) == "" ? "-" : sprintf("%.4f", mean_of(kind, shown[i], list[d]))
        printf "\n"
    }
    printf "\n"
    if (searches[kind, name])
        printf "A search took %.0f s of processor time, its %d fronts %.0f s; the predictor, which all methods share, %.0f s. On the wall: %.0f, %.0f and %.0f s.\n\n",
            spent[kind, name, "search"] / searches[kind, name], count_of(devices), spent[kind, name, "fronts"] / searches[kind, name], spent[kind, "shared", "predictor"],
            seconds[kind, name, "search"] / searches[kind, name], seconds[kind, name, "fronts"] / searches[kind, name], seconds[kind, "shared", "predictor"]
}

END {
    printf "# Once-for-All: one search, fronts for %d GPU settings\n\n", count_of(devices)
    printf "Hypervolumes of fronts of at most 24 architectures (error by OFA's accuracy predictor, latency by the judge below), min-max over 1,000 fixed random architectures joined with all fronts of the device and split, "
    printf "clipped, reference point (1, 1). Mean over devices, then over seeds, with the standard error of the latter. Every method, and the score, uses the same accuracy predictor: what it thinks too well of, all think too well of. "
    printf "[mobilenetv3.md](../mobilenetv3.md) says how it is made. Settings were chosen by trials on four of the devices; one of them was titan_rtx_64, which the search of the split `batch` never sees: its rows are no test of the settings.\n\n"
    n_splits = split(splits, list_of_splits, " ")
    for (s = 1; s <= n_splits; s++) print_split(list_of_splits[s], s == 1 ? unseen_1 : unseen_2)
    printf "## What was evaluated\n\n"
    second = n_splits > 1 ? sprintf("; %s: %d", list_of_splits[2], calls_2) : ""
    printf "A rival asks the accuracy predictor and the latency predictor about as many architectures as its budget says, anew for each device. A search of %d steps asks for the gradient of both at %d sampled architectures (%s%s), all its devices together; ", steps, calls_1, list_of_splits[1], second
    printf "a front then looks at up to 1,000 architectures that the hypernetwork offers for a device (`%s-as-offered`: at no more than those), and at their neighbours, at most 20,000 in all. Models cost little; where each evaluation is a network to train, the models are trained beforehand, and the search and its fronts train none.\n\n", name
    printf "## The judge\n\nOne latency model a device, fitted to its whole table (but a row in a thousand, which a fit has to keep out), scores all fronts. How good such a model is: fitted to nine tenths of the rows, on the others:\n\n"
    printf "| device | Spearman | median error, %% | mean error, %% |\n|---|---:|---:|---:|\n"
    n = split(devices, list_of_devices, " ")
    for (d = 1; d <= n; d++)
        printf "| %s | %.4f | %.2f | %.2f |\n", list_of_devices[d], judge[list_of_devices[d], "spearman"], judge[list_of_devices[d], "median_ape_pct"], judge[list_of_devices[d], "mean_ape_pct"]
}
