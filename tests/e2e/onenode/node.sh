#!/usr/bin/env bash
# Process 1 of the node's own process, mount and network namespaces, started by up.sh. It runs every daemon and starts
# again what ends. When it is killed, the kernel ends all of them and drops their mounts.
set -euo pipefail
. "$(dirname "$0")/env.sh"
PKI=$STATE/pki CONFIGS=$STATE/kubeconfig

mount --make-rshared /
for folder in /run /var/log /var/lib/cni /var/lib/kubelet; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
ip link set lo up
sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1

keep() {
  local name=$1
  shift
  while :; do
    "$@" >>"$STATE/logs/$name.log" 2>&1 </dev/null || true
    echo "=== $name ended; starting it again" >>"$STATE/logs/$name.log"
    sleep 1
  done &
}

keep containerd containerd --config "$STATE/containerd.toml"
keep etcd "$TOOLS/etcd" --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn \
  --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379
keep kube-apiserver "$TOOLS/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --advertise-address $NODE_IP \
  --service-cluster-ip-range $SERVICE_CIDR --authorization-mode Node,RBAC \
  --enable-admission-plugins NodeRestriction --allow-privileged --client-ca-file "$PKI/ca.crt" \
  --tls-cert-file "$PKI/apiserver.crt" --tls-private-key-file "$PKI/apiserver.key" \
  --kubelet-certificate-authority "$PKI/ca.crt" --kubelet-preferred-address-types InternalIP \
  --kubelet-client-certificate "$PKI/admin.crt" --kubelet-client-key "$PKI/admin.key" \
  --service-account-issuer https://kubernetes.default.svc.cluster.local \
  --service-account-key-file "$PKI/accounts.pub" --service-account-signing-key-file "$PKI/accounts.key"

# The others give up when nobody answers.
until curl -sf --cacert "$PKI/ca.crt" "https://$NODE_IP:6443/readyz" -o /dev/null; do sleep 0.3; done

keep kube-controller-manager "$BIN/kube-controller-manager" --kubeconfig "$CONFIGS/kube-controller-manager" \
  --leader-elect=false --bind-address 127.0.0.1 --use-service-account-credentials \
  --service-account-private-key-file "$PKI/accounts.key" --root-ca-file "$PKI/ca.crt"
keep kube-scheduler "$BIN/kube-scheduler" --kubeconfig "$CONFIGS/kube-scheduler" --leader-elect=false \
  --bind-address 127.0.0.1
keep kubelet "$BIN/kubelet" --config "$STATE/kubelet.yaml" --kubeconfig "$CONFIGS/kubelet" \
  --root-dir "$STATE/kubelet" --hostname-override $NAME --node-ip $NODE_IP
# A network namespace may not set the size of the connection table: 0 leaves it alone.
keep kube-proxy "$BIN/kube-proxy" --kubeconfig "$CONFIGS/kube-proxy" --hostname-override $NAME --proxy-mode iptables \
  --cluster-cidr $POD_CIDR --conntrack-max-per-core 0 --conntrack-min 0 \
  --conntrack-tcp-timeout-established 0s --conntrack-tcp-timeout-close-wait 0s

while :; do wait -n || true; done   # bash reaps orphans as well
