# What the scripts of this folder share. Sourced, not run.
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../../.." && pwd)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/hedgerow/onenode   # binaries and images: kept when the node goes down
STATE=/var/lib/hedgerow-onenode                          # everything that a running node writes: removed
BIN=$CACHE/bin
TOOLS=$("$ROOT/scripts/kubernetes/build.sh" --folder)    # etcd, kube-apiserver, kubectl, helm: those of `make test`
IMAGES=$CACHE/images
NAME=hedgerow
KUBECONFIG_FILE=$STATE/kubeconfig/admin
SOCKET=$STATE/containerd.sock

# The node has a network of its own, joined to the machine's by one cable.
HOST_IP=172.30.98.1
NODE_IP=172.30.98.2
POD_CIDR=10.98.0.0/24
SERVICE_CIDR=10.97.0.0/16
API_IP=10.97.0.1
DNS_IP=10.97.0.10
VOLUMES=16

say() { printf '[%4ds] %s\n' "$SECONDS" "$*" >&2; }
die() { say "error: $*"; exit 1; }

# until_true SECONDS WHAT COMMAND…: poll.
until_true() {
  local limit=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ $SECONDS -lt $limit ] || { say "timed out: $what"; return 1; }
    sleep 0.3
  done
  say "$what"
}

# Debian packages that are missing; none may start a daemon of its own.
need() {
  local package missing=() guard=/usr/sbin/policy-rc.d made=no
  for package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  [ -e $guard ] || { printf '#!/bin/sh\nexit 101\n' >$guard; chmod +x $guard; made=yes; }
  apt-get -qq -o DPkg::Lock::Timeout=300 update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null
  [ $made = no ] || rm $guard
}

# Whether the process that up.sh started is still the node.
node_runs() { grep -qs onenode/node.sh "/proc/$(cat $STATE/node.pid 2>/dev/null)/cmdline"; }

# The node's control group: one, or with version 1 one in every hierarchy.
control_groups() {
  if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo "/sys/fs/cgroup/$NAME"; return; fi
  local file
  for file in /sys/fs/cgroup/*/cgroup.procs; do echo "${file%/*}/$NAME"; done
}

kc() { "$TOOLS/kubectl" --kubeconfig "$KUBECONFIG_FILE" "$@"; }
