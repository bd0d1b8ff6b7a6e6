#!/usr/bin/env bash
# rawsock ping beside ping and fping: rate and CPU of a flood, start-up, the RTT that is reported,
# memory with 100,000 probes outstanding. Run by hand on a quiet machine, as root or as any user that
# may make user namespaces:
#
#   cargo build --release && tests/bench/ping.sh
#
# Everything happens in two network namespaces of its own, A B A B, and medians are printed. The
# peers are iputils-ping, fping and hyperfine. RAWSOCK=path and STATIC=path name other binaries;
# ROUNDS=5 and ECHOES=50000 are the defaults.
set -euo pipefail

if [ "${BENCH_INSIDE:-}" != 1 ]; then
  here=$(cd "$(dirname "$0")/../.." && pwd)
  export BENCH_INSIDE=1 RAWSOCK=${RAWSOCK:-$here/target/release/rawsock}
  [ -x "$RAWSOCK" ] || { echo "no $RAWSOCK: cargo build --release" >&2; exit 2; }
  for peer in ping fping hyperfine ip; do
    command -v "$peer" >/dev/null || { echo "no $peer: apt install iputils-ping fping hyperfine iproute2" >&2; exit 2; }
  done
  user=()
  [ "$(id -u)" = 0 ] || user=(--map-root-user)
  exec unshare "${user[@]}" --net "$0" "$@"
fi

rounds=${ROUNDS:-5}
echoes=${ECHOES:-50000}
near=10.5.0.1 far=10.5.0.2

# The far end: a namespace that lives as long as one sleeping process. The pipe tells when it exists.
exec 3< <(exec unshare --net sh -c 'echo; exec sleep 3600')
far_pid=$!
trap 'kill "$far_pid" 2>/dev/null || true' EXIT
read -r -u 3
inside() { nsenter --net="/proc/$far_pid/ns/net" "$@"; }

ip link set lo up
ip link add eth0 type veth peer name eth1
ip link set eth1 netns "$far_pid"
ip address add "$near/24" dev eth0
ip link set eth0 up
inside ip address add "$far/24" dev eth1
inside ip link set eth1 up
ping -q -c 1 -w 5 "$far" >/dev/null

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

work=$(mktemp -d)
trap 'kill "$far_pid" 2>/dev/null || true; rm -r "$work"' EXIT

# Prints "echoes-per-second CPU-seconds-per-million" of one flood.
flood() {
  local TIMEFORMAT='%R %U %S'
  { time "$@" -f -q -c "$echoes" "$far" >"$work/out"; } 2>"$work/time"
  grep -q "$echoes received" "$work/out" || { cat "$work/out" >&2; exit 1; }
  tail -1 "$work/time" | awk -v n="$echoes" '{ print n / $1, ($2 + $3) * 1e6 / n }'
}

echo "== flood, $echoes echoes on a veth pair, $rounds rounds"
for _ in $(seq "$rounds"); do
  flood "$RAWSOCK" ping >>"$work/flood.ours"
  flood ping >>"$work/flood.ping"
done
for what in ours ping; do
  cut -d' ' -f1 "$work/flood.$what" | median >"$work/rate.$what"
  cut -d' ' -f2 "$work/flood.$what" | median >"$work/cpu.$what"
done
printf 'rate  rawsock %8.0f/s   ping -f %8.0f/s   ratio %s   (goal >= 1.10)\n' \
  "$(cat "$work/rate.ours")" "$(cat "$work/rate.ping")" "$(ratio "$(cat "$work/rate.ours")" "$(cat "$work/rate.ping")")"
printf 'CPU   rawsock %8.2f s    ping -f %8.2f s    ratio %s   (per million; goal <= 0.90)\n' \
  "$(cat "$work/cpu.ours")" "$(cat "$work/cpu.ping")" "$(ratio "$(cat "$work/cpu.ours")" "$(cat "$work/cpu.ping")")"

# Prints the average in microseconds that a ping reports for 300 echoes 10 ms apart.
reported() {
  "$@" -q -c 300 -i 0.01 "$far" | sed -n 's|^rtt min/avg/max/mdev = [0-9.]*/\([0-9.]*\)/.*|\1|p' | awk '{ print $1 * 1000 }'
}

echo "== reported RTT on an idle veth pair, 300 echoes 10 ms apart, $rounds rounds"
for _ in $(seq "$rounds"); do
  reported "$RAWSOCK" ping >>"$work/rtt.ours"
  reported ping >>"$work/rtt.ping"
done
printf 'avg   rawsock %8.1f us   ping    %8.1f us   ratio %s   (goal <= 0.50)\n' \
  "$(median <"$work/rtt.ours")" "$(median <"$work/rtt.ping")" "$(ratio "$(median <"$work/rtt.ours")" "$(median <"$work/rtt.ping")")"

echo "== start-up with one echo to 127.0.0.1 (goal: <= 1.0x ping; the static build <= 1.0x fping)"
commands=("$RAWSOCK ping -c 1 127.0.0.1" "ping -c 1 127.0.0.1" "fping -q -c 1 127.0.0.1")
[ -z "${STATIC:-}" ] || commands+=("$STATIC ping -c 1 127.0.0.1")
for pass in 1 2; do
  hyperfine -N --warmup 10 --runs 100 --style none --export-csv "$work/start.csv" "${commands[@]}" >/dev/null 2>&1
  awk -F, -v pass="$pass" 'NR > 1 { printf "pass %d  %-60s median %7.0f us\n", pass, $1, $4 * 1e6 }' "$work/start.csv"
done

echo "== memory with 100,000 probes outstanding (goal: < 32 MiB)"
inside sysctl -q -w net.ipv4.icmp_echo_ignore_all=1
"$RAWSOCK" ping -q -i 0.00003 -c 100000 -W 6 "$far" >"$work/out" &
pid=$!
peak=0
while kill -0 "$pid" 2>/dev/null; do
  now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true)
  peak=${now:-$peak}
  sleep 0.2
done
wait "$pid" || true
grep 'packets transmitted' "$work/out"
printf 'peak  rawsock %8.1f MiB\n' "$(awk -v kib="$peak" 'BEGIN { print kib / 1024 }')"
