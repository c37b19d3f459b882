package command

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/audit"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/git/storetest"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/rulebook"
	"github.com/pushboat/pushboat/repos"
)

// publicText returns the text of a public key, the same whenever it gets the same seed.
func publicText(t *testing.T, seed string) (text, fingerprint string) {
	t.Helper()
	key, err := ssh.NewPublicKey(ed25519.NewKeyFromSeed([]byte(strings.Repeat(seed, 32))).Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), ssh.FingerprintSHA256(key)
}

// talk is a session with some input.
type talk struct {
	caller      access.Caller
	in          io.Reader
	out, stderr strings.Builder
}

func (s *talk) Read(p []byte) (int, error)  { return s.in.Read(p) }
func (s *talk) Write(p []byte) (int, error) { return s.out.Write(p) }
func (s *talk) Stderr() io.Writer           { return &s.stderr }
func (s *talk) Caller() access.Caller       { return s.caller }
func (s *talk) Key() ssh.PublicKey          { return nil }
func (s *talk) Gone() <-chan struct{}       { return nil }
func (s *talk) Terminal() bool              { return false }
func (s *talk) Size() (columns, rows int)   { return 0, 0 }
func (s *talk) Colour() bool                { return false }
func (s *talk) Fill(text string) string     { return text }

// trail is an audit trail that may be out of order.
type trail struct {
	broken error
	kept   []audit.Event
}

func (t *trail) Write(events ...audit.Event) error {
	if t.broken == nil {
		t.kept = append(t.kept, events...)
	}
	return t.broken
}
func (t *trail) Note(events ...audit.Event)                   { t.kept = append(t.kept, events...) }
func (t *trail) NoteLimited(_ string, e audit.Event)          { t.kept = append(t.kept, e) }
func (t *trail) Read(audit.Query) ([]audit.Event, int, error) { return t.kept, 0, nil }
func (t *trail) Verify() (audit.Verdict, error)               { return audit.Verdict{}, nil }

// words returns the lines of the trail: event, verb, arguments, decision, reason.
func (t *trail) words() string {
	var all []string
	for _, e := range t.kept {
		all = append(all, strings.TrimSpace(strings.Join([]string{string(e.Kind), e.Verb, strings.Join(e.Arguments, " "), string(e.Decision), e.Reason}, " ")))
	}
	return strings.Join(all, "\n")
}

// office is a desk. Its admin is ana, with a key in the rules, and its key file has dora.
type office struct {
	*Desk
	trail *trail
	ana   access.Caller
}

func newOffice(t *testing.T) office {
	t.Helper()
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	log := logrus.NewEntry(logger)
	text, fingerprint := publicText(t, "a")
	doras, _ := publicText(t, "d")
	files, err := access.NewDirectory(access.Source{File: "keys", Text: []byte(doras + " dora\n")})
	if err != nil {
		t.Fatal(err)
	}
	kept := &trail{}
	book, err := rulebook.Open(t.Context(), storetest.Open(t, git.StoreOptions{}), rulebook.Config{First: func() (map[string][]byte, error) {
		base, err := repos.Admin()
		if err != nil {
			return nil, err
		}
		return rules.First(base, []access.AdminKey{{Name: "ana", Key: text}})
	}, Trail: &trail{}, Clusters: noClusters{}, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	return office{
		Desk: &Desk{
			Policy: access.NewPolicy(log, files, book.Rules), Trail: kept, Log: log,
			Rules: book.Current, Book: book, KeyFiles: func() *access.Directory { return files },
		},
		trail: kept,
		ana:   access.Caller{Operator: "ana", Fingerprint: fingerprint, Ruled: true, Remote: "192.0.2.7:51234"},
	}
}

// call runs a verb, and returns its exit status and its output.
func (o office) call(t *testing.T, caller access.Caller, input, line string) (status int, out, stderr string) {
	t.Helper()
	s := &talk{caller: caller, in: strings.NewReader(input)}
	status = o.Run(t.Context(), s, strings.Fields(line))
	return status, s.out.String(), s.stderr.String()
}

func TestKeysAreAddedAndExpire(t *testing.T) {
	o := newOffice(t)
	text, fingerprint := publicText(t, "b")
	status, out, stderr := o.call(t, o.ana, text+" ben@laptop\n", "keys add ben --new person --plan")
	if status != 0 || !strings.Contains(out, "  + ben (person) becomes an operator\n") || !strings.HasSuffix(out, "plan only: nothing was changed\n") {
		t.Fatalf("plan: %d\n%s%s", status, out, stderr)
	}
	if _, ok := o.Rules().Operator("ben"); ok || strings.Contains(o.trail.words(), "push") {
		t.Fatalf("planned, and done; the trail has\n%s", o.trail.words())
	}
	o.trail.kept = nil
	status, out, stderr = o.call(t, o.ana, "# of Ben\n\n"+text+" ben@laptop\n", "keys add ben --new robot --expires 2999-01-01 --from 192.0.2.0/24,198.51.100.7 -o json")
	var made revisedKey
	if err := json.Unmarshal([]byte(out), &made); status != 0 || err != nil {
		t.Fatalf("add: %d, %v\n%s%s", status, err, out, stderr)
	}
	if made.Operator != "ben" || made.Key != fingerprint || !made.InForce || len(made.From) != 2 || len(made.Changes) != 2 || made.Expires.Year() != 2999 {
		t.Errorf("made %+v", made)
	}
	if want := "verb keys add ben --expires=2999-01-01 --from=192.0.2.0/24,198.51.100.7 --new=robot allowed\npush   allowed key " + fingerprint + " of ben"; o.trail.words() != want {
		t.Errorf("the trail has\n%s\nwant\n%s", o.trail.words(), want)
	}
	if last := o.trail.kept[1]; last.New != made.Revision.String() || last.Old == "" || last.Rule == "" || last.Ref != "refs/heads/main" {
		t.Errorf("the line of the change is %+v", last)
	}

	status, out, stderr = o.call(t, o.ana, "", "keys expire "+strings.TrimPrefix(fingerprint, "SHA256:"))
	if status != 0 || !strings.Contains(out, "  ~ ben can use "+fingerprint+" until ") || !strings.HasSuffix(out, "admin: in force; a clone takes it over with: git pull\n") {
		t.Fatalf("expire: %d\n%s%s", status, out, stderr)
	}
	if key, _ := o.Rules().Key(fingerprint); key.Expires.After(time.Now()) {
		t.Errorf("the key expires at %s", key.Expires)
	}
	if status, _, stderr = o.call(t, o.ana, "", "keys expire "+fingerprint); status != 1 || !strings.Contains(stderr, "has expired already") {
		t.Errorf("again: %d\n%s", status, stderr)
	}
	if status, _, stderr = o.call(t, o.ana, "", "keys expire "+fingerprint+" --at 2999-01-01"); status != 0 {
		t.Errorf("later: %d\n%s", status, stderr)
	}
}

// TestKeyChangesThatAreRefused tries each refusal, and checks that nothing has changed
// after it.
func TestKeyChangesThatAreRefused(t *testing.T) {
	o := newOffice(t)
	text, fingerprint := publicText(t, "b")
	anas, of := publicText(t, "a")
	doras, ofDora := publicText(t, "d")
	ben := access.Caller{Operator: "ben", Ruled: true}
	for name, test := range map[string]struct {
		caller      access.Caller
		input, line string
		status      int
		stderr      string
	}{
		"no admin adds":            {ben, text, "keys add ben --new person", 1, "not allowed to administer server"},
		"no admin expires":         {ben, "", "keys expire " + of, 1, "not allowed to administer server"},
		"no such operator":         {o.ana, text, "keys add anna", 1, "did you mean ana? to make one: ssh HOST keys add anna --new person < FILE.pub"},
		"an operator who is there": {o.ana, text, "keys add ana --new person", 1, "leave --new out"},
		"neither kind":             {o.ana, text, "keys add ben --new ghost", 2, "an operator is a person or a robot"},
		"no name":                  {o.ana, text, "keys add .ben --new person", 2, "the operator's name is not a name"},
		"a name with capitals":     {o.ana, text, "keys add Ana --new person", 1, "differ in their capitals only"},
		"no time":                  {o.ana, text, "keys add ana --expires soon", 2, "give a day or a moment"},
		"a time that has passed":   {o.ana, text, "keys add ana --expires 2001-01-01", 2, "has passed already"},
		"no address":               {o.ana, text, "keys add ana --from here", 2, "--from: address 1 is not an address"},
		"too many addresses":       {o.ana, text, "keys add ana --from " + strings.Repeat("192.0.2.1,", 32) + "192.0.2.1", 2, "at most 32"},
		"no input":                 {o.ana, "\n# none\n", "keys add ana", 1, "the input is empty"},
		"two keys":                 {o.ana, text + "\n" + text + "\n", "keys add ana", 1, "the input has 2 lines"},
		"a private key":            {o.ana, "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk=\n", "keys add ana", 1, "that is a private key"},
		"too much":                 {o.ana, strings.Repeat("a", maxKeyInput+1), "keys add ana", 1, "longer than 16 KiB"},
		"no key":                   {o.ana, "ssh-ed25519 hunter2", "keys add ana", 1, "decode ssh-ed25519 key"},
		"a key of hers":            {o.ana, anas, "keys add ana", 1, "is ana's already (operators/ana.yaml:3)"},
		"a key of a key file":      {o.ana, doras, "keys add ana", 1, "is dora's already (keys:1)"},
		"another format":           {o.ana, text, "keys add ana -o yaml", 2, "the formats are text and json"},
		"an unknown key":           {o.ana, "", "keys expire " + fingerprint, 1, "there is no key " + fingerprint},
		"a key of a key file ends": {o.ana, "", "keys expire " + ofDora, 1, "stands in a key file (keys:1)"},
		"her own key":              {o.ana, "", "keys expire " + of, 1, "no person would be an admin"},
		"no end":                   {o.ana, "", "keys expire " + of + " --at soon", 2, "give a day or a moment"},
		"no fingerprint":           {o.ana, "", "keys expire " + strings.Repeat("a", 200), 2, "FINGERPRINT is SHA256:"},
		"a private key's text":     {o.ana, "", "keys expire b3BlbnNzaC1rZXktdjEAAAAA", 1, "that is a private key"},
	} {
		before := o.Rules()
		o.trail.kept = nil
		status, out, stderr := o.call(t, test.caller, test.input, test.line)
		if status != test.status || !strings.Contains(stderr, test.stderr) || !strings.Contains(stderr, "hint: ") {
			t.Errorf("%s: %d\n%s%s", name, status, out, stderr)
		}
		if o.Rules() != before {
			t.Errorf("%s: the rules have changed", name)
		}
		if all := stderr + o.trail.words(); strings.Contains(all, "hunter2") || strings.Contains(all, "b3BlbnNzaC1rZXk") {
			t.Errorf("%s: the input is repeated", name)
		}
	}
}

// TestKeyChangesAreOnTheTrailBefore: a change is not made if the trail cannot be written. A
// refused change is on the trail with the place of its problem.
func TestKeyChangesAreOnTheTrailBefore(t *testing.T) {
	o := newOffice(t)
	text, _ := publicText(t, "b")
	_, of := publicText(t, "a")
	o.call(t, o.ana, "", "keys expire "+of)
	if want := "push   refused problem at access.yaml"; !strings.HasSuffix(o.trail.words(), want) {
		t.Errorf("the trail has\n%s", o.trail.words())
	}
	o.trail.broken = errors.New("the disk is full")
	status, _, stderr := o.call(t, o.ana, text, "keys add ben --new person")
	if status != 1 || !strings.Contains(stderr, "the disk is full; nothing was changed") {
		t.Errorf("%d\n%s", status, stderr)
	}
	if _, ok := o.Rules().Operator("ben"); ok {
		t.Error("ben has become an operator")
	}
}

// TestKeyChangesThatAreOvertaken: a push that moves the branch between the gate and the
// publication wins.
func TestKeyChangesThatAreOvertaken(t *testing.T) {
	o := newOffice(t)
	s := &talk{caller: o.ana, in: strings.NewReader("")}
	c := &call{Desk: o.Desk, Session: s}
	write := func(path string) rulebook.Revision {
		return rulebook.Revision{Subject: "x", By: o.ana, Edit: func(fs.FS, *rules.Rules) (map[string][]byte, error) {
			return map[string][]byte{path: []byte("keys: []\n")}, nil
		}}
	}
	made, err := o.Book.Revise(t.Context(), write("operators/ben.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := o.Book.Revise(t.Context(), write("operators/eve.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Book.Publish(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	result := revisedKey{}
	if err := c.publish(t.Context(), made, &result); !errors.Is(err, rulebook.ErrMoved) || result.InForce {
		t.Errorf("%v, in force: %v", err, result.InForce)
	}
}

func TestKeyCommentsAreText(t *testing.T) {
	text, _ := publicText(t, "b")
	for given, want := range map[string]string{
		"":                             text,
		" ben@laptop":                  text + " ben@laptop",
		"  Ben's  \t\x1b[31m key":      text + " Ben's [31m key",
		" " + strings.Repeat("é", 200): text + " " + strings.Repeat("é", maxKeyComment),
		" b\xffen":                     text + " ben",
	} {
		_, got, err := readKey(strings.NewReader(text + given))
		if err != nil || got != want {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
}

// noClusters accepts any clusters.
type noClusters struct{}

func (noClusters) Propose([]*rules.Cluster) ([]string, manifest.Problems) { return nil, nil }
func (noClusters) Take([]*rules.Cluster)                                  {}
