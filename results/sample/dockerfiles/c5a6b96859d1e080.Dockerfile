# GOROOT layout: override
FROM localhost/lab/base:bookworm-go-1.22.10 AS toolchain

FROM localhost/lab/base:bookworm AS build
COPY --from=toolchain /usr/local/go /opt/go
ENV GOROOT=/opt/go
ENV PATH=$GOROOT/bin:$PATH
ENV GOTOOLCHAIN=local
ENV GOFLAGS=-mod=mod
ENV CGO_ENABLED=0
ENV GOCACHE=/var/cache/lab-go-build
WORKDIR /src
COPY go.mod ./
COPY third_party ./third_party
RUN read begin rest < /proc/uptime \
 && cd /src/third_party/dep && go build -trimpath ./... \
 && read end rest < /proc/uptime \
 && spent=$(( ${end%.*}${end#*.} - ${begin%.*}${begin#*.} )) \
 && printf '::lab-mark dependencies %d.%02d\n' $(( spent / 100 )) $(( spent % 100 ))
ENV LAB_SETTING=0
COPY internal ./internal
COPY cmd ./cmd
ARG VERSION=dev
RUN read begin rest < /proc/uptime \
 && cd /src && go build -trimpath -ldflags "-X main.version=$VERSION" -o /out/app ./cmd/app \
 && read end rest < /proc/uptime \
 && spent=$(( ${end%.*}${end#*.} - ${begin%.*}${begin#*.} )) \
 && printf '::lab-mark build %d.%02d\n' $(( spent / 100 )) $(( spent % 100 ))

FROM localhost/lab/base:bookworm AS runtime
COPY --from=build /out/app /usr/local/bin/app
CMD ["/usr/local/bin/app"]
