package rules

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// readOperators reads the folder operators.
func (p *parser) readOperators() {
	entries, err := fs.ReadDir(p.tree, operatorsDir)
	if err != nil || len(entries) == 0 {
		p.add(operatorsDir, 0, "there is no operator", "add operators/NAME.yaml with a key: keys: [ssh-ed25519 AAAA...]")
		return
	}
	if len(entries) > maxOperators {
		p.add(operatorsDir, 0, fmt.Sprintf("there are more than %d files", maxOperators), "")
		return
	}
	folded := map[string]string{}
	for _, entry := range entries {
		file := path.Join(operatorsDir, entry.Name())
		name, ok := strings.CutSuffix(entry.Name(), ".yaml")
		switch {
		case ok && name != "":
			if other := folded[strings.ToLower(name)]; other != "" {
				p.add(file, 0, fmt.Sprintf("%s and %s differ in their capitals only", other, name), "give one of them another name")
			}
			folded[strings.ToLower(name)] = name
			p.readOperator(file, name)
		case entry.IsDir() || isYAML(entry.Name()):
			p.add(file, 0, "is not read: the file of an operator is operators/NAME.yaml", "rename it")
		}
	}
}

// operatorFields and keyFields are the fields of an operator and of a key.
var (
	operatorFields = []string{"kind", "email", "keys", "gpg"}
	keyFields      = []string{"key", "expires", "from"}
)

func (p *parser) readOperator(file, name string) {
	operator := &Operator{Name: name, Kind: Person, At: manifest.Source{File: file, Line: 1}}
	p.rules.operators[name] = operator // also with problems, so that who names it is not told of another
	if err := access.CheckOperator(name); err != nil || name == Everyone {
		p.add(file, 0, fmt.Sprintf("%q cannot be an operator's name", name), "a name has up to 64 letters, digits and . _ @ + -")
		return
	}
	data, ok := p.read(file, maxOperatorFile)
	if !ok {
		return
	}
	r, fields := p.document(file, data, operatorFields...)
	if f, ok := fields["kind"]; ok {
		kind, _ := r.OneOf(f, string(Person), string(Robot))
		operator.Kind = Kind(kind)
	}
	if f, ok := fields["email"]; ok {
		operator.Email = readEmail(r, f)
	}
	if f, ok := fields["keys"]; ok {
		for _, element := range r.List(f, maxKeys) {
			p.readKey(r, operator, element)
		}
	} else if len(r.Problems) == 0 {
		r.Add(1, "keys is missing", "add keys: [ssh-ed25519 AAAA...], or keys: [] for somebody who is to have none")
	}
	if f, ok := fields["gpg"]; ok {
		for _, element := range r.List(f, maxKeys) {
			p.readPGP(r, operator, element)
		}
	}
	p.problems = append(p.problems, r.Problems...)
}

const maxEmail = 200 // bytes

func readEmail(r *form.Reader, f form.Field) string {
	text, ok := r.Text(f)
	if !ok {
		return ""
	}
	user, host, found := strings.Cut(text, "@")
	if !found || user == "" || host == "" || len(text) > maxEmail || strings.ContainsFunc(text, notInEmail) {
		r.Add(f.Line, "email is not an address such as ana@example.org", "")
		return ""
	}
	return text
}

func notInEmail(c rune) bool { return c <= ' ' || c >= 0x7f || strings.ContainsRune(`<>"(),;:\`, c) }

// readKey reads a key of an operator.
func (p *parser) readKey(r *form.Reader, operator *Operator, element form.Field) {
	key, ok := readPublic(r, element)
	if !ok {
		return
	}
	wire := string(key.Public.Marshal())
	if former, there := p.rules.keys[wire]; there {
		r.Add(element.Line, fmt.Sprintf("the key %s is %s's already (%s)", key.Fingerprint(), former.operator.Name, former.key.At),
			"a key is one operator's, and stands once")
		return
	}
	operator.Keys = append(operator.Keys, key)
	p.rules.keys[wire] = holder{operator, key}
}

// readPublic reads a key: its text alone, or a mapping that has it.
func readPublic(r *form.Reader, element form.Field) (key Key, ok bool) {
	before := len(r.Problems)
	key = Key{At: manifest.Source{File: r.File, Line: element.Line}}
	text := element
	if element.Value.Kind == yaml.MappingNode {
		fields := r.Fields(element.Value, "a key", keyFields)
		var ok bool
		if text, ok = fields["key"]; !ok {
			r.Add(element.Line, "the key itself is missing", "add key: ssh-ed25519 AAAA...")
			return key, false
		}
		if f, ok := fields["expires"]; ok {
			key.Expires = readExpiry(r, f)
		}
		if f, ok := fields["from"]; ok {
			key.From = readFrom(r, f)
		}
	}
	if text.Value.Kind != yaml.ScalarNode {
		r.Add(text.Line, "a key is text", "write it as in a .pub file: ssh-ed25519 AAAA...")
		return key, false
	}
	public, warning, err := access.ParseKey(text.Value.Value)
	if err != nil {
		r.Add(text.Line, err.Error(), "copy the line of a .pub file; ssh-keygen -t ed25519 makes one")
		return key, false
	}
	key.Public, key.Warning = public, warning
	return key, len(r.Problems) == before
}

// expiryLayouts are the ways to write when a key expires. Without a zone it is UTC; a day
// alone is its beginning, as in OpenSSH's expiry-time.
var expiryLayouts = []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02 15:04"}

// ParseExpiry reads when a key expires, as it is written in an operator's file.
func ParseExpiry(text string) (when time.Time, ok bool) {
	for _, layout := range expiryLayouts {
		if when, err := time.ParseInLocation(layout, text, time.UTC); err == nil && when.Year() > 1 {
			return when.UTC(), true
		}
	}
	return time.Time{}, false
}

func readExpiry(r *form.Reader, f form.Field) time.Time {
	text, ok := r.Text(f)
	if !ok {
		return time.Time{}
	}
	when, ok := ParseExpiry(text)
	if !ok {
		r.Add(f.Line, fmt.Sprintf("expires: %q is not a day or a moment", text), "write it like 2026-12-31 or 2026-12-31T18:00, in UTC")
	}
	return when
}

// readFrom reads an address or network, or a list of them.
func readFrom(r *form.Reader, f form.Field) access.Sources {
	elements := []form.Field{f}
	if f.Value.Kind == yaml.SequenceNode {
		if elements = r.List(f, 32); len(elements) == 0 {
			r.Add(f.Line, "from is empty: the key could be used from nowhere", "leave from out for every address")
			return ""
		}
	}
	var texts []string
	for _, element := range elements {
		text, ok := r.Text(element)
		if !ok {
			return ""
		}
		if _, err := access.ParseSources(text); err != nil {
			r.Add(element.Line, "from: "+err.Error(), "write it like 192.0.2.7 or 192.0.2.0/24")
			return ""
		}
		texts = append(texts, text)
	}
	sources, err := access.ParseSources(strings.Join(texts, ","))
	if err != nil {
		r.Add(f.Line, "from: "+err.Error(), "write it like 192.0.2.7 or 192.0.2.0/24")
	}
	return sources
}
