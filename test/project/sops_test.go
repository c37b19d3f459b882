package project

import (
	"strings"
	"testing"
)

// TestBothEndsOfDecryptionAgree: the server and pushboat-sops are in different modules, and
// each has a copy of the types of their messages.
func TestBothEndsOfDecryptionAgree(t *testing.T) {
	_, server, _ := strings.Cut(read(t, "internal/render/secrets/wire.go"), "\n")
	_, program, _ := strings.Cut(read(t, "cmd/pushboat-sops/wire.go"), "\n")
	if server != program || len(server) < 1000 {
		t.Error("internal/render/secrets/wire.go and cmd/pushboat-sops/wire.go differ in more than the name of the package")
	}
}

// TestDecryptionIsBuiltAlike: each way to build pushboat-sops leaves out the same, or the
// program differs by a quarter of its size and its packages are compiled twice.
func TestDecryptionIsBuiltAlike(t *testing.T) {
	for _, file := range []string{"Makefile", "Dockerfile", ".ci/dist", "test/server/build.go"} {
		if !strings.Contains(read(t, file), "disable_grpc_modules") {
			t.Errorf("%s builds pushboat-sops without the tag disable_grpc_modules", file)
		}
	}
}
