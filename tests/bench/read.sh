#!/usr/bin/env bash
# rawsock read beside tcpdump and tshark, on a file of mixed traffic (tests/bench/mixed.py) in memory:
# text, JSON, counting, filtering from file to file, and the largest memory. Run by hand on a quiet
# machine, as any user:
#
#   cargo build --release && tests/bench/read.sh
#
# A B A B; medians of CPU time (user and system) and of wall time, and the ratio of the pairs' CPU
# time. Output goes to /dev/null or to memory. JSON is measured on two files, so that tshark's start-up
# of a fifth of a second drops out: the figures are the difference, for one packet. RAWSOCK=path names
# another binary; ROUNDS=5, PACKETS=1000000 and JSON_PACKETS=20000 (tshark's share) are the defaults.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)

rawsock=${RAWSOCK:-$here/target/release/rawsock}
rounds=${ROUNDS:-5}
packets=${PACKETS:-1000000}
json_packets=${JSON_PACKETS:-20000}
[ -x "$rawsock" ] || { echo "no $rawsock: cargo build --release" >&2; exit 2; }
for peer in tcpdump tshark python3; do
  command -v "$peer" >/dev/null || { echo "no $peer: apt install tcpdump tshark python3" >&2; exit 2; }
done
# tcpdump asks for the zone at every packet where TZ is unset.
export TZ=UTC LC_ALL=C

work=$(mktemp -d -p /dev/shm)
trap 'rm -r "$work"' EXIT
all=$work/all.pcap some=$work/some.pcap few=$work/few.pcap
python3 "$here/tests/bench/mixed.py" "$packets" "$all"
python3 "$here/tests/bench/mixed.py" "$json_packets" "$some"
python3 "$here/tests/bench/mixed.py" 1000 "$few"

median() { sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# once NAME COMMAND...: appends "CPU-seconds wall-seconds" to $work/NAME.
once() {
  local name=$1 TIMEFORMAT='%U %S %R'
  shift
  { time "$@" >/dev/null 2>"$work/err"; } 2>"$work/time" || { cat "$work/err" >&2; exit 1; }
  awk '{ print $1 + $2, $3 }' "$work/time" >>"$work/$name"
}

# report TITLE NAME_A NAME_B PACKETS
report() {
  local title=$1 a=$2 b=$3 count=$4 name
  echo "== $title"
  for name in "$a" "$b"; do
    printf '%-28s %8.0f ns of CPU a packet, %.3f s\n' "$name" \
      "$(cut -d' ' -f1 "$work/$name" | median | awk -v n="$count" '{ print $1 * 1e9 / n }')" \
      "$(cut -d' ' -f2 "$work/$name" | median)"
  done
  paste -d' ' "$work/$b" "$work/$a" | awk '{ print $1 / ($3 > 0 ? $3 : 0.001) }' | median |
    awk -v b="$b" -v a="$a" '{ printf "CPU of %s / CPU of %s: %.1f\n", b, a, $1 }'
}

for _ in $(seq "$rounds"); do
  once rawsock-text "$rawsock" read -n "$all"
  once tcpdump-nn tcpdump -nn -r "$all"
done
report "text, $packets packets" rawsock-text tcpdump-nn "$packets"

for _ in $(seq "$rounds"); do
  once rawsock-count "$rawsock" read --count "$all"
  once tcpdump-count tcpdump --count -r "$all"
done
report "counting, $packets packets" rawsock-count tcpdump-count "$packets"

for _ in $(seq "$rounds"); do
  rm -f "$work"/out.*
  once rawsock-filter "$rawsock" read "$all" -w "$work/out.a" icmp or igmp
  once tcpdump-filter tcpdump -r "$all" -w "$work/out.b" icmp or igmp
done
cmp "$work/out.a" "$work/out.b" || { echo "the files differ" >&2; exit 1; }
report "filter icmp or igmp, file to file, $packets packets" rawsock-filter tcpdump-filter "$packets"

for _ in $(seq "$rounds"); do
  once rawsock-json-all "$rawsock" read --json "$all"
  once rawsock-json-few "$rawsock" read --json "$few"
  once tshark-json-some tshark -T json -r "$some"
  once tshark-json-few tshark -T json -r "$few"
done
# per NAME PACKETS: the difference to the file of 1,000 packets, in nanoseconds of CPU a packet.
per() {
  paste -d' ' "$work/$1-json-$2" "$work/$1-json-few" |
    awk -v n="$3" '{ print ($1 - $3) * 1e9 / (n - 1000) }' | tee "$work/$1-json" | median
}
ours=$(per rawsock all "$packets")
theirs=$(per tshark some "$json_packets")
echo "== JSON, without start-up: $packets packets, and $json_packets for tshark"
printf '%-28s %8.0f ns of CPU a packet\n' rawsock-json "$ours" tshark-json "$theirs"
awk -v a="$ours" -v b="$theirs" 'BEGIN { printf "CPU of tshark-json / CPU of rawsock-json: %.0f\n", b / a }'

echo "== largest memory"
for args in "" --json --count --tree "--fields ip.src,ip.dst"; do
  # shellcheck disable=SC2086
  /usr/bin/time -f "rawsock read $args: %M KB" -o "$work/memory" "$rawsock" read $args "$all" >/dev/null 2>&1
  cat "$work/memory"
done
