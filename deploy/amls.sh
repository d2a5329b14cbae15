#!/bin/sh
# A command of AMLS, as the user and with the settings of its services: `amls migrate`, `amls start`, `amls verify FOLDER`.
# The guide (docs/operating/debian.md) puts it into /usr/local/sbin. Files are named by their whole path: it works in /srv/amls/app.
set -eu

if [ -t 0 ] && [ -t 1 ]; then talks=--pty; else talks=--pipe; fi
exec systemd-run --quiet --wait --collect "$talks" --uid=amls --gid=amls --working-directory=/srv/amls/app \
  --property=EnvironmentFile=/etc/amls/amls.env --property=UMask=0027 \
  /srv/amls/app/.venv/bin/python manage.py "$@"
