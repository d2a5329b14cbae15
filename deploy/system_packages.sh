#!/bin/sh
# Installs what AMLS needs of the system beside Python packages, or says exactly what to type.
#   system_packages.sh run    what PDFs need: their libraries, and fonts for the names of the world
#   system_packages.sh test   that, and what the tests use
# AMLS_WITHOUT_PDF=1 leaves out what PDFs need.
set -eu

# Where ldconfig and nginx are, which not every user's PATH names.
PATH="$PATH:/usr/sbin:/sbin"
what=${1:-run}
missing=

need() { # need COMMAND-OR-TEST PACKAGE…
  check=$1
  shift
  sh -c "$check" >/dev/null 2>&1 || missing="$missing $*"
}

case "${AMLS_WITHOUT_PDF:-}" in
  '' | 0)
    need 'ldconfig -p | grep -q libpangoft2-1.0' libpango-1.0-0 libpangoft2-1.0-0
    need 'ldconfig -p | grep -q libharfbuzz-subset' libharfbuzz-subset0
    need 'fc-list : family | grep -q "DejaVu Sans Mono"' fonts-dejavu-core
    need 'fc-list : family | grep -q "Noto Sans Devanagari"' fonts-noto-core
    need 'fc-list : family | grep -q "Noto Sans CJK JP"' fonts-noto-cjk
    need 'fc-list : family | grep -q "Noto Color Emoji"' fonts-noto-color-emoji
    ;;
esac
if [ "$what" = test ]; then
  need 'command -v redis-server' redis-server
  need 'command -v chromium-headless-shell || command -v chromium' chromium-headless-shell
  need 'command -v nginx' nginx
  need 'command -v node' nodejs
  need 'command -v npm' npm
  need 'command -v qpdf' qpdf
  need 'command -v wrk' wrk
  need 'command -v faketime' faketime
  need 'command -v xmlsec1' xmlsec1
  need 'command -v pdftoppm' poppler-utils
  need 'command -v msgfmt' gettext
  need '/usr/bin/python3 -c "import gi; gi.require_version(\"ICalGLib\", \"3.0\")"' python3-gi gir1.2-ical-3.0
fi
[ -n "$missing" ] || exit 0

say_what_to_type() {
  if [ "$what" = test ]; then
    echo "The tests need these packages of the system. Type this, then start them again:"
  else
    echo "Slips, lists and receipts are PDFs, which need these packages of the system. Type this, then start again:"
  fi
  if command -v apt-get >/dev/null; then
    echo "  sudo apt-get update && sudo apt-get install -y$missing"
  else
    echo "  install what Debian calls$missing"
  fi
  [ "$what" = test ] || echo "Or go on without PDFs: AMLS_WITHOUT_PDF=1 make run"
} >&2

if [ "$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root='sudo -n'; else as_root=no; fi
if [ "$as_root" = no ] || ! command -v apt-get >/dev/null; then
  say_what_to_type
  exit 1
fi
echo "Installing$missing …"
export DEBIAN_FRONTEND=noninteractive
said=$(mktemp)
trap 'rm -f "$said"' EXIT
# shellcheck disable=SC2086
if ! { $as_root apt-get update -qq &&
  $as_root apt-get install -y -qq --no-install-recommends $missing; } >"$said" 2>&1; then
  tail -n 5 "$said" >&2
  say_what_to_type
  exit 1
fi
