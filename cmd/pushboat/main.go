// Pushboat is a self-hosted SSH Git server that deploys to Kubernetes.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/pushboat/pushboat/internal/app"
)

// version is stamped by the build.
var version = "dev"

// Exit statuses. That of changes is plan's alone, for scripts.
const (
	exitError   = 1
	exitChanges = 2
)

func main() {
	err := newRoot(version).Execute()
	switch {
	case err == nil:
	case errors.Is(err, app.ErrChanges):
		os.Exit(exitChanges)
	default:
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
		os.Exit(exitError)
	}
}
