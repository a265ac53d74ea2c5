#!/usr/bin/env bash
# Judges the CloudFormation templates with the tools of others. What cannot be had here is skipped loudly, and in CI it
# is a failure.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=1.51.0
local=.local/cfn-lint-$version

missing() {
  echo "NOT TESTED: $1" >&2
  [ -z "${CI:-}" ]
}

# Nothing of what cfn-lint says is ignored, down to its hints.
mapfile -t templates < <(grep -lE '^Resources:|^ *"Resources": ' deploy/cloudformation/*)
lint() { "$@" --include-checks I --regions eu-central-1 -- "${templates[@]}"; }
if command -v cfn-lint >/dev/null; then
  lint cfn-lint &
elif [ -d "$local" ] || python3 -m pip install --quiet --target "$local" "cfn-lint==$version"; then
  PYTHONPATH=$local lint "$local/bin/cfn-lint" &
else
  rm -rf "$local"
  missing "cfn-lint $version is not installed and pip cannot install it, so nobody linted deploy/cloudformation" &
fi
linted=$!

if command -v npm >/dev/null; then
  [ deploy/policytest/node_modules/.package-lock.json -nt deploy/policytest/package-lock.json ] ||
    npm ci --prefix deploy/policytest
  (cd deploy/policytest && node --test)
else
  missing "npm is missing, so nobody evaluated the policies in deploy/cloudformation"
fi
wait "$linted"
