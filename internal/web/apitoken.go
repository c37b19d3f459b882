package web

import (
	"cmp"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/token"
	"github.com/pushboat/pushboat/internal/audit"
)

// This file says who comes to the API: whoever has a token, with the rights of the key that
// made it, as they are now, within the token's bounds. Cookies count for nothing here, and
// tokens count for nothing at the pages.

// bearer is somebody with a token.
type bearer struct {
	token token.Token
	key   ssh.PublicKey
	began access.Operator // who holds the key
}

// How often an address may come with what is no good token, before it has to wait.
const (
	strikesPerSecond = 0.2
	strikesAtOnce    = 20
)

// Errors of requests without a token that is good.
var (
	errNoToken   = errors.New("a token is missing")
	errBadToken  = errors.New("the token is not good, or no more")
	errManyTries = errors.New("too many requests with tokens that are not good")
)

// bearerOf finds out whose request it is.
func (d *Door) bearerOf(r *http.Request) (*bearer, access.Caller, error) {
	given, err := givenToken(r)
	if err != nil {
		return nil, access.Caller{}, err
	}
	from := d.addressOf(r)
	b, err := d.open(given, from)
	if err != nil {
		return nil, access.Caller{}, d.strike(b, from, err)
	}
	caller := b.caller(b.began, from)
	if d.Tokens.Use(b.token.ID, from) {
		e := audit.Of(audit.Login, caller)
		e.Decision = audit.Allowed
		d.Trail.NoteLimited(e.Operator, e)
	}
	return b, caller, nil
}

// caller is who somebody is that holds the token's key.
func (b *bearer) caller(op access.Operator, from net.Addr) access.Caller {
	caller := op.Caller(from)
	caller.Door, caller.Token = access.API, b.token.Bounds()
	return caller
}

// givenToken is the text of a request's token.
func givenToken(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	if len(headers) == 0 {
		return "", errNoToken
	}
	scheme, text, _ := strings.Cut(headers[0], " ")
	if len(headers) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return "", errBadToken
	}
	return text, nil
}

// open returns who has a token. With an error, b is set if there is such a token.
func (d *Door) open(given string, from net.Addr) (b *bearer, err error) {
	if !token.IsOne(given) {
		return nil, errors.New("no token")
	}
	found, key, ok := d.Tokens.Find(given)
	if !ok {
		return nil, errors.New("a token that is not known, or no more")
	}
	b = &bearer{token: found, key: key}
	b.began, err = d.whose(key, found.Operator, from)
	return b, err
}

// strike has a token that opens nothing on the audit trail, and slows whoever tries many.
func (d *Door) strike(b *bearer, from net.Addr, why error) error {
	if !d.strikes.enters(from) {
		return errManyTries
	}
	e := audit.Of(audit.Login, access.Caller{Remote: from.String(), Door: access.API})
	e.Decision, e.Reason = audit.Refused, why.Error()
	if b != nil {
		e.Operator, e.Key, e.Token = b.token.Operator, b.token.Key, b.token.ID
	}
	d.Trail.NoteLimited(cmp.Or(e.Operator, e.Address), e)
	return errBadToken
}

// still says why somebody's token opens nothing any more, or less than when they began.
func (d *Door) still(b *bearer, from net.Addr) error {
	if !d.Tokens.Good(b.token.ID) {
		return errBadToken
	}
	now, err := d.whose(b.key, b.token.Operator, from)
	if err != nil {
		return err
	}
	return b.began.Lost(now)
}

// Limits of what the API does at once: for one token, and for all; and of streams.
const (
	maxCallsEach     = 8
	maxCalls         = 32
	maxAPIStreams    = 500
	maxTokensStreams = 16 // of one token
)

// Errors of requests beyond the limits.
var (
	errManyCalls = errors.New("too many requests of this token are running")
	errBusy      = errors.New("the server has too many requests of programs now")
)

// calls are the verbs and the streams of the API that are running, by token.
type calls struct {
	mu      sync.Mutex
	verbs   map[string]int
	streams map[string]int
}

// begin counts a verb until end is called.
func (c *calls) begin(id string) (end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return count(&c.mu, &c.verbs, id, maxCallsEach, maxCalls)
}

// follow counts a stream until end is called.
func (c *calls) follow(id string) (end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return count(&c.mu, &c.streams, id, maxTokensStreams, maxAPIStreams)
}

// count adds one to what goes on for a token. mu is held, and protects it.
func count(mu *sync.Mutex, of *map[string]int, id string, each, all int) (end func(), err error) {
	total := 0
	for _, n := range *of {
		total += n
	}
	switch {
	case (*of)[id] >= each:
		return nil, errManyCalls
	case total >= all:
		return nil, errBusy
	case *of == nil:
		*of = map[string]int{}
	}
	(*of)[id]++
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if (*of)[id]--; (*of)[id] == 0 {
			delete(*of, id)
		}
	}, nil
}
