#!/bin/sh
# What the stages of the Dockerfile compile: `program FILE` for the processor $TARGETARCH, or `example FOLDER`.
set -eu
what=$1
to=$2

program() {
  case "${TARGETARCH:-$(dpkg --print-architecture)}" in
    amd64) processor=x86_64 package=x86-64 ;;
    arm64) processor=aarch64 package=aarch64 ;;
    *) echo "qewd is built for amd64 and arm64, not for $TARGETARCH" >&2; exit 1 ;;
  esac
  target=$processor-unknown-linux-gnu
  if [ "$(uname -m)" != "$processor" ]; then
    apt-get update
    apt-get install -y --no-install-recommends "gcc-$package-linux-gnu" "g++-$package-linux-gnu"
    linker=CARGO_TARGET_$(echo "$target" | tr a-z- A-Z_)_LINKER
    export "$linker=$processor-linux-gnu-gcc"
  fi
  rustup target add "$target"
  # glibc is linked into the program; with the image's /etc/nsswitch.conf it finds names without any library.
  RUSTFLAGS="-C target-feature=+crt-static" CARGO_PROFILE_RELEASE_STRIP=symbols \
    cargo build --release --locked --package qewd --bin qewd --target "$target"
  cp "target/$target/release/qewd" "$to"
}

example() {
  rustup target add wasm32-wasip2
  for host in orchestrator login_service info_service db_service; do
    cargo build --release --locked --target wasm32-wasip2 --package "example-$(echo $host | tr _ -)"
    mkdir -p "$to/handlers/$host"
    cp "target/wasm32-wasip2/release/$host.wasm" "$to/handlers/$host/"
  done
  cp -r configuration www "$to/"
}

case $what in
  program) program ;;
  example) example ;;
  *) echo "use: compile.sh program FILE, or compile.sh example FOLDER" >&2; exit 2 ;;
esac
