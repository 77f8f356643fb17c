#!/bin/sh
# Usage: check_layers.sh SOURCE_FOLDER. No include points upward: a layer includes itself and what lies below it; the command only public headers.
set -eu
root=${1:-.}
cd "$root"

# What each layer may include beside itself. A public header belongs to the layer that implements it.
# shellcheck disable=SC2046 # file names without blanks
awk '
BEGIN {
    split("base front compute data nn graph space export device estimate search report bench", order, " ")
    below["base"] = ""
    below["front"] = "base"
    below["compute"] = "base"
    below["data"] = "base compute"
    below["nn"] = "base compute front data"
    below["graph"] = below["nn"] " nn"
    below["space"] = below["graph"] " graph"
    below["export"] = below["space"] " space"
    below["device"] = below["export"] " export"
    below["estimate"] = below["device"] " device"
    below["search"] = below["estimate"] " estimate"
    below["report"] = below["search"] " search"
    below["bench"] = below["report"] " report"
    public["context"] = "base"; public["front"] = "front"; public["data"] = "data"; public["text"] = "data"; public["space"] = "space"; public["weights"] = "export"
    public["device"] = "device"; public["device_import"] = "device"; public["device_export"] = "device"; public["predictor"] = "device"; public["estimate"] = "estimate"; public["search"] = "search"; public["translate"] = "search"; public["truth"] = "search"; public["rival"] = "search"; public["report"] = "report"; public["results"] = "report"
    public["bench"] = "bench"; public["fleetnas"] = "bench"
}
function complain(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; errors++ }
function may(from, to) { return from == to || index(" " below[from] " ", " " to " ") }
function target_layer(name,   part) {
    split(name, part, "/")
    if (part[1] != "fleetnas") return part[1]
    sub(/\.h$/, "", part[2])
    return (part[2] in public) ? public[part[2]] : "?"
}
FNR == 1 {
    files++
    split(FILENAME, path, "/")
    if (path[1] == "include") { name = path[3]; sub(/\.h$/, "", name); layer = (name in public) ? public[name] : "?"; is_public = 1 }
    else { layer = path[2]; is_public = 0 }
    if (layer != "cli" && !(layer in below)) complain("belongs to no layer that this check knows: add it to tests/lint/check_layers.sh")
}
/^[ \t]*#[ \t]*include/ {
    line = $0
    if (line ~ /dnnl/ && FILENAME !~ /^src\/compute\/onednn\//) complain("oneDNN is included outside src/compute/onednn")
    if (line !~ /"/) next
    sub(/^[^"]*"/, "", line); sub(/".*/, "", line)
    if (layer == "cli") {
        if (line !~ /^fleetnas\// && line ~ /\//) complain("the command includes \"" line "\": only fleetnas/ and its own headers are allowed")
        next
    }
    if (is_public && line !~ /^fleetnas\//) { complain("a public header includes \"" line "\""); next }
    if (line !~ /\//) { complain("\"" line "\" is included without its layer: write \"" layer "/" line "\""); next }
    to = target_layer(line)
    if (to == "?" || !(to == "cli" || to in below)) complain("\"" line "\" belongs to no known layer")
    else if (!may(layer, to)) complain("layer " layer " includes \"" line "\" of layer " to ", which lies above it")
}
END {
    if (!files) { print "no source files found"; exit 1 }
    if (errors) exit 1
    printf "%d files, no include points upward\n", files
}' $(find src include -name '*.[ch]' | sort)
