#!/bin/sh
# python.sh: .venv with the `anhu` command. Needs only python3 (3.11 or newer); on a bare Debian pip comes from apt,
# into a temporary folder, without root. PYTHON names another interpreter.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

say() { printf '== %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

command -v "$python" >/dev/null || fail "找不到 $python，请先安装 Python 3.11 以上。 / $python not found: install Python 3.11 or newer."
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "需要 Python 3.11 以上：make PYTHON=python3.x。 / Python 3.11 or newer is needed: make PYTHON=python3.x."

# A copied or moved clone carries scripts that point elsewhere, and an upgraded system may have lost the interpreter.
usable() {
  [ "$(.venv/bin/python -c 'import sys; print(sys.prefix)' 2>/dev/null)" = "$PWD/.venv" ] &&
    grep -qsF "$PWD/.venv/" .venv/bin/pip && .venv/bin/python -m pip --version >/dev/null 2>&1
}

# Debian keeps pip out of python3; its wheel lies in the package python3-pip-whl.
pip_from_debian() {
  say "从 Debian 软件包取得 pip / taking pip from Debian's packages"
  workspace=$(mktemp -d)
  trap 'rm -rf "$workspace"' EXIT
  PYTHONPATH=. "$python" -m anhu.debian "$workspace" python3-pip-whl ||
    fail "请先安装带 pip 的 Python（Debian、Ubuntu：apt install python3-venv）。 / Install a Python with pip first (Debian, Ubuntu: apt install python3-venv)."
  wheels=$workspace/root/usr/share/python-wheels
  set -- "$wheels"/pip-*.whl
  .venv/bin/python "$1/pip" install --quiet --find-links "$wheels" 'pip>=25.1'
}

if ! usable; then
  say "建立 Python 环境 .venv / making the Python environment .venv"
  rm -rf .venv
  if ! "$python" -m venv .venv >/dev/null 2>&1; then
    rm -rf .venv
    "$python" -m venv --without-pip .venv || fail "$python 没有 venv 模块。 / $python has no venv module."
    pip_from_debian
  fi
fi

say "安装依赖 / installing the dependencies"
# --group came with pip 25.1
.venv/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
.venv/bin/python -m pip install --disable-pip-version-check --editable . --group dev --group web
say "完成：.venv/bin/anhu / done: .venv/bin/anhu"
