#!/bin/sh
# Installs one package of the workspace with what it needs to run, inside an image build.
#
#   install.sh <package>       such as @ai-governance/mcp-audit
#
# NPM_CONFIG_REGISTRY  where packages come from, if not the public registry
# OFFLINE=true         install from /offline, without a network: see infra/containers/offline/README.md
set -eu
[ -n "${NPM_CONFIG_REGISTRY:-}" ] || unset NPM_CONFIG_REGISTRY
if [ "${OFFLINE:-false}" = true ]; then
  pnpm=/offline/pnpm/node_modules/.bin/pnpm
  if ! [ -x "$pnpm" ]; then
    echo 'OFFLINE=true, and infra/containers/offline is empty: fill it as its README.md says.' >&2
    exit 1
  fi
  # How old a version is was checked when it was fetched; here nobody could be asked.
  set -- "$1" --offline --store-dir /offline/store --config.minimumReleaseAge=0
else
  pnpm="npx --yes $(node -p 'JSON.parse(require("fs").readFileSync("package.json")).packageManager')"
  set -- "$1" --store-dir /pnpm-store
fi
package=$1
shift
# No optional dependencies: those are the Node and the PostgreSQL of a machine without containers.
exec $pnpm install --prod --no-optional --frozen-lockfile --filter "$package..." \
  --package-import-method copy "$@"
