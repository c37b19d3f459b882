package rules

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// readTouch reads requireTouch: operators and groups who come in with FIDO keys only. Such a
// key opens the server when it is touched, so nobody uses it from afar. It is read when all
// operators are.
func (p *parser) readTouch(r *form.Reader, f form.Field) {
	p.rules.touch = map[string]manifest.Source{}
	for _, who := range p.readWho(r, f) {
		p.rules.touch[who] = manifest.Source{File: r.File, Line: f.Line}
	}
	for _, operator := range p.rules.Operators() {
		at, demanded := p.rules.demandsTouch(operator.Name)
		if !demanded {
			continue
		}
		for _, key := range operator.Keys {
			if !isFIDO(key.Public) {
				p.add(key.At.File, key.At.Line, fmt.Sprintf("the key %s is no FIDO key, which %s demands of %s", key.Fingerprint(), at, operator.Name),
					"make one that has to be touched: ssh-keygen -t ed25519-sk")
			}
		}
	}
}

func isFIDO(key ssh.PublicKey) bool { return strings.HasPrefix(key.Type(), "sk-") }

// demandsTouch reports whether an operator, or members of groups (see access.Groups.Who),
// come in with FIDO keys only, and where that stands.
func (r *Rules) demandsTouch(who string) (at manifest.Source, demanded bool) {
	names := append([]string{Everyone, who}, r.of[who]...)
	if groups, members := access.ParseGroups(who); members {
		names = append(names, groups.Names()...)
	}
	for _, name := range names {
		if at, ok := r.touch[name]; ok {
			return at, true
		}
	}
	return manifest.Source{}, false
}

// checkTouch refuses a certificate of a key that is no FIDO key, where one is demanded of
// its bearer.
func (r *Rules) checkTouch(op *access.Operator, key ssh.PublicKey) error {
	who := op.Name
	if op.Groups != "" {
		who = op.Groups.Who()
	}
	if at, demanded := r.demandsTouch(who); demanded && !isFIDO(key) {
		return fmt.Errorf("is of a key that is no FIDO key, which %s demands of %s", at, label(who))
	}
	return nil
}

// touches compares of whom FIDO keys are demanded.
func (c *comparison) touches(who string) {
	_, was := c.before.demandsTouch(who)
	_, is := c.after.demandsTouch(who)
	switch {
	case is && !was:
		c.say(who, changes, "can only come in with FIDO keys, which have to be touched")
	case was && !is:
		c.say(who, changes, "can come in with keys that are no FIDO keys")
	}
}
