package charts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/grant"
)

// asking is with which credentials somebody asks for charts.
type asking struct {
	limited bool         // not with all
	secrets []credential // that may be used
	// scope is of what was fetched with the same credentials: on disk, a chart is for those
	// alone who could have fetched it. "": with all that there are, whichever those were.
	scope string
}

// asking returns the credentials that may be used.
func (s *Store) asking(credentials grant.Names) asking {
	if credentials.All() {
		return asking{secrets: s.client.secrets}
	}
	a := asking{limited: true}
	sum := sha256.New()
	for _, secret := range s.client.secrets { // in the order of their addresses
		if credentials.Has(secret.name) {
			a.secrets = append(a.secrets, secret)
			sum.Write([]byte(secret.name + "\x00"))
		}
	}
	a.scope = "-" + hex.EncodeToString(sum.Sum(nil))[:32]
	return a
}

// Names returns the addresses of the credentials that a configuration has, sorted, as grants
// name them.
func Names(config Config) []string {
	var names []string
	for address := range config.Credentials {
		if p, err := parsePlace(address); err == nil {
			names = append(names, p.String())
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// credentialOf returns the credential that a chart on disk took; "" for none. Of one that was
// kept when that was not noted yet, it is the one that its address would be asked with.
func (a asking) credentialOf(known pin, digest string, at place) string {
	if known.Digest == digest && known.Credential != nil {
		if name := *known.Credential; slices.ContainsFunc(a.secrets, func(c credential) bool { return c.name == name }) {
			return name
		}
		return "" // it was fetched without, by somebody who has none of that name
	}
	if secret := (&client{secrets: a.secrets}).secretFor(at.web()); secret != nil {
		return secret.name
	}
	return ""
}

// WithheldError is the error of a registry that refuses somebody who may not use all
// credentials, and has none for it. It is the same whether there are such or not.
type WithheldError struct{ err error }

// Error implements error.
func (e *WithheldError) Error() string { return e.err.Error() }

// Unwrap returns the error of the registry.
func (e *WithheldError) Unwrap() error { return e.err }

// withheld says of an error that credentials which may not be used could have helped.
func (a asking) withheld(at place, err error) error {
	status, ok := errors.AsType[*errStatus](err)
	if !ok || !a.limited || (&client{secrets: a.secrets}).secretFor(at.web()) != nil {
		return err
	}
	switch status.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound:
		return &WithheldError{err}
	}
	return err
}

// with returns a client that has only some of the credentials, for one chart: it notes
// those that it sends.
func (c *client) with(secrets []credential) *client {
	part := *c
	part.secrets = secrets
	return &part
}

// note notes that credentials were sent. A chart may take several: of its index, and of its
// archive, which are not far from each other.
func (c *client) note(secret *credential) {
	if c.sent == "" || strings.Compare(secret.name, c.sent) < 0 {
		c.sent = secret.name
	}
}
