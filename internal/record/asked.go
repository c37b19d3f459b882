package record

import (
	"net/url"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// Asked is what a pusher asked for with a revision, besides deploying it. It is stored
// with the branch before Git moves it, so that a server that is killed does the same
// when it starts again.
type Asked struct {
	Revision name.Revision
	Force    bool   // recreate objects that cannot be changed in place
	Skip     bool   // do not deploy
	Override string // why to deploy although a window is closed; "" to wait for it
}

// overrideWord begins the word of a reason.
const overrideWord = "override="

// Any reports whether there is something to keep.
func (a Asked) Any() bool { return a.Force || a.Skip || a.Override != "" }

// String returns the form that ParseAsked reads.
func (a Asked) String() string {
	words := []string{string(a.Revision)}
	if a.Force {
		words = append(words, "force")
	}
	if a.Skip {
		words = append(words, "skip")
	}
	if a.Override != "" {
		words = append(words, overrideWord+url.QueryEscape(a.Override))
	}
	return strings.Join(words, " ")
}

// ParseAsked reads the output of String. It ignores unknown words, which a later
// version may have written.
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
		case strings.HasPrefix(word, overrideWord):
			a.Override, _ = url.QueryUnescape(word[len(overrideWord):]) // a damaged reason is none
		}
	}
	return a
}
