#!/bin/sh
# Fills this folder with what an image build needs: every package of the lockfile, and pnpm itself.
set -eu
cd "$(dirname "$0")"
root=$(cd ../../.. && pwd)
pnpm=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).packageManager' "$root/package.json")
rm -rf store pnpm
npm install --silent --no-save --prefix pnpm "$pnpm"
# pnpm fetch also fills node_modules beside the lockfile: in a folder that goes away.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root/package.json" "$root/pnpm-lock.yaml" "$root/pnpm-workspace.yaml" "$work"
cd "$work"
"$OLDPWD/pnpm/node_modules/.bin/pnpm" --config.optional=false fetch --prod --store-dir "$OLDPWD/store" >&2
echo "Filled $OLDPWD." >&2
