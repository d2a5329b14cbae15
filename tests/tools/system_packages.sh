#!/bin/sh
# Installs what the tests need beside Python packages, or says exactly what is missing.
set -eu

need() { # need COMMAND-OR-TEST PACKAGE…
  check=$1
  shift
  sh -c "$check" >/dev/null 2>&1 || missing="${missing:-} $*"
}

missing=
need 'command -v redis-server' redis-server
need 'command -v chromium' chromium
need 'command -v nginx || test -x /usr/sbin/nginx' nginx
need 'command -v node' nodejs
need 'command -v npm' npm
need 'command -v qpdf' qpdf
need 'command -v wrk' wrk
need 'command -v pdftoppm' poppler-utils
need 'command -v msgfmt' gettext
need 'ldconfig -p | grep -q libpangoft2-1.0' libpango-1.0-0 libpangoft2-1.0-0
need 'ldconfig -p | grep -q libharfbuzz-subset' libharfbuzz-subset0
need 'fc-list | grep -qi dejavu' fonts-dejavu-core
need '/usr/bin/python3 -c "import gi; gi.require_version(\"ICalGLib\", \"3.0\")"' python3-gi gir1.2-ical-3.0
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then as_root=; elif sudo -n true 2>/dev/null; then as_root='sudo -n'; else as_root=no; fi
if [ "$as_root" = no ] || ! command -v apt-get >/dev/null; then
  echo "The tests need these system packages: apt-get install$missing" >&2
  exit 1
fi
echo "Installing$missing …"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
