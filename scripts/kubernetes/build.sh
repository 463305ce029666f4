#!/usr/bin/env bash
# Builds kube-apiserver, kubectl, etcd and helm from their Go modules, where no binary can be downloaded. Each folder
# beside this script pins one of them. What is there is kept; safe when two checkouts build at once.
#
#   scripts/kubernetes/build.sh           build what is missing
#   scripts/kubernetes/build.sh --check   exit 1 if anything is missing
#   scripts/kubernetes/build.sh --folder  print the folder of the binaries
#
# KUBEBUILDER_ASSETS names a folder that has kube-apiserver, etcd and kubectl: then nothing is built.
# Works with the bash 3.2 of macOS.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version_of() { sed -nE "s#^(require)?[[:space:]]+$2 (v[^ ]+).*#\\2#p" "$1/go.mod" | head -n 1; }

KUBERNETES_VERSION=$(version_of kubernetes k8s.io/kubernetes)
HELM_VERSION=$(version_of helm helm.sh/helm/v3)
FOLDER=${KUBEBUILDER_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/hedgerow/kubernetes-$KUBERNETES_VERSION}

programs_of() {
  case $1 in
    etcd) echo etcd ;;
    kubernetes) echo kube-apiserver kubectl ;;
    helm) echo helm ;;
  esac
}

# The version that a program tells, which the linker writes into it.
link_flags() {
  local package minor=${KUBERNETES_VERSION#v1.}
  printf '%s' "-s -w"
  case $1 in
    kubernetes)
      for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        printf ' -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s -X %s.gitTreeState=clean' \
          $package "$KUBERNETES_VERSION" $package $package "${minor%.*}" $package
      done ;;
    helm) printf ' -X helm.sh/helm/v3/internal/version.version=%s' "$HELM_VERSION" ;;
  esac
}

wanted_stamp() { cat "$1/go.mod" "$1/go.sum" build.sh | cksum; }

have() {
  local program
  for program in $(programs_of "$1"); do [ -x "$FOLDER/$program" ] || return 1; done
  [ -n "${KUBEBUILDER_ASSETS:-}" ] || [ "$(cat "$FOLDER/.$1" 2>/dev/null)" = "$(wanted_stamp "$1")" ]
}

missing() {
  local module
  for module in etcd kubernetes helm; do
    # A folder that was given need not have helm: the one on PATH is as good.
    [ "$module" = helm ] && [ -n "${KUBEBUILDER_ASSETS:-}" ] && continue
    have "$module" || echo "$module"
  done
}

# Built aside and renamed, so that nobody ever runs half a program.
build() {
  local module=$1 aside="$FOLDER/.$1.$$" begun=$SECONDS program
  rm -rf "$aside"
  mkdir -p "$aside"
  echo "    $module: $(programs_of "$module")"
  if ! (cd "$module" && CGO_ENABLED=0 GOWORK=off GOFLAGS=-mod=readonly \
        go build -v -trimpath -ldflags "$(link_flags "$module")" -o "$aside/" tool 2>&1) |
      tee "$aside/log" | awk '{ n++ } n % 100 == 0 { print "      " n " packages so far"; fflush() }'; then
    echo "building $module failed:" >&2
    tail -n 20 "$aside/log" >&2
    rm -rf "$aside"
    exit 1
  fi
  # Go names a program after its folder, and etcd's is `server`.
  if [ "$module" = etcd ]; then mv "$aside/server" "$aside/etcd"; fi
  for program in $(programs_of "$module"); do mv -f "$aside/$program" "$FOLDER/$program"; done
  wanted_stamp "$module" >"$FOLDER/.$module"
  rm -rf "$aside"
  echo "      done in $((SECONDS - begun)) s"
}

case "${1:-}" in
  --folder) echo "$FOLDER"; exit ;;
  --check) [ -z "$(missing)" ]; exit ;;
  "") ;;
  *) echo "usage: scripts/kubernetes/build.sh [--check|--folder]" >&2; exit 2 ;;
esac

[ -n "$(missing)" ] || exit 0
if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
  echo "KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks programs of: $(missing | tr '\n' ' ')" >&2
  echo "It needs kube-apiserver, etcd and kubectl; unset it to have them built." >&2
  exit 1
fi
mkdir -p "$FOLDER"
# One build at a time; without flock (macOS) two builds only do the work twice.
exec 9>"$FOLDER/.lock"
if command -v flock >/dev/null; then flock 9; fi
for module in $(missing); do build "$module"; done
