package rules

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/form"
)

// An operator's file is somebody's text: an edit changes the lines that it is about, and
// leaves comments, order and quotes as they are. Each edit is made twice: in the tree of
// the file, which is always right, and in its text. Where the text then says something
// else than the tree, as with anchors, the tree is written out in its place.

// GivenKey is a key to add to an operator's file.
type GivenKey struct {
	Text    string    // TYPE BASE64, and a comment or none
	Expires time.Time // zero: never
	From    []string  // addresses and networks; none: everywhere
}

// OperatorFile is the path of an operator's file.
func OperatorFile(name string) string { return operatorsDir + "/" + name + ".yaml" }

// NewOperator is the file of an operator who has no key yet.
func NewOperator(kind Kind) []byte { return fmt.Appendf(nil, "kind: %s\nkeys: []\n", kind) }

// AddKey returns an operator's file with one more key.
func AddKey(file []byte, key GivenKey) ([]byte, error) {
	var added yaml.Node
	if err := yaml.Unmarshal([]byte(strings.Join(key.lines(), "\n")), &added); err != nil {
		return nil, err
	}
	return edit(file, func(text *lines, keys *yaml.Node) error {
		text.addElement(keys, key)
		keys.Content = append(keys.Content, added.Content[0].Content[0])
		if len(keys.Content) == 1 {
			keys.Style = 0
		}
		return nil
	})
}

// ExpireKey returns an operator's file in which the key with a fingerprint expires at a
// moment.
func ExpireKey(file []byte, fingerprint string, at time.Time) ([]byte, error) {
	return edit(file, func(text *lines, keys *yaml.Node) error {
		i := slices.IndexFunc(keys.Content, func(n *yaml.Node) bool { return isKey(n, fingerprint) })
		if i < 0 {
			return fmt.Errorf("the file has no key %s", fingerprint)
		}
		text.expire(keys, keys.Content[i], at)
		keys.Content[i] = expiring(form.Follow(keys.Content[i]), at)
		return nil
	})
}

// edit changes the list of keys of a file, in its tree and in its text.
func edit(file []byte, change func(text *lines, keys *yaml.Node) error) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(file, &document); err != nil {
		return nil, err
	}
	keys := keysIn(&document)
	if keys == nil {
		return nil, fmt.Errorf("the file has no list of keys")
	}
	text := newLines(file)
	if err := change(text, keys); err != nil {
		return nil, err
	}
	var tree bytes.Buffer
	encoder := yaml.NewEncoder(&tree)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return nil, err
	}
	if kept := text.bytes(); sameMeaning(kept, tree.Bytes()) {
		return kept, nil
	}
	return tree.Bytes(), nil
}

// keysIn is the list of keys of a document; nil if it has none.
func keysIn(document *yaml.Node) *yaml.Node {
	if len(document.Content) == 0 {
		return nil
	}
	if keys := field(document.Content[0], "keys"); keys != nil && keys.Kind == yaml.SequenceNode {
		return keys
	}
	return nil
}

// field is the value of a field of a mapping; nil if it has none.
func field(mapping *yaml.Node, name string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return form.Follow(mapping.Content[i+1])
		}
	}
	return nil
}

// isKey reports whether an element of a list of keys has a fingerprint.
func isKey(element *yaml.Node, fingerprint string) bool {
	text := form.Follow(element)
	if text.Kind == yaml.MappingNode {
		text = field(text, "key")
	}
	if text == nil {
		return false
	}
	key, _, err := access.ParseKey(text.Value)
	return err == nil && ssh.FingerprintSHA256(key) == fingerprint
}

// expiring is an element of a list of keys that expires at a moment.
func expiring(element *yaml.Node, at time.Time) *yaml.Node {
	when := word(writeExpiry(at))
	if element.Kind != yaml.MappingNode {
		key := *element
		key.Anchor, key.HeadComment, key.FootComment = "", "", ""
		element = &yaml.Node{Kind: yaml.MappingNode, HeadComment: element.HeadComment, FootComment: element.FootComment, Content: []*yaml.Node{word("key"), &key}}
	}
	for i := 0; i+1 < len(element.Content); i += 2 {
		if element.Content[i].Value == "expires" {
			when.LineComment = element.Content[i+1].LineComment
			element.Content[i+1] = when
			return element
		}
	}
	element.Content = append(element.Content, word("expires"), when)
	return element
}

func word(text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: text} }

func sameMeaning(a, b []byte) bool {
	var one, other any
	return yaml.Unmarshal(a, &one) == nil && yaml.Unmarshal(b, &other) == nil && reflect.DeepEqual(one, other)
}

// writeExpiry writes a moment as people do: a day alone is its beginning.
func writeExpiry(at time.Time) string {
	at = at.UTC()
	switch {
	case at.Equal(at.Truncate(24 * time.Hour)):
		return at.Format(time.DateOnly)
	case at.Second() == 0:
		return at.Format("2006-01-02T15:04")
	}
	return at.Format("2006-01-02T15:04:05")
}

// fields are those of the key in a mapping, "NAME: VALUE" each.
func (k GivenKey) fields() []string {
	fields := []string{"key: " + quoted(k.Text)}
	if !k.Expires.IsZero() {
		fields = append(fields, "expires: "+writeExpiry(k.Expires))
	}
	if len(k.From) > 0 {
		var from []string
		for _, source := range k.From {
			from = append(from, quoted(source))
		}
		fields = append(fields, "from: ["+strings.Join(from, ", ")+"]")
	}
	return fields
}

// lines are those of the key as an element of a list.
func (k GivenKey) lines() []string {
	fields := k.fields()
	if len(fields) == 1 {
		return []string{"- " + quoted(k.Text)}
	}
	for i := range fields {
		fields[i] = "  " + fields[i]
	}
	fields[0] = "-" + fields[0][1:]
	return fields
}

// inline is the key as an element of a list in brackets.
func (k GivenKey) inline() string {
	if fields := k.fields(); len(fields) > 1 {
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return quoted(k.Text)
}

// quoted is a text as YAML takes it: in quotes, unless it is plain in all places.
func quoted(text string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(" /+=@._-", c)
	}
	if text != "" && !strings.ContainsFunc(text, func(c rune) bool { return !plain(c) }) {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}
