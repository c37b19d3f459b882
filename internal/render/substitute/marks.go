package substitute

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
)

// mark stands behind a name that was written alone and without quotes, from the reading
// of the file until the name is replaced: renderers pass values on as JSON, which does
// not preserve quoting. It is a character that nobody else uses (U+E000, private).
const mark = "\uE000"

// Marks puts marks behind names. The nil Marks mark nothing.
type Marks struct {
	names map[string]bool
	lines *regexp.Regexp
}

// NewMarks returns Marks for some names; nil for none.
func NewMarks(names []string) *Marks {
	if len(names) == 0 {
		return nil
	}
	m := &Marks{names: map[string]bool{}}
	for _, name := range names {
		m.names[name] = true
	}
	m.lines = regexp.MustCompile(`(?m)^(.*[:-][ \t]+)\$\{(` + strings.Join(names, "|") + `)\}([ \t]*(?:[ \t]#[^\n]*)?\r?)$`)
	return m
}

// Scalar marks an unquoted text, if it is a name.
func (m *Marks) Scalar(text string) string {
	if m == nil || !strings.HasPrefix(text, "${") {
		return text
	}
	name, ok := strings.CutSuffix(text[2:], "}")
	if !ok || !m.names[name] {
		return text
	}
	return "${" + name + mark + "}"
}

// Text marks names in a YAML file that has not been parsed yet. It looks only at lines:
// a mark inside other text has no effect, and goes with the name.
func (m *Marks) Text(data []byte) []byte {
	if m == nil || !bytes.Contains(data, []byte("${")) {
		return data
	}
	return m.lines.ReplaceAll(data, []byte("$1$${$2"+mark+"}$3"))
}

// JSON marks names in YAML inside the texts of a JSON document, such as patches.
func (m *Marks) JSON(document []byte) []byte {
	var value any
	if m == nil || !bytes.Contains(document, []byte("${")) || json.Unmarshal(document, &value) != nil {
		return document
	}
	marked, err := json.Marshal(manifest.MapTexts(value, func(text string) string { return string(m.Text([]byte(text))) }))
	if err != nil {
		return document
	}
	return marked
}
