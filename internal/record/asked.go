package record

import (
	"encoding/json"
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
	TakeOver bool   // stop other tools that deploy the same
	Skip     bool   // do not deploy
	Override string // why to deploy although a window is closed; "" to wait for it
	Signed   Signed // who signed, for the records
	// Leaving are apps of a branch that selects clusters whose removal was confirmed.
	Leaving []name.App
	// Keeping are apps that leave the branch, and whose objects stay on their clusters.
	Keeping []name.App
}

// Signed is who signed a push.
type Signed struct {
	Commits Signers     `json:"commits,omitempty"` // where a rule asks for that
	Push    *PushSigner `json:"push,omitempty"`    // nil: the push itself was not signed
}

// Any reports whether anybody has signed.
func (s Signed) Any() bool { return len(s.Commits) > 0 || s.Push != nil }

// The words of a reason, of signers, and of apps with commas between begin with these.
const (
	overrideWord = "override="
	takeOverWord = "take-over"
	signedWord   = "signed="
	leavingWord  = "leaving="
	keepingWord  = "keeping="
)

// maxAskedSigners bounds the signers of commits that are kept.
const maxAskedSigners = 100

// Any reports whether there is something to keep.
func (a Asked) Any() bool {
	return a.Force || a.TakeOver || a.Skip || a.Override != "" || a.Signed.Any() || len(a.Leaving)+len(a.Keeping) > 0
}

// String returns the form that ParseAsked reads.
func (a Asked) String() string {
	words := []string{string(a.Revision)}
	if a.Force {
		words = append(words, "force")
	}
	if a.TakeOver {
		words = append(words, takeOverWord)
	}
	if a.Skip {
		words = append(words, "skip")
	}
	if a.Override != "" {
		words = append(words, overrideWord+url.QueryEscape(a.Override))
	}
	if signed := a.Signed; signed.Any() {
		signed.Commits = signed.Commits[:min(len(signed.Commits), maxAskedSigners)]
		text, _ := json.Marshal(signed) // never fails: it has texts and numbers
		words = append(words, signedWord+url.QueryEscape(string(text)))
	}
	if len(a.Leaving) > 0 {
		words = append(words, leavingWord+name.Join(a.Leaving, ","))
	}
	if len(a.Keeping) > 0 {
		words = append(words, keepingWord+name.Join(a.Keeping, ","))
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
		case word == takeOverWord:
			a.TakeOver = true
		case word == "skip":
			a.Skip = true
		case strings.HasPrefix(word, leavingWord):
			a.Leaving = parseApps(word[len(leavingWord):])
		case strings.HasPrefix(word, keepingWord):
			a.Keeping = parseApps(word[len(keepingWord):])
		case strings.HasPrefix(word, overrideWord):
			a.Override, _ = url.QueryUnescape(word[len(overrideWord):]) // a damaged reason is none
		case strings.HasPrefix(word, signedWord):
			a.Signed = parseSigned(word[len(signedWord):])
		}
	}
	return a
}

// parseApps reads names with commas between; what is no name is left out.
func parseApps(word string) (apps []name.App) {
	for text := range strings.SplitSeq(word, ",") {
		if app, err := name.ParseApp(text); err == nil {
			apps = append(apps, app)
		}
	}
	return apps
}

// parseSigned reads who signed; damaged text names nobody.
func parseSigned(word string) (s Signed) {
	text, err := url.QueryUnescape(word)
	if err != nil || json.Unmarshal([]byte(text), &s) != nil {
		return Signed{}
	}
	return s
}
