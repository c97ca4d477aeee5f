#!/usr/bin/env bash
# Starts or stops throwaway PostgreSQL clusters for the tests.
#   eval "$(tests/postgres.sh start FOLDER)"   exports RASOAT_TEST_PG and RASOAT_TEST_PG_DURABLE
#   tests/postgres.sh stop FOLDER
set -euo pipefail

newest() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }
bin=${PG_BIN:-$(newest)}

# PostgreSQL refuses to run as root: there it runs as its own user.
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

start_one() { # folder, extra options
  local folder=$1 port; shift
  port=$(free_port)
  mkdir -p "$folder"
  if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
  (
    cd /
    as_user "$bin/initdb" -N -A trust -U rasoat --locale=C.UTF-8 -D "$folder/data" >"$folder.log" 2>&1
    as_user "$bin/pg_ctl" -w -D "$folder/data" -l "$folder/log" \
      -o "-p $port -k '' -c listen_addresses=127.0.0.1 -c max_connections=400 $*" start >>"$folder.log" 2>&1
  ) || { cat "$folder.log" >&2; exit 1; }
  echo "postgres://rasoat@127.0.0.1:$port"
}

case $1 in
  start)
    [ -x "$bin/initdb" ] || { echo "no PostgreSQL binaries found" >&2; exit 3; }
    chmod 755 "$2"
    fast=$(start_one "$2/fast" -c fsync=off -c synchronous_commit=off -c full_page_writes=off)
    durable=$(start_one "$2/durable" -c fsync=on)
    echo "export RASOAT_TEST_PG=$fast RASOAT_TEST_PG_DURABLE=$durable"
    ;;
  stop)
    for one in fast durable; do
      if [ -d "$2/$one/data" ]; then (cd / && as_user "$bin/pg_ctl" -m immediate -D "$2/$one/data" stop >/dev/null 2>&1) || true; fi
    done
    ;;
esac
