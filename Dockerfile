# The image with everything built inside: nothing but Docker is needed. docs/containers.md leads through it.
#
#   docker build -t qewd .                                        for this machine
#   docker buildx build --platform linux/arm64 -t qewd --load .   for a Raspberry Pi (64 bits), built on any machine
#   docker build --target example --output ~/ms-db .              the example application with its handlers, as a folder

# The compiler runs on the machine that builds, also when the image is for another processor.
FROM --platform=$BUILDPLATFORM docker.io/library/rust:1.95.0-bookworm AS compiler
WORKDIR /source
# The folder names its compiler and that compiler's targets; this brings them once, before the sources change.
COPY rust-toolchain.toml ./
RUN rustup show

FROM compiler AS build
ARG TARGETARCH
COPY . .
# glibc is linked into the program; with the file /etc/nsswitch.conf of the image it finds names without any library.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target <<'SCRIPT'
set -eu
case "${TARGETARCH:-$(dpkg --print-architecture)}" in
  amd64) processor=x86_64 package=x86-64 ;;
  arm64) processor=aarch64 package=aarch64 ;;
  *) echo "qewd is built for amd64 and arm64, not for ${TARGETARCH}" >&2; exit 1 ;;
esac
target=$processor-unknown-linux-gnu
if [ "$(uname -m)" != "$processor" ]; then
  apt-get update
  apt-get install -y --no-install-recommends "gcc-$package-linux-gnu" "g++-$package-linux-gnu"
  linker=CARGO_TARGET_$(echo "$target" | tr a-z- A-Z_)_LINKER
  export "$linker=$processor-linux-gnu-gcc"
fi
rustup target add "$target"
RUSTFLAGS="-C target-feature=+crt-static" CARGO_PROFILE_RELEASE_STRIP=symbols \
  cargo build --release --locked --package qewd --bin qewd --target "$target"
cp "target/$target/release/qewd" /qewd
SCRIPT

FROM compiler AS handlers
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target <<'SCRIPT'
set -eu
for host in orchestrator login_service info_service db_service; do
  cargo build --release --locked --target wasm32-wasip2 --package "example-$(echo $host | tr _ -)"
  mkdir -p "/example/handlers/$host"
  cp "target/wasm32-wasip2/release/$host.wasm" "/example/handlers/$host/"
done
cp -r configuration www /example/
SCRIPT

# An application folder, for `--output`; it is no image to run.
FROM scratch AS example
COPY --from=handlers /example/ /

# Below this line `deploy/Dockerfile.prebuilt` is the same but for where the two files come from.
FROM scratch AS image
COPY --from=build /qewd /usr/local/bin/qewd
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY deploy/image/etc/ /etc/
# A new named volume takes over owner and mode.
COPY --chown=65532:65532 deploy/image/opt/qewd/data/ /opt/qewd/data/
WORKDIR /opt/qewd/mapped
# The program begins as root only to become the owner of the mapped folder: docs/containers.md, "Who it runs as".
ENV QEWD_RUN_AS=owner
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/usr/local/bin/qewd", "healthcheck"]
LABEL org.opencontainers.image.title="qewd" \
      org.opencontainers.image.description="One program that runs as orchestrator or microservice and routes requests to WebAssembly handlers"
ENTRYPOINT ["/usr/local/bin/qewd"]
