package meaning

import (
	"bytes"
	"path"
	"regexp"
)

var (
	// topKind is the kind of an object, or the beginning of one in the syntax of JSON.
	topKind = regexp.MustCompile(`(?m)^["']?kind["']?\s*:|^\{|\A\s*\{`)
	// something is a line that is neither empty, nor a comment, nor a mark between documents.
	something = regexp.MustCompile(`(?m)^\s*(?:[^#\s-]|-[^-])`)
)

// IsForeign reports whether a file among manifests in YAML is none itself, as values of a chart and
// short kustomizations are. Argo CD leaves out one that does not begin with an object, and does not
// look like one.
func IsForeign(name string, text []byte) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml":
	default:
		return false
	}
	looks := true
	for _, mark := range []string{"apiVersion:", "kind:", "metadata:"} {
		looks = looks && bytes.Contains(text, []byte(mark))
	}
	return !looks && !topKind.Match(text) && something.Match(text)
}
