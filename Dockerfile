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
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    deploy/compile.sh program /qewd

FROM compiler AS handlers
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    deploy/compile.sh example /example

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
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/local/bin/qewd", "healthcheck"]
LABEL org.opencontainers.image.title="qewd" \
      org.opencontainers.image.description="One program that runs as orchestrator or microservice and routes requests to WebAssembly handlers"
ENTRYPOINT ["/usr/local/bin/qewd"]
