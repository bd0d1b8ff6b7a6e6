#!/usr/bin/env bash
# Round trips of `rawsock echo server` beside socat's, over TCP, UDP and unix sockets, by one and the
# same client: ours, once waiting and once spinning. Run by hand on a quiet machine with two free
# processors, as root or as any user that may make user namespaces:
#
#   cargo build --release && tests/bench/echo.sh
#
# It runs in a network namespace of its own, A B A B, and prints the medians of ROUNDS (5) runs of
# TRIPS (20000) round trips of 10 bytes, in microseconds for one.
set -euo pipefail

if [ "${BENCH_INSIDE:-}" != 1 ]; then
  here=$(cd "$(dirname "$0")/../.." && pwd)
  export BENCH_INSIDE=1 RAWSOCK=${RAWSOCK:-$here/target/release/rawsock}
  [ -x "$RAWSOCK" ] || { echo "no $RAWSOCK: cargo build --release" >&2; exit 2; }
  for peer in socat jq ip; do
    command -v "$peer" >/dev/null || { echo "no $peer: apt install socat jq iproute2" >&2; exit 2; }
  done
  user=()
  [ "$(id -u)" = 0 ] || user=(--map-root-user)
  exec unshare "${user[@]}" --net "$0" "$@"
fi

rounds=${ROUNDS:-5}
trips=${TRIPS:-20000}
ip link set lo up
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# microseconds of one round trip; $1 kind, $2 place, the rest: options of the client
client() {
  "$RAWSOCK" echo client "$1" "$2" --json -q -c "$trips" "${@:3}" |
    jq -r 'select(.type == "summary") | if .missing > 0 then error("lost") else .mean * 1e6 end'
}

# server NAME KIND PLACE CLIENT-OPTIONS: starts it, measures, ends it
measure() {
  local name=$1 kind=$2 place=$3
  case $name in
    socat)
      case $kind in
        tcp) socat TCP-LISTEN:9000,bind=127.0.0.1,reuseaddr,nodelay PIPE & ;;
        udp) socat UDP-LISTEN:9000,bind=127.0.0.1 PIPE & ;;
        unix-stream) socat "UNIX-LISTEN:$place" PIPE & ;;
      esac ;;
    rawsock) "$RAWSOCK" echo server "$kind" "$place" -q --max-rate none 2>/dev/null & ;;
    spin) "$RAWSOCK" echo server "$kind" "$place" -q --max-rate none --spin 2>/dev/null & ;;
  esac
  local server=$!
  for _ in $(seq 200); do
    case $kind in
      tcp) ss -Hltn 'sport = :9000' | grep -q . && break ;;
      udp) ss -Hlun 'sport = :9000' | grep -q . && break ;;
      *) [ -S "$place" ] && break ;;
    esac
    sleep 0.01
  done
  client "$kind" "$place" "${@:4}"
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
}

median() { sort -n | awk '{ all[NR] = $1 } END { printf "%.1f", all[int((NR + 1) / 2)] }'; }

printf '%-12s %10s %10s %10s %8s\n' kind socat rawsock --spin socat/spin
for kind in tcp udp unix-stream; do
  place=127.0.0.1:9000
  [ "$kind" = unix-stream ] && place=$folder/socket
  for round in $(seq "$rounds"); do
    measure socat "$kind" "$place" >>"$folder/$kind.socat"
    measure rawsock "$kind" "$place" >>"$folder/$kind.rawsock"
    measure spin "$kind" "$place" --spin >>"$folder/$kind.spin"
  done
  socat=$(median <"$folder/$kind.socat")
  ours=$(median <"$folder/$kind.rawsock")
  spin=$(median <"$folder/$kind.spin")
  printf '%-12s %10s %10s %10s %8s\n' "$kind" "$socat" "$ours" "$spin" \
    "$(awk "BEGIN { printf \"%.1f\", $socat / $spin }")"
done
