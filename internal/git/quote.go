package git

import "fmt"

// maxQuoted bounds the part of a text that an error repeats, in bytes.
const maxQuoted = 100

// quoteShort quotes a client's bytes for a message, and cuts them, so that a name of a
// megabyte does not make a message of one.
func quoteShort(s string) string {
	if len(s) > maxQuoted+20 {
		return fmt.Sprintf("%q...", s[:maxQuoted])
	}
	return fmt.Sprintf("%q", s)
}
