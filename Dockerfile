# Pushboat in a container: the server, the program that Git's hooks run, and
# Git itself. Nothing else is needed at run time.
#
#     docker build -t pushboat .
#     docker run -p 2222:2222 -v pushboat:/data -v "$PWD/etc:/etc/pushboat:ro" \
#         pushboat --kubeconfig /etc/pushboat/kubeconfig \
#                  --admin-key /etc/pushboat/ana.pub

FROM golang:1.26-alpine AS build
WORKDIR /src
# The modules first: they change less often than the code.
COPY go.mod go.sum ./
RUN go mod download
COPY cmd cmd
COPY hooks hooks
COPY internal internal
COPY repos repos
ARG VERSION=dev
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false"
RUN go build -ldflags "-s -w -X main.version=${VERSION}" -o /out/ \
    ./cmd/pushboat ./cmd/pushboat-hook

FROM alpine:3.22
RUN apk add --no-cache git ca-certificates \
 && adduser -D -H -u 10001 -h /data pushboat \
 && install -d -o pushboat -g pushboat -m 0700 /data
COPY --from=build /out/pushboat /out/pushboat-hook /usr/local/bin/
USER 10001:10001
VOLUME /data
EXPOSE 2222 8080
ENTRYPOINT ["/usr/local/bin/pushboat", "serve", "--data", "/data", "--ssh", ":2222", "--http", ":8080"]
