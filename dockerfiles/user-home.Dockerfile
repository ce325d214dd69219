# GOROOT layout: user-home, Go 1.22.10
FROM localhost/lab/base:debian-bookworm-go1.22.10 AS toolchain

FROM localhost/lab/base:debian-bookworm AS build
RUN mkdir -p /home/builder/.cache /src /out \
 && chown 1000:1000 /home/builder /home/builder/.cache /src /out
ENV HOME=/home/builder
USER 1000:1000
COPY --chown=1000:1000 --from=toolchain /usr/local/go /home/builder/sdk/go
ENV GOROOT=/home/builder/sdk/go
ENV PATH=$GOROOT/bin:$PATH
ENV GOTOOLCHAIN=local
ENV GOFLAGS=-mod=mod
ENV CGO_ENABLED=0
ENV GOCACHE=/home/builder/.cache/go-build
WORKDIR /src
COPY --chown=1000:1000 go.mod ./
COPY --chown=1000:1000 third_party ./third_party
RUN read begin rest < /proc/uptime \
 && cd /src/third_party/dep && go build -trimpath ./... \
 && read end rest < /proc/uptime \
 && spent=$(( ${end%.*}${end#*.} - ${begin%.*}${begin#*.} )) \
 && printf '::lab-mark dependencies %d.%02d\n' $(( spent / 100 )) $(( spent % 100 ))
ENV LAB_SETTING=0
COPY --chown=1000:1000 internal ./internal
COPY --chown=1000:1000 cmd ./cmd
ARG VERSION=dev
RUN read begin rest < /proc/uptime \
 && cd /src && go build -trimpath -ldflags "-X main.version=$VERSION" -o /out/app ./cmd/app \
 && read end rest < /proc/uptime \
 && spent=$(( ${end%.*}${end#*.} - ${begin%.*}${begin#*.} )) \
 && printf '::lab-mark build %d.%02d\n' $(( spent / 100 )) $(( spent % 100 ))

FROM localhost/lab/base:debian-bookworm AS runtime
COPY --from=build /out/app /usr/local/bin/app
CMD ["/usr/local/bin/app"]
