package report

import (
	"fmt"
	"io"

	"github.com/pushboat/pushboat/internal/manifest"
)

// maxWarned is how many warnings are shown of one plan or deploy; those that differ
// only in names count as one.
const maxWarned = 20

// printWarnings writes warnings, many that differ only in names as one.
func WriteWarnings(w io.Writer, warnings manifest.Problems) {
	groups := gather(warnings)
	for i, a := range groups {
		if i == maxWarned {
			fmt.Fprintf(w, "warning: and %d more\n", len(groups)-i)
			return
		}
		a.print(w, "warning")
	}
}
