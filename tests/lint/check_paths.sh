#!/bin/sh
# Usage: check_paths.sh SOURCE_FOLDER. No file of the project names a folder of one person's machine, or carries merge marks.
set -eu
cd "${1:-.}"
# In pieces, so that this file does not find itself.
home='/ho''me/[a-z]|/ro''ot/|/wo''rk/|/Us''ers/'
marks='^(<<<<''<<<|>>>>''>>>|====''===)$'
folders=
for folder in src include tests bench examples docs scripts runners packaging cmake web .ci; do [ -d "$folder" ] && folders="$folders $folder"; done
files=$(ls *.md *.cff Makefile CMakeLists.txt CMakePresets.json .clang-tidy .clang-format 2>/dev/null || true)
if grep -rnEI "$home" $folders $files; then
    echo "these lines name paths of one machine: use relative paths, mktemp or TMPDIR" >&2
    exit 1
fi
if grep -rnEI "$marks" $folders $files; then
    echo "these lines are left over from a merge" >&2
    exit 1
fi
echo "no machine paths"
