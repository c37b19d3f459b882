package git

import "fmt"

// maxQuoted is how many bytes of a text an error repeats at most.
const maxQuoted = 100

// quoteShort quotes a client's bytes for a message, cut so that a name of a
// megabyte does not come back as a message of one.
func quoteShort(s string) string {
	if len(s) > maxQuoted+20 {
		return fmt.Sprintf("%q...", s[:maxQuoted])
	}
	return fmt.Sprintf("%q", s)
}
