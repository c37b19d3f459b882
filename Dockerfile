# Pushboat in a container: the server, the programs that Git's hooks run and
# that decrypts, and Git itself. Nothing else is needed at run time.
#
#     docker build -t pushboat .
#     docker run -p 2222:2222 -v pushboat:/data -v "$PWD/etc:/etc/pushboat:ro" \
#         pushboat --kubeconfig /etc/pushboat/kubeconfig \
#                  --admin-key /etc/pushboat/ana.pub
#
# For amd64 and arm64 at once, with the version in it, and so that the same
# commit and the same base images make the same image (name those by digest):
#
#     docker buildx build --platform linux/amd64,linux/arm64 \
#         --build-arg VERSION=$(git describe --tags --always) \
#         --build-arg COMMIT=$(git rev-parse HEAD) \
#         --build-arg DATE=$(git log -1 --format=%cI) \
#         --build-arg SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) \
#         --build-arg GO_IMAGE=golang:1.26-alpine@sha256:... \
#         --build-arg BASE_IMAGE=alpine:3.22@sha256:... \
#         --output type=image,name=pushboat,rewrite-timestamp=true .

ARG GO_IMAGE=golang:1.26-alpine
ARG BASE_IMAGE=alpine:3.22

# On the machine that builds, whatever machine it builds for.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
# The modules first: they change less often than the code.
COPY go.mod go.sum ./
COPY cmd/pushboat-sops/go.mod cmd/pushboat-sops/go.sum cmd/pushboat-sops/
RUN go mod download && go -C cmd/pushboat-sops mod download
COPY cmd cmd
COPY config config
COPY hooks hooks
COPY internal internal
COPY repos repos
ARG VERSION=dev
ARG COMMIT=
ARG DATE=
ARG TARGETOS
ARG TARGETARCH
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false" GOOS=${TARGETOS} GOARCH=${TARGETARCH}
RUN go build -ldflags "-s -w -X main.version=${VERSION} -X main.commit=${COMMIT} -X main.date=${DATE}" -o /out/ \
    ./cmd/pushboat ./cmd/pushboat-hook \
 && go -C ./cmd/pushboat-sops build -tags disable_grpc_modules -ldflags "-s -w" -o /out/ .

FROM ${BASE_IMAGE}
# The user is written as it is: adduser would write the day beside it.
RUN apk add --no-cache git ca-certificates \
 && echo 'pushboat:x:10001:10001::/data:/sbin/nologin' >>/etc/passwd \
 && echo 'pushboat:x:10001:' >>/etc/group \
 && install -d -o 10001 -g 10001 -m 0700 /data
COPY --from=build /out/pushboat /out/pushboat-hook /out/pushboat-sops /usr/local/bin/
USER 10001:10001
VOLUME /data
EXPOSE 2222 8080
ENTRYPOINT ["/usr/local/bin/pushboat", "serve", "--data", "/data", "--ssh", ":2222", "--http", ":8080"]
