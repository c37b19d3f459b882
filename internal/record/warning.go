package record

import (
	"github.com/pushboat/pushboat/internal/manifest"
)

// Warning is a warning of the API server about an object that was tried or applied.
type Warning struct {
	Key  string `json:"key"` // manifest.ID key
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"` // 0 where only the file is known
	Text string `json:"text"`
}

// String writes the warning on one line: "web.yaml:3: Deployment shop/web: text".
func (w Warning) String() string {
	id, _ := manifest.ParseKey(w.Key)
	return manifest.Problem{
		Source: manifest.Source{File: w.File, Line: w.Line}, Object: id.String(),
		Message: manifest.OneLine(w.Text),
	}.Error()
}
