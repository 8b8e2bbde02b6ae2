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
  set -- "$1" --offline --store-dir /offline/store
else
  # Asking whether there is a newer npm takes seconds, and nobody would read the answer.
  export NPM_CONFIG_UPDATE_NOTIFIER=false
  pnpm="npx --yes --prefer-offline $(node -p 'JSON.parse(require("fs").readFileSync("package.json")).packageManager')"
  set -- "$1" --store-dir /pnpm-store
fi
package=$1
shift
# How old a version is was checked when it went into the lockfile, which is frozen here; asking again takes
# 40 s for each image. Optional dependencies are the Node and the PostgreSQL of machines without containers.
exec $pnpm install --prod --no-optional --frozen-lockfile --filter "$package..." \
  --package-import-method copy --config.minimumReleaseAge=0 "$@"
