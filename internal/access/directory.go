package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Directory maps keys to operators. It never changes: new keys take a new Directory.
type Directory struct {
	keys     map[string]entry  // by the key's wire form
	texts    map[string]string // "TYPE BASE64", by fingerprint
	warnings []string
}

type entry struct {
	operator Operator
	place    string // "keys:3"
}

// Source is the text of one key file.
type Source struct {
	File string // the name in messages
	Text []byte
	// Admin: every key in it is an admin's, whatever the line says.
	Admin bool
}

// LineError is one thing wrong with a key file.
type LineError struct {
	File string
	Line int // 1 is the first; 0: the file as a whole
	Err  error
}

// Error is "keys:3: unknown option …".
func (e *LineError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %v", e.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *LineError) Unwrap() error { return e.Err }

// NewDirectory reads sources. The error joins every *LineError of all of
// them; there is no directory then.
func NewDirectory(sources ...Source) (*Directory, error) {
	d := &Directory{keys: map[string]entry{}, texts: map[string]string{}}
	var problems []error
	for _, source := range sources {
		problems = append(problems, d.read(source)...)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Directory) read(source Source) (problems []error) {
	if len(source.Text) > maxFileBytes {
		return []error{&LineError{File: source.File, Err: fmt.Errorf("longer than %d bytes", maxFileBytes)}}
	}
	if line, found := privateLine(string(source.Text)); found {
		return []error{&LineError{File: source.File, Line: line, Err: ErrPrivateKey}}
	}
	number := 0
	for line := range strings.Lines(string(source.Text)) {
		number++
		if err := d.readLine(source, number, strings.TrimRight(line, "\r\n")); err != nil {
			problems = append(problems, &LineError{File: source.File, Line: number, Err: err})
		}
	}
	return problems
}

// privateLine finds the line on which a private key begins. Errors say nothing else
// about such a file.
func privateLine(text string) (number int, found bool) {
	for line := range strings.Lines(text) {
		number++
		if HasPrivateKey(line) {
			return number, true
		}
	}
	return 0, false
}

func (d *Directory) readLine(source Source, number int, line string) error {
	line = strings.Trim(line, " \t")
	if line == "" || line[0] == '#' {
		return nil
	}
	if len(line) > maxLineBytes {
		return fmt.Errorf("longer than %d bytes", maxLineBytes)
	}
	if i := strings.IndexFunc(line, notPlain); i >= 0 {
		return fmt.Errorf("column %d: only plain ASCII stands in a key line", i+1)
	}
	role := RoleRead
	if source.Admin {
		role = RoleAdmin
	}
	parsed, err := parseKeyLine(line, role, source.Admin)
	if err != nil {
		return err
	}
	return d.add(parsed, fmt.Sprintf("%s:%d", source.File, number))
}

func notPlain(r rune) bool { return r != '\t' && (r < ' ' || r > '~') }

// add notes a key. The same key may stand twice only if it says the same.
func (d *Directory) add(parsed keyLine, place string) error {
	wire := string(parsed.key.Marshal())
	if former, ok := d.keys[wire]; ok {
		if former.operator == parsed.operator {
			return nil
		}
		return fmt.Errorf("key %s of %q (%s) is at %s already, as %q (%s): one key is one operator with one role",
			parsed.operator.Fingerprint, parsed.operator.Name, parsed.operator.Role,
			former.place, former.operator.Name, former.operator.Role)
	}
	d.keys[wire] = entry{parsed.operator, place}
	d.texts[parsed.operator.Fingerprint] = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(parsed.key)))
	if parsed.warning != "" {
		d.warnings = append(d.warnings, fmt.Sprintf("%s: %s: %s", place, parsed.operator.Name, parsed.warning))
	}
	return nil
}

// Lookup returns the owner of a key. Verify that the client possesses the key before
// you grant anything for it.
func (d *Directory) Lookup(key ssh.PublicKey) (Operator, bool) {
	e, ok := d.keys[string(key.Marshal())]
	return e.operator, ok
}

// Len is the number of keys.
func (d *Directory) Len() int { return len(d.keys) }

// Warnings returns remarks for the admin about accepted keys: "keys:3: ana: RSA key of
// 2048 bits is weak…".
func (d *Directory) Warnings() []string { return slices.Clone(d.warnings) }

// Operators returns every key's operator, by name and fingerprint.
func (d *Directory) Operators() []Operator {
	var all []Operator
	for _, e := range d.keys {
		all = append(all, e.operator)
	}
	slices.SortFunc(all, func(a, b Operator) int {
		return strings.Compare(a.Name+" "+a.Fingerprint, b.Name+" "+b.Fingerprint)
	})
	return all
}

// AdminKey is a key that may administer the server.
type AdminKey struct {
	Name string
	Key  string // "TYPE BASE64"
	From Sources
}

// AdminKeys returns the keys that may administer the server, by name and fingerprint.
func (d *Directory) AdminKeys() []AdminKey {
	var admins []AdminKey
	for _, op := range d.Operators() {
		if op.Role != RoleAdmin || op.Repos != "" {
			continue
		}
		admins = append(admins, AdminKey{op.Name, d.texts[op.Fingerprint], op.From})
	}
	return admins
}

// Find returns where a key stands, "keys:3", by its fingerprint.
func (d *Directory) Find(fingerprint string) (place string, ok bool) {
	for _, e := range d.keys {
		if e.operator.Fingerprint == fingerprint {
			return e.place, true
		}
	}
	return "", false
}

// Admins returns the names of the operators with the role admin, sorted.
func (d *Directory) Admins() []string {
	var names []string
	for _, op := range d.Operators() {
		if op.Role == RoleAdmin {
			names = append(names, op.Name)
		}
	}
	return slices.Compact(names)
}
