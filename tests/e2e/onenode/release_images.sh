#!/usr/bin/env bash
# Every image that a release of the dev profile needs, made here and loaded into the one-node cluster (values.yaml).
set -euo pipefail
. "$(dirname "$0")/env.sh"
images=$HERE/images.sh

"$images" base local/python:3.11-slim bookworm python3,python3-venv,ca-certificates
"$images" base local/debian:trixie trixie ca-certificates

# made NAME FOLDER: unless it was made from the same files before.
stand_in() {
  local name=local/$1:e2e mark=$IMAGES/.$1 wanted
  wanted=$(find "$2" -type f | LC_ALL=C sort | xargs cat | cksum)
  if [ "$(cat "$mark" 2>/dev/null)" != "$wanted" ]; then
    "$images" build "$name" "$2"
    echo "$wanted" >"$mark"
  fi
}
for name in timescaledb valkey prometheus; do stand_in $name "$HERE/images/$name"; done
kafka=$(mktemp -d)
trap 'rm -rf "$kafka"' EXIT
cp -r "$HERE/images/kafka/." "$kafka"
version=$(sed -n 's/^KAFKA_VERSION=//p' "$ROOT/scripts/install.sh")
cp -r "${XDG_CACHE_HOME:-$HOME/.cache}/hedgerow/kafka-$version" "$kafka/libs"
stand_in kafka "$kafka"

kernels=none
! ls "$ROOT"/.run/wheels/*.whl >/dev/null 2>&1 || kernels=prebuilt
for target in worker operator; do
  name=local/hedgerow:e2e
  [ $target = worker ] || name=local/hedgerow-operator:e2e
  "$images" build $name "$ROOT" --build-arg BASE=local/python:3.11-slim --build-arg KERNELS=$kernels --target $target
done
"$images" load "$IMAGES"/local_{kafka,timescaledb,valkey,prometheus}_e2e.tar
