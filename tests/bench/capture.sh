#!/usr/bin/env bash
# rawsock sniff and read beside tcpdump: CPU and memory of a capture to a file and of live text while
# a sender goes as fast as it can, what is lost, and filtering from file to file. Run by hand on a
# quiet machine with two processors, as root or as any user that may make user namespaces:
#
#   cargo build --release && tests/bench/capture.sh
#
# Live: 64-byte frames over a veth pair in a network namespace of its own, the sender on processor 0,
# the receiver on processor 1, A B A B; medians are printed. RAWSOCK=path and FLOOD=path name other
# ROUNDS=3, FRAMES=1000000 and PACKETS=1000000 (of the file) are the defaults.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)

if [ "${BENCH_INSIDE:-}" != 1 ]; then
  export BENCH_INSIDE=1 RAWSOCK=${RAWSOCK:-$here/target/release/rawsock}
  [ -x "$RAWSOCK" ] || { echo "no $RAWSOCK: cargo build --release" >&2; exit 2; }
  for peer in tcpdump ip taskset python3; do
    command -v "$peer" >/dev/null || { echo "no $peer: apt install tcpdump iproute2 util-linux python3" >&2; exit 2; }
  done
  [ -n "${FLOOD:-}" ] || FLOOD=$(cd "$here" && cargo bench --no-run --bench flood 2>&1 | sed -n 's|.*(\(.*/flood-[0-9a-f]*\)).*|\1|p' | tail -1)
  case $FLOOD in /*) ;; *) FLOOD=$here/$FLOOD ;; esac
  [ -x "$FLOOD" ] || { echo "cargo bench --no-run --bench flood failed" >&2; exit 2; }
  export FLOOD
  user=()
  [ "$(id -u)" = 0 ] || user=(--map-root-user)
  exec unshare "${user[@]}" --net "$0" "$@"
fi

rounds=${ROUNDS:-3}
frames=${FRAMES:-1000000}
packets=${PACKETS:-1000000}
# tcpdump asks for the zone at every packet where TZ is unset.
export TZ=UTC LC_ALL=C

work=$(mktemp -d -p /dev/shm)
trap 'rm -r "$work"' EXIT

ip link set lo up
ip link add v0 type veth peer name v1
ip link set v0 address 02:00:00:00:00:01
ip link set v1 address 02:00:00:00:00:02
for link in v0 v1; do
  echo 1 >"/proc/sys/net/ipv6/conf/$link/disable_ipv6"
  ip link set "$link" up
done

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", (b > 0) ? a / b : 0 }'; }

# CPU ticks of a process so far (proc(5): utime, stime).
ticks() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"; }

# live NAME OUTPUT COMMAND...: one run; appends to $work/NAME.{cpu,kept,rss} the CPU seconds for a
# million frames sent, the part that was kept in percent, and the largest memory in MB.
live() {
  local name=$1 output=$2 pid before after sent kept
  shift 2
  rm -f "$work"/out.*
  taskset -c 1 "$@" >"$output" 2>"$work/err" &
  pid=$!
  until grep -q 'listening on' "$work/err"; do kill -0 "$pid" || { cat "$work/err" >&2; exit 1; }; sleep 0.05; done
  before=$(ticks "$pid")
  "$FLOOD" v0 "$frames" >"$work/sent"
  # Until it has nothing more to do.
  while after=$(ticks "$pid"); sleep 0.3; [ "$(ticks "$pid")" != "$after" ]; do :; done
  sent=$(cut -d' ' -f1 "$work/sent")
  awk '/VmHWM/ { print $2 / 1024 }' "/proc/$pid/status" >>"$work/$name.rss"
  kill -INT "$pid"
  wait "$pid"
  kept=$(sed -n 's/^\([0-9]*\) packets* captured$/\1/p' "$work/err" | tail -1)
  awk -v t="$((after - before))" -v hz="$(getconf CLK_TCK)" -v n="$sent" 'BEGIN { print t / hz * 1e6 / n }' >>"$work/$name.cpu"
  awk -v k="$kept" -v n="$sent" 'BEGIN { print k * 100 / n }' >>"$work/$name.kept"
  cut -d' ' -f2 "$work/sent" >>"$work/rate"
}

# table TITLE OURS THEIRS GOAL
table() {
  local what ours theirs
  ours=$(median <"$work/$2.cpu") theirs=$(median <"$work/$3.cpu")
  printf '%-10s rawsock %6.3f s  tcpdump %6.3f s  ratio %s   (CPU per million; %s)\n' "$1" "$ours" "$theirs" "$(ratio "$ours" "$theirs")" "$4"
  for what in kept rss; do
    printf '%-10s rawsock %6.2f    tcpdump %6.2f    (%s)\n' "" "$(median <"$work/$2.$what")" "$(median <"$work/$3.$what")" \
      "$([ "$what" = kept ] && echo 'percent kept' || echo 'MB at most')"
  done
}

echo "== live, $frames frames of 64 bytes, $rounds rounds"
for _ in $(seq "$rounds"); do
  live write.ours /dev/null "$RAWSOCK" sniff -i v1 -w "$work/out.pcap" all
  live write.peer /dev/null tcpdump -i v1 -Z root -w "$work/out.pcap"
  live null.ours /dev/null "$RAWSOCK" sniff -i v1 --count all
  live null.peer /dev/null tcpdump -i v1 -Z root --count
  live text.ours /dev/null "$RAWSOCK" sniff -i v1 all
  live text.peer /dev/null tcpdump -nn -i v1 -Z root
done
printf 'sender     %.0f frames a second\n' "$(median <"$work/rate")"
table '-w' write.ours write.peer 'goal <= 1.00'
table '--count' null.ours null.peer 'no goal'
table 'text' text.ours text.peer 'goal <= 0.20, all kept'

echo "== file to file, $packets mixed packets, $rounds rounds"
python3 "$here/tests/bench/mixed.py" "$packets" "$work/mixed.pcap"
# seconds NAME COMMAND...: appends the wall time to $work/NAME.
seconds() {
  local TIMEFORMAT='%R' name=$1
  shift
  rm -f "$work"/out.*
  { time "$@" >/dev/null 2>"$work/err"; } 2>"$work/time"
  tail -1 "$work/time" >>"$work/$name"
}
for filter in 'icmp or igmp' ''; do
  rm -f "$work"/file.*
  for _ in $(seq "$rounds"); do
    seconds file.ours "$RAWSOCK" read "$work/mixed.pcap" "$filter" -w "$work/out.pcap"
    ours=$(stat -c %s "$work/out.pcap")
    seconds file.peer tcpdump -Z root -r "$work/mixed.pcap" -w "$work/out.pcap" "$filter"
    [ "$(stat -c %s "$work/out.pcap")" = "$ours" ] || { echo "not the same packets: $filter" >&2; exit 1; }
  done
  ours=$(median <"$work/file.ours") peer=$(median <"$work/file.peer")
  printf '%-14s rawsock %6.3f s  tcpdump %6.3f s  ratio %s   (speed; goal >= 1.00)\n' "${filter:-all}" "$ours" "$peer" "$(ratio "$peer" "$ours")"
done
