#!/usr/bin/env bash
# Second step of action.yml: scans, writes files, outputs and the job summary, and ends as the scan did.
# Works with the bash 3.2 of macOS.
set -euo pipefail

fail() {
  printf '::error title=rootaudit::%s\n' "$1"
  exit 2
}

# Each line of $1 that is not empty, without a carriage return at its end.
lines() {
  printf '%s\n' "$1" | tr -d '\r' | sed '/^[[:space:]]*$/d'
}

temporary=$(mktemp -d "$RUNNER_TEMP/rootaudit.XXXXXX")
trap 'rm -rf "$temporary"' EXIT
summary=$temporary/summary.md

set -- scan --format=table "--format=markdown=$summary"
while IFS= read -r line; do
  case $line in
    *=?*) set -- "$@" "--format=$line" ;;
    *) fail 'formats: each line has to be format=file' ;;
  esac
done < <(lines "$INPUT_FORMATS")
[ -z "$INPUT_ROOT" ] || set -- "$@" "--root=$INPUT_ROOT"
[ -z "$INPUT_FAIL_ON" ] || set -- "$@" "--fail-on=$INPUT_FAIL_ON"
[ -z "$INPUT_POLICY" ] || set -- "$@" "--policy=$INPUT_POLICY"
[ -z "$INPUT_BASELINE" ] || set -- "$@" "--baseline=$INPUT_BASELINE"
while IFS= read -r line; do set -- "$@" "$line"; done < <(lines "$INPUT_ARGS")
# What follows is a target, even if it begins like an option.
set -- "$@" --
while IFS= read -r line; do set -- "$@" "$line"; done < <(lines "$INPUT_TARGETS")

# A certificate can have a name that the runner would take for a command ("::add-mask::…", "##[…]"). Nobody who made one
# knows this word.
word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$word"
touch "$temporary/begin"
code=0
# Through one pipe: of two, the runner could read the other one first. There is nothing to come from standard input.
"$INPUT_COMMAND" "$@" 2>&1 </dev/null || code=$?
# In a line of its own, whatever was printed last.
printf '\n::%s::\n' "$word"

printf 'exit-code=%s\n' "$code" >>"$GITHUB_OUTPUT"
while IFS='=' read -r format file; do
  # A file of an earlier run is no result of this one.
  if [ -f "$file" ] && [ ! "$file" -ot "$temporary/begin" ]; then
    printf '%s=%s\n' "$format" "$file" >>"$GITHUB_OUTPUT"
  fi
done < <(lines "$INPUT_FORMATS" | grep -E '^(sarif|json)=')

# GitHub drops a summary of more than 1 MiB as a whole.
if [ "$INPUT_SUMMARY" = true ] && [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
  if [ ! -s "$summary" ]; then
    echo 'rootaudit could not scan: the log of the step says why.' >>"$GITHUB_STEP_SUMMARY"
  elif [ "$(wc -c <"$summary")" -gt 1000000 ]; then
    echo 'The report of rootaudit is too long for a summary: see the log of the step and the files.' >>"$GITHUB_STEP_SUMMARY"
  else
    cat "$summary" >>"$GITHUB_STEP_SUMMARY"
  fi
fi

case $code in
  1) echo '::error title=rootaudit::A root is trusted that must go, or the policy is violated.' ;;
  2) echo '::error title=rootaudit::Nothing could be scanned, or not every target.' ;;
  3) echo '::error title=rootaudit::Nothing was found, but not everything could be read.' ;;
esac
exit "$code"
