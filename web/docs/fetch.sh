#!/usr/bin/env bash
# Gets the pages' scripts from their npm packages anew and keeps them
# compressed, without a picture that one of them gets from elsewhere; LICENSES.txt is to be looked at when a version changes.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm pack --silent swagger-ui-dist@5.35.0 redoc@2.5.4 >/dev/null
for archive in *.tgz; do tar xzf "$archive" --one-top-level; done
for file in swagger-ui-dist-*/package/swagger-ui-bundle.js swagger-ui-dist-*/package/swagger-ui.css redoc-*/package/bundles/redoc.standalone.js; do
	sed -e 's#^/[/*]\# sourceMappingURL=.*##' -e 's#https://cdn[.]redoc[.]ly/redoc/logo-mini[.]svg#data:,#' "$file" | gzip -9n >"$here/$(basename "$file").gz"
done
cp swagger-ui-dist-*/package/favicon-32x32.png "$here/"
