#!/bin/sh
# browser.sh: Chromium and Chinese fonts, which only the acceptance tests need. Installed with apt when we are root;
# otherwise it says how, and the acceptance tests will fail saying the same.
set -eu

found_browser() {
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" >/dev/null && return 0
  done
  return 1
}
found_fonts() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh-cn family)" ]; }

packages=
found_browser || packages="chromium"
found_fonts || packages="$packages fonts-noto-cjk"
[ -n "$packages" ] || exit 0

how="测试需要 / the tests need: apt install$(printf ' %s' $packages)"
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "$how"
  exit 0
fi

install() { DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends $packages; }

echo "== 安装 / installing:$(printf ' %s' $packages)"
# the lists may be missing, or too old to name files the mirror still has
install || { apt-get update && install; } || echo "$how"
