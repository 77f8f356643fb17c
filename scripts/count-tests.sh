#!/bin/sh
# Usage: count-tests.sh LastTest.log. Counts test functions: cmocka's summaries, "ok - " and "not ok - " lines of the shell tests; a program
# without either (or one that died before its summary) counts as one. Ends with the line "N passed, N failed".
set -eu
awk '
function finish() {
    if (!inside) return
    programs++
    if (run_passed + run_failed + run_skipped == 0 || (!good && run_failed == 0)) { if (good) run_passed++; else run_failed++ }
    passed += run_passed; failed += run_failed; skipped += run_skipped
    inside = 0
}
/^[0-9]+\/[0-9]+ Test: / { finish(); inside = 1; good = 0; run_passed = run_failed = run_skipped = 0 }
/^\[  PASSED  \] [0-9]+ test/ { run_passed += $4 }
/^\[  FAILED  \] .*[0-9]+ test\(s\), listed below/ { for (i = 1; i <= NF; i++) if ($i ~ /^test\(s\)/) run_failed += $(i - 1) }
/^\[  SKIPPED \] .*[0-9]+ test\(s\), listed below/ { for (i = 1; i <= NF; i++) if ($i ~ /^test\(s\)/) run_skipped += $(i - 1) }
/^ok - / { run_passed++ }
/^not ok - / { run_failed++ }
/^skip - / { run_skipped++ }
/^Test Passed\./ { good = 1 }
END {
    finish()
    printf "%d test programs; %d of their tests skipped\n", programs, skipped
    printf "%d passed, %d failed\n", passed, failed
}' "$1"
