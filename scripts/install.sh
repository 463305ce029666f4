#!/usr/bin/env bash
# The only way anything gets installed. Safe to run again: what is there is kept, and with nothing to do it
# takes well under a second.
#
#   scripts/install.sh           install what is missing (system packages only on Debian and Ubuntu, as root
#                                or with passwordless sudo; elsewhere it says what to install)
#   scripts/install.sh --bench   and the peers that `make bench` measures against
#   scripts/install.sh --faults   and libfaketime, with which the fault rig sets a worker's clock wrong; where it cannot
#                                be had, those scenarios are skipped, and the install goes on
#   scripts/install.sh --kubernetes   and the API server, kubectl and helm that the tests use, built with Go
#   scripts/install.sh --check   only tell what is there and what is missing; exit 1 if anything is
#
# Works with the bash 3.2 of macOS.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

KAFKA_VERSION=4.1.1
KAFKA_LIB="${XDG_CACHE_HOME:-$HOME/.cache}/hedgerow/kafka-$KAFKA_VERSION"
# TimescaleDB where the system's own packages have none: a root folder of this Debian with its packages.
TIMESCALE_ROOT="${XDG_CACHE_HOME:-$HOME/.cache}/hedgerow/timescaledb-root"
TIMESCALE_SUITE=trixie
TIMESCALE_PACKAGES="postgresql-17 postgresql-17-timescaledb"
PROMETHEUS="${XDG_CACHE_HOME:-$HOME/.cache}/hedgerow/prometheus"
UV_VERSION=0.13.8
STAMP=.run/installed
KERNELS_STAMP=.run/kernels.stamp
KERNELS_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/hedgerow/kernels"
export UV_PYTHON_DOWNLOADS=never

CHECK=no
BENCH=no
KUBERNETES=no
FAULTS=no
case "${1:-}" in
  "") ;;
  --bench) BENCH=yes ;;
  --kubernetes) KUBERNETES=yes ;;
  --faults) FAULTS=yes ;;
  --check) CHECK=yes ;;
  *) echo "usage: scripts/install.sh [--bench|--kubernetes|--faults|--check]" >&2; exit 2 ;;
esac

# --- what the system must have: each have_* answers quietly, each hint_* says what to install -------------

java_command() {
  if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then echo "$JAVA_HOME/bin/java"; else echo java; fi
}

have_java() {
  local version
  # macOS has a java that only says that there is none, so it must really answer.
  version=$("$(java_command)" -version 2>&1) || return 1
  version=$(printf '%s\n' "$version" | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  [ -n "$version" ] && [ "$version" -ge 17 ]
}

# What Debian starts on port 6379 by itself is left alone: the stack runs its own on free ports.
# Debian has sharded pub/sub since 12, Ubuntu since 23.04.
have_redis() {
  local version
  version=$({ redis-server --version || valkey-server --version; } 2>/dev/null | sed -n 's/.* v=\([0-9]*\).*/\1/p')
  [ -n "$version" ] && [ "$version" -ge 7 ]
}

have_maven() { command -v mvn >/dev/null; }
have_make() { command -v make >/dev/null; }

have_postgres() {
  local dir
  for dir in "$(pg_config --bindir 2>/dev/null || true)" /usr/lib/postgresql/*/bin \
             /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] && return 0
  done
  command -v initdb >/dev/null && command -v postgres >/dev/null
}

python_command() {
  local candidate
  for candidate in python3.11 python3.12 python3.13 python3; do
    # A name may be a shim that leads nowhere, so it must really run.
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

have_python() {
  local python
  python=$(python_command) && "$python" -c 'import venv, ensurepip' 2>/dev/null
}

SYSTEM="java maven postgres redis make python"

title() {
  case $1 in
    java) echo "JDK 17 or newer" ;;
    maven) echo "Maven (mvn)" ;;
    postgres) echo "PostgreSQL server (initdb, postgres)" ;;
    redis) echo "Redis 7 or newer (redis-server), or Valkey" ;;
    make) echo "make" ;;
    python) echo "Python 3.11 or newer with venv" ;;
  esac
}

first_in_apt() {
  local package
  for package in "$@"; do
    if [ -n "$(apt-cache madison "$package" 2>/dev/null)" ]; then echo "$package"; return 0; fi
  done
  echo "$1"
}

apt_packages() {
  case $1 in
    java) first_in_apt openjdk-21-jdk-headless openjdk-17-jdk-headless ;;
    maven) echo maven ;;
    postgres) echo postgresql ;;
    redis) first_in_apt redis-server valkey-server ;;
    make) echo make ;;
    python)
      if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || ! command -v python3 >/dev/null; then
        echo "python3 python3-venv"
      else
        local found
        found=$(first_in_apt python3.13 python3.12 python3.11)
        echo "$found $found-venv"
      fi ;;
  esac
}

brew_package() {
  case $1 in
    java) echo "--cask temurin" ;;
    maven) echo maven ;;
    postgres) echo postgresql@17 ;;
    redis) echo redis ;;
    make) echo make ;;
    python) echo python@3.13 ;;
  esac
}

missing_system() {
  local need missing=""
  for need in $SYSTEM; do "have_$need" || missing="$missing $need"; done
  echo "$missing"
}

on_apt() { command -v apt-get >/dev/null; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }

how_to_install() {
  local need
  if on_apt; then
    printf '  sudo apt-get install -y'
    for need in "$@"; do printf ' %s' "$(apt_packages "$need")"; done
    echo
  elif [ "$(uname)" = Darwin ]; then
    for need in "$@"; do echo "  brew install $(brew_package "$need")"; done
  else
    for need in "$@"; do echo "  install $(title "$need") with this system's package manager"; done
  fi
}

# --- what the checkout must have --------------------------------------------------------------------------

# Changes whenever an install would do something else: the lock, any package's metadata, this script, the jars.
wanted_stamp() {
  cat requirements.lock pyproject.toml shared/pyproject.toml local/pyproject.toml operator/pyproject.toml simulator/pyproject.toml services/*/pyproject.toml \
      scripts/kafka/pom.xml scripts/install.sh | cksum
  echo "$ROOT"
}

have_packages() {
  [ -x .venv/bin/hedgerow-local ] && [ -x .venv/bin/python ] && [ -f "$STAMP" ] && [ "$(cat "$STAMP")" = "$(wanted_stamp)" ]
}

# The kernels run native where a Rust toolchain is there to build them; their twins need nothing.
CARGO_MINOR=87

have_rust() {
  local version
  version=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\).*/\1/p')
  [ -n "$version" ] && [ "$version" -ge "$CARGO_MINOR" ]
}

kernels_hash() { find shared/kernels/src -type f -name '*.rs' | LC_ALL=C sort | xargs cat shared/kernels/*.toml shared/kernels/Cargo.lock | cksum; }

have_kernels() {
  [ -d .run/wheels ] && [ -f "$KERNELS_STAMP" ] && [ "$(cat "$KERNELS_STAMP")" = "$(kernels_hash)" ] &&
    ls .venv/lib/python3*/site-packages/hedgerow_kernels/*.so >/dev/null 2>&1
}

have_kafka() { [ -f "$KAFKA_LIB/kafka_2.13-$KAFKA_VERSION.jar" ]; }

# History is kept in TimescaleDB where it can be had, else in the plain Postgres that is here anyway.
have_timescaledb() {
  ls /usr/share/postgresql/*/extension/timescaledb.control >/dev/null 2>&1 ||
    { [ "$(id -u)" -eq 0 ] && ls "$TIMESCALE_ROOT"/usr/share/postgresql/*/extension/timescaledb.control >/dev/null 2>&1; }
}

# The newest server whose extension is packaged for this system; nothing where none is.
packaged_timescaledb() {
  apt-cache search --names-only '^postgresql-[0-9]+-timescaledb$' 2>/dev/null | cut -d' ' -f1 | sort -t- -k2 -n | tail -n 1
}

is_older_debian() { (. /etc/os-release 2>/dev/null && [ "$ID" = debian ] && [ "${VERSION_ID:-99}" -lt 13 ]); }

# How TimescaleDB can be had here: given (a server was named), package, root, or nothing.
timescaledb_way() {
  if [ -n "${HEDGEROW_HISTORY_DSN:-}" ]; then echo given
  elif ! on_apt; then return 0
  elif [ -n "$(packaged_timescaledb)" ]; then if can_be_root; then echo package; fi
  elif is_older_debian && [ "$(id -u)" -eq 0 ]; then echo root
  fi
}

have_prometheus() { command -v prometheus >/dev/null || [ -x "$PROMETHEUS/usr/bin/prometheus" ]; }

# The tests' API server is built from Go modules. A Go from 1.21 on fetches the toolchain that they ask for by itself,
# unless GOTOOLCHAIN forbids it.
GO_MINOR=26

have_go() {
  local minor
  minor=$(go version 2>/dev/null | sed -n 's/.* go1\.\([0-9]*\).*/\1/p')
  [ -n "$minor" ] || return 1
  [ "$minor" -ge "$GO_MINOR" ] || { [ "$minor" -ge 21 ] && [ "$(go env GOTOOLCHAIN)" != local ]; }
}

have_kubernetes() { scripts/kubernetes/build.sh --check; }

# --- doing it ---------------------------------------------------------------------------------------------

step() {
  local name=$1 begun=$SECONDS
  shift
  echo "==> $name"
  "$@"
  echo "    done in $((SECONDS - begun)) s"
}

install_system() {
  local need packages=""
  if ! on_apt || ! can_be_root; then
    echo "These are missing and have to be installed by you:" >&2
    for need in "$@"; do echo "  $(title "$need")" >&2; done
    echo "Run:" >&2
    how_to_install "$@" >&2
    exit 1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  for need in "$@"; do packages="$packages $(apt_packages "$need")"; done
  echo "    apt-get install$packages"
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
  for need in "$@"; do
    "have_$need" || { echo "$(title "$need") is still missing after apt-get install" >&2; exit 1; }
  done
}

# Debian's own pip refuses to install outside a virtual environment, so uv gets one of its own.
find_uv() {
  if command -v uv >/dev/null; then UV=uv; return; fi
  UV="$ROOT/.run/bootstrap/bin/uv"
  if [ "$("$UV" --version 2>/dev/null | cut -d' ' -f2)" != "$UV_VERSION" ]; then
    rm -rf .run/bootstrap
    "$(python_command)" -m venv .run/bootstrap
    .run/bootstrap/bin/python -m pip install --quiet --disable-pip-version-check "uv==$UV_VERSION"
  fi
}

install_packages() {
  find_uv
  export VIRTUAL_ENV="$ROOT/.venv"
  if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    "$UV" venv --quiet --clear --python "$(python_command)" .venv
  fi
  # Compiled here, once: a worker that must compile ccxt while it starts takes many times as long to come back.
  "$UV" pip sync --quiet --require-hashes --compile-bytecode requirements.lock
  local editable=() package
  for package in shared local operator simulator services/*; do editable+=(-e "$package"); done
  "$UV" pip install --quiet --no-deps --no-build-isolation "${editable[@]}"
}

# Built once for these sources and this compiler, for every checkout and every change of the other packages.
kernels_wheels() { echo "$KERNELS_CACHE-$(kernels_hash | cut -d' ' -f1)-$(rustc -vV | cksum | cut -d' ' -f1)"; }

install_kernels() {
  local wheels
  find_uv
  wheels=$(kernels_wheels)
  rm -f "$KERNELS_STAMP"
  if ! [ -d "$wheels" ]; then
    mkdir -p "$(dirname "$wheels")"
    .venv/bin/maturin build --quiet --release --locked --manifest-path shared/kernels/Cargo.toml \
        --interpreter .venv/bin/python --out "$wheels.$$"
    rm -rf "$wheels"
    mv "$wheels.$$" "$wheels"
  fi
  # Also where the Dockerfile takes it from.
  rm -rf .run/wheels
  cp -R "$wheels" .run/wheels
  VIRTUAL_ENV="$ROOT/.venv" "$UV" pip install --quiet --no-deps --reinstall .run/wheels/hedgerow_kernels-*.whl
  kernels_hash >"$KERNELS_STAMP"
}

# They stay beside the product's packages until the next install takes them away again.
install_peers() {
  find_uv
  VIRTUAL_ENV="$ROOT/.venv" "$UV" pip install --quiet --require-hashes -r requirements-bench.lock
}

# Copied aside and renamed, so that two checkouts never see half a folder.
install_kafka() {
  local aside="$KAFKA_LIB.$$" output
  mkdir -p "$(dirname "$KAFKA_LIB")"
  output=$(mvn -B -q -f scripts/kafka/pom.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$aside" 2>&1) || { echo "$output" >&2; exit 1; }
  rm -rf "$KAFKA_LIB"
  mv "$aside" "$KAFKA_LIB"
}

# Nothing needs it, so that an install goes on without.
install_timescaledb() {
  "install_timescaledb_$1" ||
    echo "    It could not be installed: history is kept in plain Postgres. The next install tries again." >&2
}

install_timescaledb_package() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$(packaged_timescaledb)" >/dev/null
}

# Made aside and renamed, by one install at a time, so that nobody ever sees half a root.
install_timescaledb_root() {
  local aside="$TIMESCALE_ROOT.new" log="$ROOT/.run/timescaledb.log"
  mkdir -p "$(dirname "$TIMESCALE_ROOT")"
  (
    flock 9
    ! have_timescaledb || exit 0
    clear_half_a_root "$aside"
    { command -v debootstrap || apt_get "" debootstrap; } >"$log" 2>&1 &&
      echo "    a root of Debian $TIMESCALE_SUITE in $TIMESCALE_ROOT (log: $log)" &&
      debootstrap --variant=minbase "$TIMESCALE_SUITE" "$aside" "$(apt_mirror)" >>"$log" 2>&1 &&
      echo "    $TIMESCALE_PACKAGES in it" &&
      no_servers_in "$aside" &&
      apt_get "$aside" $TIMESCALE_PACKAGES >>"$log" 2>&1 &&
      rm -rf "$aside"/var/cache/apt/archives/*.deb "$aside"/var/lib/apt/lists/* "$aside"/usr/share/doc "$aside"/usr/share/man &&
      mv "$aside" "$TIMESCALE_ROOT" || { tail -n 5 "$log" >&2; exit 1; }
  ) 9>"$TIMESCALE_ROOT.lock"
}

# An install that was interrupted leaves the kernel's own trees mounted in it, which must not be deleted into.
clear_half_a_root() {
  local root=$1 tree
  for tree in proc sys; do
    ! mountpoint -q "$root/$tree" || umount "$root/$tree"
  done
  rm -rf --one-file-system "$root"
}

# Installs packages here (root "") or in another root.
apt_get() {
  local root=$1
  shift
  set -- apt-get install -y -qq --no-install-recommends "$@"
  [ -z "$root" ] || set -- chroot "$root" "$@"
  DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
}

# Packages of a server start it and make a cluster: in the root they must do neither.
no_servers_in() {
  printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d" &&
    mkdir -p "$1/etc/postgresql-common" && echo 'create_main_cluster = false' >"$1/etc/postgresql-common/createcluster.conf"
}

# Where apt itself gets this Debian from.
apt_mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' \
    "Codename: $(. /etc/os-release && echo "$VERSION_CODENAME")" | head -n 1
}

# Unpacked beside the jars instead of installed: the package would start a server of its own on this machine.
install_prometheus() {
  local aside="$PROMETHEUS.$$"
  mkdir -p "$aside"
  [ -n "$(apt-cache madison prometheus 2>/dev/null)" ] || ! can_be_root || as_root apt-get update -qq
  if ! (cd "$aside" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb); then
    rm -rf "$aside"
    echo "    apt offers no prometheus here: the local stack runs without metrics over time"
    return
  fi
  rm -rf "$PROMETHEUS"
  mv "$aside" "$PROMETHEUS"
}

install_kubernetes() {
  if ! have_go; then
    echo "Go 1.$GO_MINOR or newer is missing; the tests' API server is built with it." >&2
    if [ "$(uname)" = Darwin ]; then echo "Run: brew install go" >&2
    else echo "Get it from https://go.dev/dl (Debian's own is older), and put its bin folder on PATH." >&2; fi
    echo "Or set KUBEBUILDER_ASSETS to a folder with kube-apiserver, etcd and kubectl." >&2
    exit 1
  fi
  scripts/kubernetes/build.sh
}

check() {
  local need missing=0
  for need in $SYSTEM; do
    if "have_$need"; then echo "  ok       $(title "$need")"
    else echo "  missing  $(title "$need"):"; how_to_install "$need" | sed 's/^/         /'; missing=1; fi
  done
  if have_packages; then echo "  ok       Python packages as locked (.venv)"
  else echo "  missing  Python packages as locked (.venv): scripts/install.sh installs them"; missing=1; fi
  if have_kernels; then echo "  ok       native kernels (hedgerow-kernels)"
  elif have_rust; then echo "  missing  native kernels: scripts/install.sh builds them"; missing=1
  else echo "  optional native kernels: no Rust toolchain (cargo 1.$CARGO_MINOR or newer), so the slower NumPy twins run"; fi
  if have_timescaledb; then echo "  ok       TimescaleDB for history"
  else
    case $(timescaledb_way) in
      given) echo "  ok       history is kept where HEDGEROW_HISTORY_DSN says" ;;
      "") echo "  optional TimescaleDB: this system has no package of it, so history is kept in plain Postgres" ;;
      *) echo "  missing  TimescaleDB for history: scripts/install.sh installs it"; missing=1 ;;
    esac
  fi
  if have_kafka; then echo "  ok       Kafka $KAFKA_VERSION jars ($KAFKA_LIB)"
  else echo "  missing  Kafka $KAFKA_VERSION jars: scripts/install.sh fetches them with Maven"; missing=1; fi
  if have_prometheus; then echo "  ok       Prometheus"
  elif on_apt; then echo "  missing  Prometheus: scripts/install.sh unpacks it"; missing=1
  else echo "  optional Prometheus: put it on PATH, and the local stack runs it"; fi
  if have_kubernetes; then echo "  ok       API server, kubectl and helm for the tests ($(scripts/kubernetes/build.sh --folder))"
  elif have_go; then echo "  optional API server, kubectl and helm: make test builds them, some minutes, once"
  else echo "  optional API server, kubectl and helm: make test builds them with Go 1.$GO_MINOR or newer, which is missing"; fi
  return $missing
}

have_faketime() { ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1; }

# Preloaded into a worker by tests only; nothing of the product links to it. Without it those tests skip.
install_faketime() {
  if on_apt && can_be_root; then
    # Lists of packages may be missing or old.
    if apt_faketime >/dev/null 2>&1 || { as_root apt-get update -qq && apt_faketime >/dev/null; }; then return; fi
  fi
  echo "    libfaketime could not be installed: scenarios with a worker's wrong clock are skipped" >&2
}

apt_faketime() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libfaketime
}

if [ "$CHECK" = yes ]; then
  check
  exit
fi

mkdir -p .run
SECONDS=0
MISSING=$(missing_system)
# shellcheck disable=SC2086
[ -z "$MISSING" ] || step "System packages" install_system $MISSING
if ! have_packages; then
  rm -f "$STAMP"
  step "Python packages (.venv)" install_packages
  wanted_stamp >"$STAMP"
fi
if ! have_kernels; then
  if have_rust; then step "Native kernels" install_kernels
  else echo "==> No Rust toolchain (cargo 1.$CARGO_MINOR or newer): the slower NumPy twins of the kernels run."; fi
fi
[ "$BENCH" = no ] || step "Peers for the benchmarks" install_peers
have_kafka || step "Kafka $KAFKA_VERSION jars" install_kafka
if ! have_timescaledb; then
  WAY=$(timescaledb_way)
  case $WAY in
    given) ;;
    "") echo "==> No TimescaleDB can be had here: history is kept in plain Postgres." ;;
    *) step "TimescaleDB for history" install_timescaledb "$WAY" ;;
  esac
fi
have_prometheus || ! on_apt || step "Prometheus" install_prometheus
[ "$FAULTS" = no ] || have_faketime || step "Wrong clocks for the fault rig" install_faketime
[ "$KUBERNETES" = no ] || have_kubernetes || step "API server, kubectl, helm" install_kubernetes
echo "Installed (${SECONDS} s)."
