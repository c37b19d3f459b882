// Pushboat is a self-hosted SSH Git server that deploys to Kubernetes.
package main

import (
	"fmt"
	"os"
)

// version is stamped by the build.
var version = "dev"

func main() {
	if err := newRoot(version).Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
		os.Exit(1)
	}
}
