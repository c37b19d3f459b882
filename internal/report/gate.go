package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// maxNames is how many apps are named that come or leave with a push.
const maxNames = 10

func WriteApps(w io.Writer, what string, names []string) {
	if len(names) == 0 {
		return
	}
	shown := strings.Join(names[:min(len(names), maxNames)], ", ")
	if more := len(names) - maxNames; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	fmt.Fprintf(w, "%s %s: %s\n", manifest.Plural(len(names), "app"), what, shown)
}
