#!/bin/sh
# Usage: made-up-space.sh FOLDER, or made-up-space.sh truth < ARCHITECTURES. Makes a search space that fleetnas has never heard of, and a table of 5,000 of its architectures:
#   FOLDER/space.json   22 layers, each with one of 9 blocks (kernel 3, 5 or 7; expansion 3, 4 or 6); the last layer only where the one before it has a kernel above 3
#   FOLDER/table.csv    architecture, error in %, latency in ms on five devices and on a sixth, "unseen"
# Everything is made up by formulas and a fixed sequence of random numbers: the same files on any machine. The second form prints a table of what the formulas give for
# architectures, one a line, without the noise of the first. docs/spaces.md goes on from here.
set -eu
folder=${1:?"usage: made-up-space.sh FOLDER"}

formulas='
function uniform() { seed = (seed * 16807) % 2147483647; return seed / 2147483647 }
function normal(   sum, i) { sum = -6; for (i = 0; i < 12; i++) sum += uniform(); return sum }
# Wider and larger kernels help, the later the more, and less where the layer before has them already.
function error_of(   sum, layer, gain, before) {
    sum = 34
    before = 0
    for (layer = 1; layer <= layers; layer++) {
        gain = 0.25 * (kernel[layer] - 3) ^ 0.7 + 0.3 * (expand[layer] - 3) ^ 0.6
        sum -= gain * (0.6 + 0.03 * layer) * (1 - 0.25 * before)
        before = gain
    }
    return sum
}
# What a device pays: for each layer, for the multiplications of its block and of its kernel, for large kernels that it has no fast code for.
function latency_of(device,   sum, layer, width) {
    sum = base[device]
    for (layer = 1; layer <= layers; layer++) {
        width = 1 + 0.12 * layer
        sum += start[device] + dense[device] * width * expand[layer] + kernels[device] * expand[layer] * kernel[layer] ^ 2 / 9
        sum += (kernel[layer] == 7) * seven[device] * width
    }
    return sum
}
function set(device, a, b, c, d, e) {
    base[device] = a; start[device] = b; dense[device] = c; kernels[device] = d; seven[device] = e
    devices[++count] = device
}
# Where the last layer does not count, its first choice stands for it.
function count_layers() { layers = kernel[21] > 3 ? 22 : 21; if (layers == 21) kernel[22] = expand[22] = 3 }
function print_row(noise,   i, layer) {
    for (layer = 1; layer <= 22; layer++) printf "%sk%de%d", (layer > 1 ? "/" : ""), kernel[layer], expand[layer]
    printf ",%.3f", error_of() + (noise ? 0.1 * normal() : 0)
    for (i = 1; i <= count; i++) printf ",%.5f", latency_of(devices[i]) * (noise ? 1 + 0.015 * normal() : 1)
    printf "\n"
}
function print_header(   i) {
    printf "arch,error"
    for (i = 1; i <= count; i++) printf ",%s_ms", devices[i]
    printf "\n"
}
BEGIN {
    seed = 20240
    set("phone", 2.0, 0.20, 0.060, 0.080, 0.00)
    set("board", 8.0, 0.50, 0.400, 0.300, 1.50)
    set("server", 0.3, 0.04, 0.006, 0.002, 0.01)
    set("gpu", 0.8, 0.15, 0.002, 0.004, 0.02)
    set("watch", 20.0, 0.80, 1.200, 2.000, 4.00)
    set("unseen", 3.0, 0.10, 0.150, 0.060, 0.60)
    print_header()
}'

if [ "$folder" = truth ]; then
    awk "$formulas"'{
        split($0, blocks, "/")
        for (layer = 1; layer <= 22; layer++) { kernel[layer] = substr(blocks[layer], 2, 1) + 0; expand[layer] = substr(blocks[layer], 4, 1) + 0 }
        count_layers()
        print_row(0)
    }'
    exit
fi

mkdir -p "$folder"
awk 'BEGIN {
    print "{\n  \"format\": \"fleetnas-space/1\",\n  \"name\": \"tower22\",\n  \"table\": \"table.csv\",\n  \"decisions\": ["
    for (layer = 1; layer <= 22; layer++) {
        printf "    {\"name\": \"layer%d\", \"choices\": [\"k3e3\", \"k3e4\", \"k3e6\", \"k5e3\", \"k5e4\", \"k5e6\", \"k7e3\", \"k7e4\", \"k7e6\"]", layer
        printf "%s}%s\n", (layer == 22 ? ", \"active\": {\"decision\": \"layer21\", \"at_least\": \"k5e3\"}" : ""), (layer < 22 ? "," : "")
    }
    print "  ]\n}"
}' > "$folder/space.json"
awk "$formulas"'BEGIN {
    for (row = 0; row < 5000; row++) { # of 9^22: that two are the same does not happen
        for (layer = 1; layer <= 22; layer++) {
            kernel[layer] = 3 + 2 * int(3 * uniform())
            expand[layer] = int(3 * uniform())
            expand[layer] = expand[layer] == 2 ? 6 : 3 + expand[layer]
        }
        count_layers()
        print_row(1)
    }
}' > "$folder/table.csv"
