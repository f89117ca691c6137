#!/usr/bin/env bash
# First step of action.yml: installs rootaudit below RUNNER_TEMP and tells the next step where its command is.
set -euo pipefail

fail() {
  printf '::error title=rootaudit::%s\n' "$1"
  exit 2
}

if [ -n "$INPUT_COMMAND" ]; then
  case $INPUT_COMMAND in *$'\n'*) fail 'command: one path is needed' ;; esac
  printf 'command=%s\n' "$INPUT_COMMAND" >>"$GITHUB_OUTPUT"
  exit 0
fi

command -v node >/dev/null || fail 'Node.js is missing: run actions/setup-node before this action'
version=$INPUT_VERSION
if [ -z "$version" ]; then
  version=$(cd "$GITHUB_ACTION_PATH" && node -p 'require("./package.json").version')
fi
# A version and nothing else that npm would install by such a name.
case $version in *[!0-9A-Za-z.+-]*) fail 'version: 1.2.3 or the name of a release is needed' ;; esac

# A directory of our own, so that no .npmrc of the workspace says where packages come from.
directory=$RUNNER_TEMP/rootaudit
mkdir -p "$directory"
cd "$directory"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --no-save --ignore-scripts --loglevel=error "rootaudit@$version"
printf 'command=%s\n' "$directory/node_modules/.bin/rootaudit" >>"$GITHUB_OUTPUT"
