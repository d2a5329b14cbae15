#!/bin/sh
# What a container is: web, worker QUEUE [PROCESSES], beat, setup (migrations and tables, once before the others), or any command of `amls`.
set -eu

case "${1:-web}" in
  web)
    export AMLS_DB_POOL="${AMLS_DB_POOL:-1}"
    exec python -m amls.web --interface wsgi --host "${HOST:-0.0.0.0}" --port "${PORT:-8000}" --workers "${WEB_PROCESSES:-2}" \
      --blocking-threads 128 --backlog 2048 --http 1 --http1-header-read-timeout 20000 --no-ws \
      --respawn-failed-workers amls.wsgi:application
    ;;
  worker)
    exec python -m amls.background worker --queues "${2:-mail,default,exports}" --hostname "${2:-all}@%h" \
      --concurrency "${3:-2}" --loglevel warning --without-gossip --without-mingle
    ;;
  beat)
    exec python -m amls.background beat --loglevel warning --pidfile ''
    ;;
  setup)
    amls migrate --noinput
    amls createcachetable
    ;;
  healthy)
    # Of a web container; a worker's health is the site's own matter (/readyz).
    if [ "$(tr '\0' ' ' </proc/1/cmdline | grep -c amls.web)" = 0 ]; then exit 0; fi
    exec python -c 'import os, urllib.request; urllib.request.urlopen("http://127.0.0.1:" + os.environ.get("PORT", "8000") + "/healthz", timeout=4)'
    ;;
  *)
    exec amls "$@"
    ;;
esac
