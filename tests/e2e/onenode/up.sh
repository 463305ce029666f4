#!/usr/bin/env bash
# A real Kubernetes of one node on this machine (Debian, root), without a registry or an engine: etcd, API server,
# controller manager, scheduler, kubelet, containerd, kube-proxy, CoreDNS. Safe to run again. One per machine.
#   up.sh           and say how to use it
#   up.sh --where   only tell KUBECONFIG and the folder of kubectl and helm
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$HERE/pki.sh"
if [ "${1-}" = --where ]; then
  printf 'KUBECONFIG=%s\nTOOLS=%s\n' "$KUBECONFIG_FILE" "$TOOLS"
  exit
fi
[ "$(id -u)" = 0 ] || die "the one-node cluster needs root; name a cluster of yours with HEDGEROW_E2E_KUBECONFIG"

need containerd runc containernetworking-plugins iptables conntrack procps iproute2 openssl curl
"$ROOT/scripts/kubernetes/build.sh" >&2
"$HERE/binaries.sh"
"$HERE/images.sh" system

configure() {
  mkdir -p $STATE/{logs,cni,volumes,kubeconfig,pki}
  sysctl vm.overcommit_memory kernel.panic kernel.panic_on_oops >$STATE/sysctl.saved   # the kubelet sets these
  make_authority
  make_certificate apiserver /CN=kube-apiserver "IP:$NODE_IP,IP:$API_IP,IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc"
  make_certificate node /CN=$NAME "IP:$NODE_IP,DNS:$NAME"
  make_client admin /O=system:masters/CN=admin
  make_client kubelet "/O=system:nodes/CN=system:node:$NAME"
  local user
  for user in kube-controller-manager kube-scheduler kube-proxy; do make_client $user /CN=system:$user; done
  : >$STATE/resolv.conf
  cat >$STATE/containerd.toml <<TOML
version = 2
root = "$STATE/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "$SOCKET"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "docker.io/local/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$STATE/cni"
TOML
  cat >$STATE/cni/10-bridge.conflist <<JSON
{"cniVersion": "1.0.0", "name": "onenode", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$POD_CIDR"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
  cat >$STATE/kubelet.yaml <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $PKI/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $PKI/node.crt
tlsPrivateKeyFile: $PKI/node.key
containerRuntimeEndpoint: unix://$SOCKET
cgroupDriver: cgroupfs
cgroupRoot: /$NAME
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: $STATE/resolv.conf
podLogsDir: $STATE/pod-logs
volumePluginDir: $STATE/kubelet/volume-plugins
failSwapOn: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
YAML
}

make_control_groups() {
  local folder file
  for folder in $(control_groups); do
    mkdir -p "$folder"
    # With version 1 a new cpuset is empty and takes no process until it is filled.
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$folder/cgroup.clone_children" ] || [ ! -e "$folder/$file" ] || cat "$folder/../$file" >"$folder/$file"
    done
  done
}

lay_cable() {
  ip netns add $NAME
  ip link add $NAME type veth peer name eth0 netns $NAME
  ip addr add $HOST_IP/30 dev $NAME
  ip link set $NAME up
  ip -n $NAME addr add $NODE_IP/30 dev eth0
  ip -n $NAME link set eth0 up
  # Nothing but the machine can be reached, and it shows at once.
  ip -n $NAME route add unreachable default
  ip route add $SERVICE_CIDR via $NODE_IP
  ip route add $POD_CIDR via $NODE_IP
}

manifests() {
  sed "s#\${DNS_IP}#$DNS_IP#" "$HERE/manifests/coredns.yaml"
  local number
  for number in $(seq $VOLUMES); do
    mkdir -p -m 777 "$STATE/volumes/$number"
    sed "s#\${NUMBER}#$number#; s#\${STATE}#$STATE#; s#\${NAME}#$NAME#" "$HERE/manifests/volume.yaml"
  done
  cat "$HERE/manifests/storage.yaml"
}

if node_runs; then
  say "it runs already"
else
  "$HERE/down.sh"
  configure
  make_control_groups
  lay_cable
  setsid nsenter --net=/run/netns/$NAME unshare --mount --pid --uts --ipc --fork --kill-child --mount-proc \
    "$HERE/node.sh" >$STATE/logs/node.log 2>&1 </dev/null &
  echo $! >$STATE/node.pid
fi
until_true 60 "containerd is up" ctr -a $SOCKET version
"$HERE/images.sh" load "$IMAGES"/local_{pause,coredns}_1.tar
until_true 120 "the API server is ready" kc get --raw /readyz
manifests | kc apply -f - >/dev/null
until_true 120 "the node is ready" kc wait --for=condition=Ready --timeout=1s node/$NAME
until_true 120 "names resolve" kc -n kube-system wait --for=condition=Available --timeout=1s deployment/coredns
echo "export KUBECONFIG=$KUBECONFIG_FILE"
