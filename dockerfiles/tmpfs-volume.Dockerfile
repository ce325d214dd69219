# GOROOT layout: tmpfs-volume, Go 1.22.10
FROM localhost/lab/base:debian-bookworm-go1.22.10 AS toolchain

FROM localhost/lab/base:debian-bookworm AS build
COPY --from=toolchain /usr/local/go /opt/lab-toolchain
ENV GOROOT=/opt/go
ENV PATH=$GOROOT/bin:$PATH
ENV GOTOOLCHAIN=local
ENV GOFLAGS=-mod=mod
ENV CGO_ENABLED=0
ENV GOCACHE=/var/cache/lab-go-build
RUN mkdir -p "$GOROOT" /out
WORKDIR /src
COPY go.mod ./
COPY third_party ./third_party
ENV LAB_SETTING=0
COPY internal ./internal
COPY cmd ./cmd
ARG VERSION=dev
ENV VERSION=$VERSION
