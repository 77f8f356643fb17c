#!/bin/sh
# Usage: install.sh [FOLDER]. Puts the runners, compiled and with the packages that they need, into FOLDER (build/runners beside a checkout's sources).
# Needs Node 20 and npm. The packages' own install scripts are not run.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here/../build/runners}
for program in node npm; do
    command -v $program >/dev/null 2>&1 || { echo "install.sh: $program is not installed: the runners need Node 20 and npm (Debian: apt-get install nodejs npm)" >&2; exit 1; }
done
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cp "$here/package.json" "$here/tsconfig.json" "$here"/*.ts "$here"/*.sh "$folder/"
cd "$folder"
npm install --ignore-scripts --no-package-lock --no-audit --no-fund --loglevel=error
./node_modules/.bin/tsc -p .
echo "The runners are in $folder."
