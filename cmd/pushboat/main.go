// Pushboat is a self-hosted SSH Git server that deploys to Kubernetes.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/server"
)

// Exit statuses. Only plan uses that for changes, for scripts.
const (
	exitError   = 1
	exitChanges = 2
)

func main() {
	err := newRoot(thisBuild()).Execute()
	switch {
	case err == nil:
	case errors.Is(err, server.ErrChanges):
		os.Exit(exitChanges)
	default:
		complain(os.Stderr, err)
		os.Exit(exitError)
	}
}

// complain writes an error, or each of those that it joins, with the next thing to try.
func complain(w io.Writer, err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			complain(w, one)
		}
		return
	}
	fmt.Fprintln(w, "error: "+err.Error())
	fmt.Fprint(w, report.Hints(report.AsProblem(err).Hint))
}
