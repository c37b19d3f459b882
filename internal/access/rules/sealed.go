package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// The credentials that the file of a mirror or of remotes may have in itself, encrypted.
const (
	PrivateKey  = "key"         // in place of keyFile
	Token       = "token"       // of tokenFile
	HookSecret  = "hookSecret"  // of hookFile
	StatusToken = "statusToken" // of statusFile
)

// inFiles are the fields that name a file with the same on the server's disk.
var inFiles = map[string]string{PrivateKey: "keyFile", Token: "tokenFile", HookSecret: "hookFile", StatusToken: "statusFile"}

// sopsField is where SOPS has what it needs, at the root of a file.
const sopsField = "sops"

// Sealed are credentials that SOPS has encrypted in the file of admin.git that needs them. The
// MAC of SOPS covers the whole file: nobody who cannot decrypt it can have its token sent to
// another url.
type Sealed struct {
	File   string                 // of admin.git
	Text   []byte                 // all of it, encrypted
	Remote int                    // the place of the remote in its file, from 0; -1 for a mirror
	Fields map[string]SealedField // by name
}

// SealedField is one credential.
type SealedField struct {
	Line int
	Text string // encrypted
}

// Has reports whether a credential is there. The nil Sealed has none.
func (s *Sealed) Has(field string) bool {
	if s == nil {
		return false
	}
	_, has := s.Fields[field]
	return has
}

// At is where a credential is.
func (s *Sealed) At(field string) manifest.Source {
	return manifest.Source{File: s.File, Line: s.Fields[field].Line}
}

// Names are the credentials that are there, sorted.
func (s *Sealed) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.Fields))
}

// print tells one version of the credentials from another.
func (s *Sealed) print() string {
	var text strings.Builder
	for _, name := range s.Names() {
		fmt.Fprintln(&text, name, s.Fields[name].Text)
	}
	return text.String()
}

// documentSealed reads a file that SOPS may have encrypted, and returns all of it if it has.
func (p *parser) documentSealed(file string, data []byte, known ...string) (r *form.Reader, fields map[string]form.Field, sealed []byte) {
	if isSealed(data) {
		known, sealed = append(slices.Clone(known), sopsField), slices.Clone(data)
	}
	r, fields = p.document(file, data, known...)
	return r, fields, sealed
}

// readSealed reads the credentials of some names that are encrypted in the file itself. In a file
// that SOPS has not touched, all is nil.
func (far *Far) readSealed(r *form.Reader, fields map[string]form.Field, all []byte, remote int, names ...string) {
	for _, name := range names {
		f, ok := fields[name]
		if !ok {
			continue
		}
		text, ok := r.Text(f)
		file, both := fields[inFiles[name]]
		switch {
		case !ok:
		case all == nil || !strings.HasPrefix(text, sealedMark):
			r.Add(f.Line, name+" is not encrypted: whoever reads admin would have it", hintSeal(r.File, sealedRegex))
		case both:
			r.Add(file.Line, fmt.Sprintf("%s is there as well as %s", file.Name, name), "keep one of the two")
		default:
			if far.Sealed == nil {
				far.Sealed = &Sealed{File: r.File, Text: all, Remote: remote, Fields: map[string]SealedField{}}
			}
			far.Sealed.Fields[name] = SealedField{Line: f.Line, Text: text}
		}
	}
}

// sealedRegex matches the names of the fields that may be encrypted, and no other.
const sealedRegex = "(" + PrivateKey + "|" + Token + "|" + HookSecret + "|" + StatusToken + ")"

// onlyCredentials refuses a file in which something else is encrypted: nobody could read what it
// asks for. It reports whether there is none.
func onlyCredentials(r *form.Reader, fields map[string]form.Field) bool {
	good := true
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f := fields[name]
		if _, may := inFiles[name]; may || name == sopsField || !hasSealed(f.Value) {
			continue
		}
		good = false
		r.Add(f.Line, name+" is encrypted, and only credentials may be", "encrypt them alone: sops encrypt -i --encrypted-regex '^"+sealedRegex+"$' --age \"$(ssh HOST secrets recipient)\" "+r.File)
	}
	return good
}

// hasSealed reports whether SOPS has encrypted a value, or a part of it; in the elements of a list
// of mappings, credentials do not count.
func hasSealed(n *yaml.Node) bool {
	n = form.Follow(n)
	switch n.Kind {
	case yaml.ScalarNode:
		return strings.HasPrefix(n.Value, sealedMark)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if _, may := inFiles[n.Content[i].Value]; !may && hasSealed(n.Content[i+1]) {
				return true
			}
		}
	case yaml.SequenceNode:
		return slices.ContainsFunc(n.Content, hasSealed)
	}
	return false
}
