#!/usr/bin/env bash
# Starts or stops throwaway PostgreSQL clusters for the tests.
#   eval "$(tests/postgres.sh start FOLDER)"   exports RASOAT_TEST_PG and RASOAT_TEST_PG_DURABLE
#   tests/postgres.sh stop FOLDER
# PG_BIN names the folder of initdb and pg_ctl; the newest of the system's where it is not set.
# `start` ends with 3 where there is none.
set -euo pipefail

newest() {
  local initdb
  for initdb in $(command -v initdb) /usr/local/pgsql/bin/initdb \
    $(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -rV); do
    if [ -x "$initdb" ]; then dirname "$initdb"; return; fi
  done
}
bin=${PG_BIN:-$(newest)}

# PostgreSQL refuses to run as root: there it runs as its own user, or as nobody.
user=postgres
id "$user" >/dev/null 2>&1 || user=nobody
as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
  else
    "$@"
  fi
}

# A port below those of outgoing connections that nobody listens on.
free_port() {
  local port
  while :; do
    port=$((10000 + (RANDOM * 32768 + RANDOM) % 1000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
}

start_one() { # folder, extra options
  local folder=$1 port tries; shift
  mkdir -p "$folder"
  if [ "$(id -u)" = 0 ]; then chown "$user" "$folder"; fi
  (cd / && as_user "$bin/initdb" -N -A trust -U rasoat --locale=C -E UTF8 -D "$folder/data") \
    >"$folder.log" 2>&1 || { cat "$folder.log" >&2; exit 1; }
  # Somebody may take the port between the look and the start: then another one.
  for tries in 1 2 3 4 5; do
    port=$(free_port)
    if (cd / && as_user "$bin/pg_ctl" -w -D "$folder/data" -l "$folder/log" \
      -o "-p $port -k '' -c listen_addresses=127.0.0.1 -c max_connections=400 $*" start) >>"$folder.log" 2>&1
    then
      echo "postgres://rasoat@127.0.0.1:$port"
      return
    fi
  done
  cat "$folder.log" "$folder/log" >&2
  exit 1
}

case ${1:-} in
  start)
    [ -n "$bin" ] && [ -x "$bin/initdb" ] || { echo "no PostgreSQL binaries found" >&2; exit 3; }
    chmod 755 "$2"
    fast=$(start_one "$2/fast" -c fsync=off -c synchronous_commit=off -c full_page_writes=off)
    durable=$(start_one "$2/durable" -c fsync=on -c synchronous_commit=on)
    echo "export RASOAT_TEST_PG=$fast RASOAT_TEST_PG_DURABLE=$durable"
    ;;
  stop)
    for one in fast durable; do
      if [ -d "$2/$one/data" ]; then (cd / && as_user "$bin/pg_ctl" -m immediate -D "$2/$one/data" stop >/dev/null 2>&1) || true; fi
    done
    ;;
  *)
    echo "tests/postgres.sh start|stop FOLDER" >&2
    exit 2
    ;;
esac
