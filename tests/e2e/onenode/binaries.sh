#!/usr/bin/env bash
# Build what a node runs from Go modules into the cache, each group once per change of its go.mod.
set -euo pipefail
. "$(dirname "$0")/env.sh"
export CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly
mkdir -p "$BIN"
exec 9>"$CACHE/lock"
flock 9   # one build at a time

# build FOLDER LINKER-FLAGS PACKAGE…
build() {
  local folder=$1 flags=$2 mark=$BIN/.$1 wanted begun=$SECONDS
  shift 2
  wanted=$(find "$HERE/$folder" -type f | LC_ALL=C sort | xargs cat | cksum)
  [ "$(cat "$mark" 2>/dev/null)" != "$wanted" ] || return 0
  say "building $folder (minutes, the first time)"
  (cd "$HERE/$folder" && go build -trimpath -ldflags "-s -w $flags" -o "$BIN/.new/" "$@")
  mv "$BIN"/.new/* "$BIN/"
  rmdir "$BIN/.new"
  echo "$wanted" >"$mark"
  say "built $folder in $((SECONDS - begun)) s"
}

version=$(sed -n 's#.*k8s.io/kubernetes \(v[0-9.]*\).*#\1#p' "$HERE/kubernetes/go.mod" | head -n 1)
stamp=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  stamp+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$(cut -d. -f2 <<<"$version")"
done
build pause "" .
build coredns "" .
build kubernetes "$stamp" k8s.io/kubernetes/cmd/{kube-controller-manager,kube-scheduler,kubelet,kube-proxy}
