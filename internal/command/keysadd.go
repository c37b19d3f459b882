package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/rulebook"
)

// addKeyHelp explains a first key.
const addKeyHelp = "The key is read from the input, as in a .pub file. It is committed to the file\n" +
	"operators/OPERATOR.yaml of the repository admin, goes through the gate like a\n" +
	"push, and is in force at once. Times are 2026-12-31 or 2026-12-31T18:00, in UTC.\n" +
	"Example: ssh HOST keys add ben --expires 2026-12-31 < ben.pub"

// maxKeyInput bounds the input of keys add, in bytes: an RSA key takes 1.4 KiB.
const maxKeyInput = 16 << 10

// maxKeyComment bounds what is kept of a key's comment, in letters.
const maxKeyComment = 100

// maxKeySources bounds the addresses of --from.
const maxKeySources = 32

func addKeyFlags(f *pflag.FlagSet) {
	f.String("expires", "", "when the key expires; never if left out")
	f.StringSlice("from", nil, "the only networks where it can be used")
	f.String("new", "", "make the operator, a person or a robot")
	reviseFlags(f)
}

// newKey is a request to add a key.
type newKey struct {
	operator string
	kind     rules.Kind // of an operator who is to be made; "": of one who is there
	public   ssh.PublicKey
	given    rules.GivenKey
}

// addKey gives an operator a key.
func addKey(ctx context.Context, c *call) error {
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err // before anything is read
	}
	n, err := readNewKey(c, c.args[0], c.flags, time.Now())
	if err != nil {
		return err
	}
	fingerprint := ssh.FingerprintSHA256(n.public)
	result := revisedKey{Operator: n.operator, Key: fingerprint, From: n.given.From}
	if !n.given.Expires.IsZero() {
		result.Expires = &n.given.Expires
	}
	return c.revise(ctx, &result, rulebook.Revision{
		Subject: fmt.Sprintf("Add key %s of %s", fingerprint, n.operator), By: c.Caller(),
		Edit: func(tree fs.FS, now *rules.Rules) (map[string][]byte, error) { return c.withKey(tree, now, n) },
	})
}

// readNewKey reads a request from words, flags and the input.
func readNewKey(in io.Reader, operator string, flags *pflag.FlagSet, now time.Time) (newKey, error) {
	n := newKey{operator: operator}
	kind, _ := flags.GetString("new") // the flags are those of addKeyFlags
	expires, _ := flags.GetString("expires")
	n.given.From, _ = flags.GetStringSlice("from")
	n.kind = rules.Kind(kind)
	if kind != "" && n.kind != rules.Person && n.kind != rules.Robot {
		return n, usageError{fmt.Sprintf("--new %s: an operator is a person or a robot", manifest.Clean(kind))}
	}
	if err := access.CheckOperator(operator); err != nil {
		return n, usageError{"the operator's name " + err.Error()}
	}
	var err error
	if expires != "" {
		if n.given.Expires, err = parseExpiry("--expires", expires); err != nil {
			return n, err
		}
		if !n.given.Expires.After(now) {
			return n, usageError{"--expires " + manifest.Clean(expires) + " has passed already"}
		}
	}
	if err := checkSources(n.given.From); err != nil {
		return n, err
	}
	n.public, n.given.Text, err = readKey(in)
	return n, err
}

func checkSources(from []string) error {
	if len(from) > maxKeySources {
		return usageError{fmt.Sprintf("--from: at most %d addresses and networks", maxKeySources)}
	}
	for _, source := range from {
		if _, err := access.ParseSources(source); err != nil {
			return usageError{"--from: " + err.Error()}
		}
	}
	return nil
}

// readKey reads one public key. Its error repeats nothing of the input, which may be a
// private key.
func readKey(in io.Reader) (key ssh.PublicKey, text string, err error) {
	const hint = "give a .pub file as the input: ssh HOST keys add NAME < FILE.pub"
	data, err := io.ReadAll(io.LimitReader(in, maxKeyInput+1))
	if err != nil {
		return nil, "", err
	}
	if access.HasPrivateKey(string(data)) {
		return nil, "", report.WithHint(access.ErrPrivateKey, "make a new key if somebody may have seen this one: ssh-keygen -t ed25519")
	}
	if len(data) > maxKeyInput {
		return nil, "", report.WithHint(fmt.Errorf("the input is longer than %d KiB", maxKeyInput>>10), hint)
	}
	var found []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			found = append(found, line)
		}
	}
	switch {
	case len(found) == 0:
		return nil, "", report.WithHint(errors.New("the input is empty"), hint)
	case len(found) > 1:
		return nil, "", report.WithHint(fmt.Errorf("the input has %d lines, and a key is one", len(found)), "add one key at a time")
	}
	if key, _, err = access.ParseKey(found[0]); err != nil {
		return nil, "", report.WithHint(err, hint)
	}
	text = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)) + keyComment(found[0]))
	return key, strings.Join(strings.Fields(text), " "), nil
}

// keyComment is the comment of a key without what does not print.
func keyComment(line string) string {
	words := strings.Fields(strings.ToValidUTF8(line, ""))[2:]
	comment := []rune(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.Join(words, " ")))
	return string(comment[:min(len(comment), maxKeyComment)])
}

// withKey returns the file of an operator with one more key.
func (c *call) withKey(tree fs.FS, now *rules.Rules, n newKey) (map[string][]byte, error) {
	if err := c.isFree(now, n); err != nil {
		return nil, err
	}
	_, known := now.Operator(n.operator)
	path, file := rules.OperatorFile(n.operator), rules.NewOperator(n.kind)
	switch {
	case known && n.kind != "":
		return nil, report.WithHint(fmt.Errorf("there is an operator %s already", n.operator), "leave --new out to give them one more key")
	case known:
		var err error
		if file, err = fs.ReadFile(tree, path); err != nil {
			return nil, err
		}
	case n.kind == "":
		return nil, report.WithHint(fmt.Errorf("there is no operator %q", n.operator), "%s", hintNew(n.operator, now))
	}
	file, err := rules.AddKey(file, n.given)
	return map[string][]byte{path: file}, err
}

// isFree refuses a key that is somebody's.
func (c *call) isFree(now *rules.Rules, n newKey) error {
	fingerprint := ssh.FingerprintSHA256(n.public)
	if owner, ok := now.Lookup(n.public); ok {
		key, _ := now.Key(fingerprint)
		return report.WithHint(fmt.Errorf("the key %s is %s's already (%s)", fingerprint, owner.Name, key.At),
			"a key is one operator's, and stands once; to change when it expires: ssh HOST keys expire %s --at DATE", fingerprint)
	}
	files := c.KeyFiles()
	if owner, ok := files.Lookup(n.public); ok && owner.Name != n.operator {
		place, _ := files.Find(fingerprint)
		return report.WithHint(fmt.Errorf("the key %s is %s's already (%s)", fingerprint, owner.Name, place), "have %s use a key of their own", n.operator)
	}
	return nil
}

func hintNew(name string, now *rules.Rules) string {
	var names []string
	for _, operator := range now.Operators() {
		names = append(names, operator.Name)
	}
	hint := fmt.Sprintf("to make one: ssh HOST keys add %s --new person < FILE.pub; or --new robot", name)
	if near := manifest.Closest(name, names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return hint
}
