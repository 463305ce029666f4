#!/usr/bin/env bash
# End the node and remove what it left: processes, mounts, network, control groups, state. Binaries and images stay.
set -euo pipefail
. "$(dirname "$0")/env.sh"

# With process 1 of its namespaces everything in them ends.
if node_runs; then kill -KILL "$(cat $STATE/node.pid)"; fi
if [ -e /run/netns/$NAME ]; then
  all_ended() { [ -z "$(ip netns pids $NAME)" ]; }
  until_true 30 "every process of the node has ended" all_ended
  ip link del $NAME 2>/dev/null || true
  ip netns del $NAME
  [ -n "$(ls /run/netns)" ] || umount /run/netns
fi
for folder in $(control_groups); do
  [ -d "$folder" ] || continue
  # One whose last process just ended may be busy for a moment.
  for _ in 1 2 3 4 5 6; do find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null && break; sleep 0.5; done
done
[ ! -e $STATE/sysctl.saved ] || sysctl -qp $STATE/sysctl.saved
rmdir --ignore-fail-on-non-empty /var/lib/cni /var/lib/kubelet 2>/dev/null || true
rm -rf $STATE
