# Pushboat in a container: the server, the programs that Git's hooks run and
# that decrypts, and Git itself. Nothing else is needed at run time.
#
#     docker build -t pushboat .
#     docker run -p 2222:2222 -v pushboat:/data -v "$PWD/etc:/etc/pushboat:ro" \
#         pushboat --kubeconfig /etc/pushboat/kubeconfig \
#                  --admin-key /etc/pushboat/ana.pub

FROM golang:1.26-alpine AS build
WORKDIR /src
# The modules first: they change less often than the code.
COPY go.mod go.sum ./
COPY cmd/pushboat-sops/go.mod cmd/pushboat-sops/go.sum cmd/pushboat-sops/
RUN go mod download && go -C cmd/pushboat-sops mod download
COPY cmd cmd
COPY hooks hooks
COPY internal internal
COPY repos repos
ARG VERSION=dev
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
RUN go build -ldflags "-s -w -X main.version=${VERSION}" -o /out/ \
    ./cmd/pushboat ./cmd/pushboat-hook \
 && go -C ./cmd/pushboat-sops build -ldflags "-s -w" -o /out/ .

FROM alpine:3.22
RUN apk add --no-cache git ca-certificates \
 && adduser -D -H -u 10001 -h /data pushboat \
 && install -d -o pushboat -g pushboat -m 0700 /data
COPY --from=build /out/pushboat /out/pushboat-hook /out/pushboat-sops /usr/local/bin/
USER 10001:10001
VOLUME /data
EXPOSE 2222 8080
ENTRYPOINT ["/usr/local/bin/pushboat", "serve", "--data", "/data", "--ssh", ":2222", "--http", ":8080"]
