#!/bin/sh
# Usage: run-tests.sh BUILD_FOLDER. Runs ctest, shows what failed, and counts the tests inside the programs too.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
build=$1

if [ -z "${FLEETNAS_TEST_DATA:-}" ] || [ ! -d "${FLEETNAS_TEST_DATA:-}" ]; then
    echo "FLEETNAS_TEST_DATA names no folder: tests that need the shared tables are skipped."
fi

log=$build/Testing/Temporary/LastTest.log
rm -f "$log"
ctest --test-dir "$build" -j2 --output-on-failure --no-tests=error
code=$?

[ -f "$log" ] || exit 1
sh scripts/count-tests.sh "$log"
exit $code
