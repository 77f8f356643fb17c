# One device's part of the page of run-translation.sh. Files: bleu.csv, latencies (ms, tab, architecture), answers (weight of the latency, tab, architecture), and
# architectures of the front, random ones, the largest.

FNR == 1 { file++ }
file == 1 { # the architecture is quoted, and the only column that is
    if (FNR == 1) { count = split($0, name, ","); for (i = 1; i <= count; i++) if (name[i] == "bleu") behind = count - i; next }
    arch = $0; sub(/^"/, "", arch); sub(/".*/, "", arch)
    cells = split($0, cell, ",")
    bleu[arch] = cell[cells - behind]
}
file == 2 { split($0, part, "\t"); ms[part[2]] = part[1] }
file == 3 { split($0, part, "\t"); answers++; weight[answers] = part[1]; answer[answers] = part[2] }
file == 4 { front[++fronts] = $0 }
file == 5 { random[++randoms] = $0 }
file == 6 { largest = $0 }

# Ranks, means among equals.
function rank(value, n, into,   i, j, below, equal) {
    for (i = 1; i <= n; i++) {
        below = equal = 0
        for (j = 1; j <= n; j++) { if (value[j] < value[i]) below++; if (value[j] == value[i]) equal++ }
        into[i] = below + (equal + 1) / 2
    }
}
function spearman(a, b, n,   i, x, y, mean, xy, xx, yy) {
    rank(a, n, x); rank(b, n, y); mean = (n + 1) / 2
    for (i = 1; i <= n; i++) { xy += (x[i] - mean) * (y[i] - mean); xx += (x[i] - mean) ^ 2; yy += (y[i] - mean) ^ 2 }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0
}
# Of what two objectives dominate in the unit square: latency and missing BLEU on the scale of all networks of this device, reference point 1.
function hypervolume(list, n,   i, j, t, x, y, keep, sum, top) {
    for (i = 1; i <= n; i++) { x[i] = (ms[list[i]] - least_ms) / (most_ms - least_ms); y[i] = (most_bleu - bleu[list[i]]) / (most_bleu - least_bleu) }
    for (i = 2; i <= n; i++) for (j = i; j > 1 && x[j] < x[j - 1]; j--) { t = x[j]; x[j] = x[j - 1]; x[j - 1] = t; t = y[j]; y[j] = y[j - 1]; y[j - 1] = t }
    top = 1
    for (i = 1; i <= n; i++) if (y[i] < top) { sum += (1 - x[i]) * (top - y[i]); top = y[i] }
    return sum
}

END {
    first = 1
    for (arch in ms) if (arch in bleu) {
        if (first || ms[arch] < least_ms) least_ms = ms[arch]
        if (first || ms[arch] > most_ms) most_ms = ms[arch]
        if (first || bleu[arch] < least_bleu) least_bleu = bleu[arch]
        if (first || bleu[arch] > most_bleu) most_bleu = bleu[arch]
        first = 0
    }
    for (i = 1; i <= answers; i++) { fast[i] = ms[answer[i]]; good[i] = bleu[answer[i]]; error_weight[i] = 1 - weight[i] }
    for (i = 1; i <= answers; i++) if (!seen[answer[i]]++) distinct++
    printf "## %s%s\n\n", device, device == unseen ? ", not searched" : ""
    printf "Answers to %d preferences (%d networks): Spearman of the latency's weight and measured latency %.3f, of the error's weight and BLEU %.3f.\n", answers, distinct, spearman(weight, fast, answers), spearman(error_weight, good, answers)
    printf "Hypervolume of BLEU and measured latency: front %.4f, answers %.4f, %d random networks %.4f. Largest network: BLEU %.2f, %.2f ms.\n\n", hypervolume(front, fronts), hypervolume(answer, answers), randoms, hypervolume(random, randoms), bleu[largest], ms[largest]
    print "| front: measured ms | BLEU | |"
    print "|---:|---:|---|"
    for (i = 1; i <= fronts; i++) order[i] = front[i]
    for (i = 2; i <= fronts; i++) for (j = i; j > 1 && ms[order[j]] + 0 < ms[order[j - 1]] + 0; j--) { t = order[j]; order[j] = order[j - 1]; order[j - 1] = t }
    for (i = 1; i <= fronts; i++) printf "| %.2f | %.2f | `%s` |\n", ms[order[i]], bleu[order[i]], order[i]
    print ""
}
