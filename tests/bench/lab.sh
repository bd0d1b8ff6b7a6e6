#!/usr/bin/env bash
# Figures of the lab: start-up, residue after kill -9, accuracy of delays, loss, throughput.
# usage: tests/bench/lab.sh [path of rawsock]     needs python3; run it as a plain user and as root
set -euo pipefail
rawsock=$(realpath "${1:-target/release/rawsock}")
cd "$(mktemp -d)"

echo "== start-up: lab up, a command run, lab down, 21 times (ms)"
for _ in $(seq 21); do
  begin=$(date +%s%N)
  "$rawsock" lab pair -- true
  echo $((($(date +%s%N) - begin) / 10000))
done | sort -n | awk '{ t[NR] = $1 / 100 } END { print "min", t[1], "median", t[11], "max", t[21] }'

networks() { { stat -L -c %i /proc/[0-9]*/ns/net 2>/dev/null || true; } | sort -u; }
echo "== residue after kill -9 at 20 moments"
before=$(networks | wc -l)
for moment in $(seq 0 5 95); do
  "$rawsock" lab route -- sh -c '(sleep 1000 &) ; sleep 1000' &
  keeper=$!
  sleep "0.$(printf %03d "$moment")"
  kill -9 $keeper
  wait $keeper 2>/dev/null || true
done
sleep 1
echo "network namespaces before $before, after $(networks | wc -l)"
echo "programs left: $(pgrep -fc 'sleep 1000' || true)"
echo "links outside: $(ls /sys/class/net | wc -l), names in /run/netns: $(ls /run/netns 2>/dev/null | wc -l)"

echo "== delay error, 20 ms one way, idle: what the wire's log says (ms)"
"$rawsock" lab pair --delay 20ms --save delay -- ping -c 200 -i 0.05 -q h2 > /dev/null
grep -o 'after [0-9.]* ms' delay/wire.log | awk '{ print $2 - 20 }' | sort -n |
  awk '{ e[NR] = $1 } END { print "min", e[1], "median", e[int((NR + 1) / 2)], "p99", e[int(NR * 0.99)], "of", NR }'

echo "== loss 10 % over 10,000 frames, twice with one seed"
for _ in 1 2; do
  "$rawsock" lab pair --loss-up 10% --seed 7 --save loss -- ping -c 10000 -f -W 0.2 -q h2 | grep received || true
  grep -c 'lost by chance' loss/wire.log
  grep 'echo request' loss/wire.log | grep -n 'lost by chance' | cut -d: -f1 | md5sum
  rm -r loss
done

cat > tcp.py <<'PY'
import socket, sys, time
if sys.argv[1] == 'server':
    s = socket.create_server(('10.5.0.2', 5001))
    c, _ = s.accept()
    total, began = 0, time.monotonic()
    while data := c.recv(1 << 20):
        total += len(data)
    took = time.monotonic() - began
    print(f'TCP {total / 1e6:.0f} MB in {took:.2f} s: {total * 8 / took / 1e6:.0f} Mbit/s', flush=True)
else:
    for _ in range(100):
        try:
            c = socket.create_connection(('10.5.0.2', 5001))
            break
        except ConnectionRefusedError:
            time.sleep(0.02)
    for _ in range(200):
        c.sendall(bytes(1 << 20))
PY
cat > udp.py <<'PY'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(('10.5.0.2', 9))
end, sent = time.monotonic() + 3, 0
while time.monotonic() < end:
    for _ in range(100):
        try:
            s.send(b'x' * 18)
        except OSError:
            pass
    sent += 100
print(f'sent {sent / 3:.0f} datagrams/s', flush=True)
PY
echo "== 200 MB by TCP through the wire"
printf 'h2 python3 tcp.py server &\nh1 python3 tcp.py client\nh1 sleep 1\n' | "$rawsock" lab pair

echo "== small datagrams for 3 s: frames a second that the wire delivered"
printf 'h2 python3 -c "import socket,time; s=socket.socket(2,2); s.bind((chr(48)+chr(46)+chr(48)+chr(46)+chr(48)+chr(46)+chr(48),9)); time.sleep(9)" &\nh1 python3 udp.py\nstatus\n' |
  "$rawsock" lab pair
