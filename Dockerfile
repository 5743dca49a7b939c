# syntax=docker/dockerfile:1
# Two targets: "production" (the default) holds the program alone and runs as
# nobody; "development" holds the source and the Go tools, and rebuilds when
# the source changes. .ci/dockerfile replays the stages that build.
ARG GO_VERSION=1.26

FROM golang:${GO_VERSION}-bookworm AS source
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .

FROM source AS build
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X flowgate/internal/app.Version=${VERSION}" -o /out/flowgate ./cmd/flowgate
RUN mkdir -p /out/data && chmod 0700 /out/data
RUN /out/flowgate version

FROM source AS development
ENV HOST=0.0.0.0 DATA_DIR=/data ENVIRONMENT=development HOME=/home/dev
RUN useradd --uid 65532 --create-home --home-dir /home/dev dev && mkdir -p /data && chown -R dev:dev /data /src && chmod 0700 /data
USER dev
RUN go build -o /home/dev/flowgate ./cmd/flowgate
EXPOSE 8000
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 CMD ["/home/dev/flowgate", "healthcheck"]
CMD ["make", "dev"]

FROM gcr.io/distroless/static-debian12:nonroot AS production
LABEL org.opencontainers.image.title="flowgate" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /out/flowgate /usr/local/bin/flowgate
COPY --from=build --chown=65532:65532 /out/data /data
ENV HOST=0.0.0.0 DATA_DIR=/data
USER 65532:65532
WORKDIR /data
EXPOSE 8000 50051
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/flowgate", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/flowgate"]
CMD ["serve"]
