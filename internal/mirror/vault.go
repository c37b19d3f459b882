package mirror

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Keys decrypt the files of admin.git.
type Keys interface {
	// Decrypt decrypts a file. Neither the problem nor the log has anything of what is in it.
	Decrypt(ctx context.Context, name string, data []byte) ([]byte, *manifest.Problem)
}

// vault has the credentials that are encrypted in files of admin.git. A file is decrypted once, at
// the push that brings it or at its first use, since each time may cost a process or a request to a
// cloud; what was in it stays in memory, and goes when the rules name it no more.
type vault struct {
	keys Keys

	mu    sync.Mutex
	files map[[sha256.Size]byte]*opened
}

// opened is a file that was decrypted, or could not be.
type opened struct {
	mu       sync.Mutex // held while it is decrypted
	contents *contents  // nil: it is not decrypted
	problem  *manifest.Problem
	tried    time.Time
}

// contents are the credentials of a file in the clear, at its root and of its remotes.
type contents struct {
	Root    credentials   `yaml:",inline"`
	Remotes []credentials `yaml:"remotes"`
}

type credentials struct {
	Key         string `yaml:"key"`
	Token       string `yaml:"token"`
	HookSecret  string `yaml:"hookSecret"`
	StatusToken string `yaml:"statusToken"`
}

// openAgain is how long a file that could not be decrypted is not tried again, however many webhooks
// ask for what is in it.
const openAgain = time.Minute

// of returns a credential. The error has nothing of it.
func (v *vault) of(ctx context.Context, s *rules.Sealed, field string) ([]byte, error) {
	found, problem := v.open(ctx, s)
	if problem != nil {
		return nil, &setupError{fmt.Sprintf("%s: %s", s.At(field), manifest.OneLine(problem.Message)), hintOf(problem)}
	}
	part := found.Root
	if s.Remote >= 0 {
		if s.Remote >= len(found.Remotes) {
			return nil, errors.New("the file is another decrypted than it is encrypted") // its MAC excludes that
		}
		part = found.Remotes[s.Remote]
	}
	text := map[string]string{rules.PrivateKey: part.Key, rules.Token: part.Token, rules.HookSecret: part.HookSecret, rules.StatusToken: part.StatusToken}[field]
	return []byte(text), nil
}

func hintOf(problem *manifest.Problem) string {
	if problem.Hint != "" {
		return problem.Hint
	}
	return "try again in a moment; if that does not help, ask the server's operator"
}

// open decrypts a file, unless that was done.
func (v *vault) open(ctx context.Context, s *rules.Sealed) (*contents, *manifest.Problem) {
	sum := sha256.Sum256(s.Text)
	v.mu.Lock()
	o := v.files[sum]
	if o == nil {
		o = &opened{}
		if v.files == nil {
			v.files = map[[sha256.Size]byte]*opened{}
		}
		v.files[sum] = o
	}
	v.mu.Unlock()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.contents != nil:
		return o.contents, nil
	case o.problem != nil && time.Since(o.tried) < openAgain:
		return nil, o.problem
	}
	text, problem := v.keys.Decrypt(ctx, s.File, s.Text)
	var found contents
	if problem == nil && yaml.Unmarshal(text, &found) != nil { // the error would quote it
		problem = &manifest.Problem{Message: "what is encrypted is no text", Hint: "write each credential as one text, and encrypt it again"}
	}
	if problem != nil {
		if ctx.Err() == nil {
			o.problem, o.tried = problem, time.Now()
		}
		return nil, problem
	}
	o.contents, o.problem = &found, nil
	return o.contents, nil
}

// forget drops what none of the rules has.
func (v *vault) forget(all ...*rules.Rules) {
	named := map[[sha256.Size]byte]bool{}
	note := func(s *rules.Sealed) {
		if s != nil {
			named[sha256.Sum256(s.Text)] = true
		}
	}
	for _, r := range all {
		for _, m := range r.Mirrors() {
			note(m.Sealed)
		}
		for _, m := range r.Remotes() {
			note(m.Sealed)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for sum := range v.files {
		if !named[sum] {
			delete(v.files, sum)
		}
	}
}

// credential is what one field of a mirror or a remote has, or the file that another one names.
// It is read each time, so that a file may change.
func (s Settings) credential(ctx context.Context, sealed *rules.Sealed, field, file string) ([]byte, error) {
	if sealed.Has(field) {
		return s.sealed.of(ctx, sealed, field)
	}
	return s.readFile(file)
}

// secret is likewise, of one line.
func (s Settings) secret(ctx context.Context, sealed *rules.Sealed, field, file string) (string, error) {
	text, err := s.credential(ctx, sealed, field, file)
	if err != nil {
		return "", err
	}
	line, err := oneLine(text)
	if err != nil && sealed.Has(field) {
		return "", fmt.Errorf("what %s has is not one line", sealed.At(field))
	}
	return line, err
}

// proposeSealed says which credentials that are encrypted cannot be used.
func (s Settings) proposeSealed(ctx context.Context, sealed *rules.Sealed) (problems manifest.Problems) {
	names := sealed.Names()
	if len(names) == 0 {
		return nil
	}
	if _, problem := s.sealed.open(ctx, sealed); problem != nil {
		told := *problem
		told.Source = sealed.At(names[0])
		return manifest.Problems{told}
	}
	for _, field := range names {
		at := sealed.At(field)
		add := func(message, hint string) {
			problems = append(problems, manifest.Problem{Source: at, Message: field + ": " + message, Hint: hint})
		}
		if field == rules.PrivateKey {
			if text, err := s.credential(ctx, sealed, field, ""); err != nil || !isKey(text) {
				add("it has no private key that can be used", hintKey)
			}
			continue
		}
		switch text, err := s.secret(ctx, sealed, field, ""); {
		case err != nil:
			add("it is not one line", "encrypt it again, on one line")
		case field == rules.HookSecret && len(text) < leastHookSecret:
			add(fmt.Sprintf("the secret has less than %d characters", leastHookSecret), hintHookSecret)
		}
	}
	return problems
}
