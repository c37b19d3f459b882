package record

import (
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// Asked is what a pusher asked for with a revision, beyond its being deployed. It
// is kept with the branch before Git moves it, so that a server which is killed
// then does the same when it starts again.
type Asked struct {
	Revision name.Revision
	Force    bool // recreate what cannot be changed in place
	Skip     bool // do not deploy
}

// Any reports whether there is something to keep.
func (a Asked) Any() bool { return a.Force || a.Skip }

// String is what ParseAsked reads.
func (a Asked) String() string {
	words := []string{string(a.Revision)}
	if a.Force {
		words = append(words, "force")
	}
	if a.Skip {
		words = append(words, "skip")
	}
	return strings.Join(words, " ")
}

// ParseAsked reads what String has written. Words that it does not know, of a
// later version perhaps, are passed over.
func ParseAsked(text string) Asked {
	var a Asked
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			revision, err := name.ParseRevision(word)
			if err != nil {
				return Asked{}
			}
			a.Revision = revision
		case word == "force":
			a.Force = true
		case word == "skip":
			a.Skip = true
		}
	}
	return a
}
