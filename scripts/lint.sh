#!/bin/sh
# The checks of tests/lint, then clang-format, cppcheck and clang-tidy, each where it is installed.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
code=0
step() { # NAME COMMAND...: shows the output of what failed
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok: $name${output:+ ($(printf '%s' "$output" | tail -1))}"
    else
        printf '%s\n' "$output"
        echo "FAILED: $name"
        code=1
    fi
}
have() {
    command -v "$1" >/dev/null 2>&1 && return 0
    echo "left out: $1 is not installed (apt-get install $1)"
    return 1
}

for check in tests/lint/check_*.sh; do step "$(basename "$check" .sh)" sh "$check" "$root"; done
sources=$(find src include tests bench examples -name '*.[ch]' | sort)
if have clang-format; then step format clang-format --dry-run --Werror $sources; fi
if have shellcheck; then step shellcheck shellcheck -S warning -e SC2154 scripts/*.sh runners/*.sh tests/lint/*.sh tests/cli/*.sh .ci/run; fi
if have cppcheck; then # the suppressed ones are false: sums of exponentials, a table of typed fields, arrays that a callee fills
    step cppcheck cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppress=missingInclude --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=invalidFunctionArg --suppress=invalidPointerCast \
        --suppress=uninitvar:src/compute/onednn/convolution.c -D__GNUC__ -D_GNU_SOURCE -I include -I src src
fi
if have clang-tidy; then
    [ -f build/release/compile_commands.json ] || cmake --preset release >/dev/null || code=1
    # shellcheck disable=SC2016 # the inner shell expands
    step clang-tidy sh -c 'find src -name "*.c" | sort | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build/release 2>/dev/null'
fi
exit $code
