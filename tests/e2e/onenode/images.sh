#!/usr/bin/env bash
# Container images without a registry or an engine. Each is kept as an archive, which a running node gets at once.
#   images.sh system                     the pod sandbox and CoreDNS
#   images.sh base NAME SUITE PACKAGES   a Debian of this suite with these packages (comma-separated)
#   images.sh build NAME FOLDER [ARG…]   from FOLDER/Dockerfile; FROM may name any image made here
#   images.sh load [FILE…]               into the running node; without a name every image
set -euo pipefail
. "$(dirname "$0")/env.sh"
mkdir -p "$IMAGES"

archive_of() { echo "$IMAGES/$(tr '/:' '__' <<<"$1").tar"; }
up() { [ -S $SOCKET ]; }

load() {
  local file
  for file; do ctr -a $SOCKET -n k8s.io images import "$file" >/dev/null; say "loaded $(basename "$file" .tar)"; done
}

# pack NAME FOLDER CONFIG: an image of one layer, as `docker load` would take it.
pack() {
  local out work digest
  out=$(archive_of "$1") work=$(mktemp -d)
  tar -C "$2" --numeric-owner --sort=name -cf "$work/layer.tar" .
  digest=$(sha256sum <"$work/layer.tar" | cut -d' ' -f1)
  printf '{"architecture":"%s","os":"linux","created":"1970-01-01T00:00:00Z","config":%s,"history":[{"created":"1970-01-01T00:00:00Z"}],"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$(dpkg --print-architecture)" "$3" "$digest" >"$work/config.json"
  printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer.tar"]}]' "$1" >"$work/manifest.json"
  tar -C "$work" -cf "$out.new" manifest.json config.json layer.tar
  mv "$out.new" "$out"
  rm -rf "$work"
  say "made $1 ($(du -m "$out" | cut -f1) MB)"
}

of_one_binary() {
  local folder
  folder=$(mktemp -d)
  chmod 755 "$folder"
  install "$2" "$folder/"
  pack "$1" "$folder" "{\"Entrypoint\":[\"/$(basename "$2")\"]}"
  rm -rf "$folder"
}

# In a mount namespace of its own, so that no mount stays behind.
engine() { unshare --mount buildah --root "$CACHE/store" --runroot "$CACHE/store-run" --storage-driver overlay "$@"; }

# Take in what was made since, so that FROM finds it.
offer_bases() {
  local file mark
  for file in "$IMAGES"/*.tar; do
    mark=$CACHE/store/.taken-$(basename "$file")
    [ "$mark" -nt "$file" ] || { engine pull -q "docker-archive:$file" >/dev/null; touch "$mark"; }
  done
}

command=${1-}
shift || true
case $command in
  system)
    [ -e "$(archive_of local/pause:1)" ] || of_one_binary local/pause:1 "$BIN/pause"
    [ "$(archive_of local/coredns:1)" -nt "$BIN/coredns" ] || of_one_binary local/coredns:1 "$BIN/coredns" ;;
  base)
    name=$1 suite=$2 packages=$3
    [ ! -e "$(archive_of "$name")" ] || exit 0
    need debootstrap
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    say "debootstrap $suite"
    debootstrap --variant=minbase --include="$packages" "$suite" "$folder/tree" >"$folder/log" 2>&1 ||
      { tail "$folder/log" >&2; die "debootstrap failed"; }
    # Where the usual Python images have it.
    [ ! -e "$folder/tree/usr/bin/python3" ] || chroot "$folder/tree" python3 -m venv /usr/local
    rm -rf "$folder"/tree/var/{cache/apt,lib/apt/lists,log}/* "$folder"/tree/usr/share/{doc,man,locale}/* \
      "$folder"/tree/etc/{resolv.conf,hostname}
    pack "$name" "$folder/tree" '{"Env":["PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin","LANG=C.UTF-8"],"Cmd":["sh"]}' ;;
  build)
    name=$1 folder=$2
    shift 2
    need buildah ca-certificates
    offer_bases
    # The machine's trusted authorities for the RUN lines; nothing of them stays in the image.
    engine bud --isolation chroot --pull-never --layers --quiet \
      -v /etc/ssl/certs/ca-certificates.crt:/etc/ssl/certs/ca-certificates.crt:ro -t "docker.io/$name" "$@" "$folder" >&2
    out=$(archive_of "$name")
    rm -f "$out.new"
    engine push -q "docker.io/$name" "docker-archive:$out.new:$name"
    mv "$out.new" "$out"
    touch "$CACHE/store/.taken-$(basename "$out")"
    say "made $name ($(du -m "$out" | cut -f1) MB)"
    ! up || load "$out" ;;
  load)
    [ $# -gt 0 ] || set -- "$IMAGES"/*.tar
    load "$@" ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
