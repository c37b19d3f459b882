// Package audit keeps the audit trail: one line for every decision and every change of
// state, with who, from where, on what and by which rule. Each line has the hash of the
// one before it, so that a line that was removed, changed or moved is found.
//
// The trail is files of JSON lines in a folder, of which the newest grows and the oldest
// go when there are too many. A line that something waits for is on disk before that
// goes on (Trail.Write); lines of what has happened anyway follow soon (Trail.Note). What
// a stranger or a denied caller can cause any number of times has a quota
// (Trail.NoteLimited).
package audit

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/access"
)

// Kind is the subject of a line.
type Kind string

// The kinds. Their names, and those of the fields of Event, are for programs and stay.
const (
	Login         Kind = "login"          // a key was let in, or refused
	SessionEnded  Kind = "session-ended"  // the server cut a session off
	Push          Kind = "push"           // a ref of a push was judged
	Verb          Kind = "verb"           // a verb was allowed or refused
	Rules         Kind = "rules"          // a revision of admin.git comes into force
	DeployStarted Kind = "deploy-started" // a deploy, rollback or removal begins
	DeployEnded   Kind = "deploy-ended"   // its record is kept
	Correction    Kind = "correction"     // drift was taken back, or found and left
	KeyExpired    Kind = "key-expired"    // the time of a key has come
	TokenMade     Kind = "token-made"     // a token of the API is good from now on
	TokenEnded    Kind = "token-ended"    // it was revoked, or its time has come
	BackupMade    Kind = "backup"         // the server has made a backup by itself
	ServerStarted Kind = "server-started" // a server has taken the data directory
	ServerStopped Kind = "server-stopped" // it stops in order
	OfTrail       Kind = "trail"          // something happened to the trail itself
)

// Kinds lists the kinds, for filters.
var Kinds = []Kind{Login, SessionEnded, Push, Verb, Rules, DeployStarted, DeployEnded, Correction, KeyExpired, TokenMade, TokenEnded, BackupMade, ServerStarted, ServerStopped, OfTrail}

// Decisions lists the decisions, for filters.
var Decisions = []Decision{Allowed, Refused, Planned}

// Decision is the answer to somebody who asked.
type Decision string

// The decisions.
const (
	Allowed Decision = "allowed"
	Refused Decision = "refused"
	Planned Decision = "planned" // a push with -o plan: it moved nothing
)

// Event is a line of the trail. Time, Seq, Prev and Hash are filled in when it is
// written. No field holds a secret.
type Event struct {
	Time       time.Time `json:"time"` // in UTC
	Seq        uint64    `json:"seq"`  // from 1, without gaps
	Kind       Kind      `json:"event"`
	Operator   string    `json:"operator,omitempty"`  // pushboat is the server itself
	Key        string    `json:"key,omitempty"`       // the fingerprint of the verified key, SHA256:…
	Authority  string    `json:"authority,omitempty"` // who has signed the certificate of the key, see authorities.yaml; empty: there is none
	Serial     uint64    `json:"serial,omitempty"`    // of the certificate; 0: it has none
	KeyID      string    `json:"keyId,omitempty"`     // of the certificate
	Address    string    `json:"address,omitempty"`   // where the call comes from, 192.0.2.7:51234
	Door       string    `json:"door,omitempty"`      // web for what comes from the pages, mcp for tools of assistants, api for programs with a token; empty for ssh
	Token      string    `json:"token,omitempty"`     // the id of the token that it comes with, or is about
	Repository string    `json:"repository,omitempty"`
	App        string    `json:"app,omitempty"`
	Ref        string    `json:"ref,omitempty"` // its full name
	Old        string    `json:"old,omitempty"` // the commit before; empty: the ref is new
	New        string    `json:"new,omitempty"` // the commit after; empty: the ref goes
	Verb       string    `json:"verb,omitempty"`
	Arguments  []string  `json:"arguments,omitempty"`    // of the verb, with its flags
	Rule       string    `json:"rule,omitempty"`         // access.yaml:7; empty: a key file decided, or nothing gives the right
	SignedBy   string    `json:"signedBy,omitempty"`     // who signed the commits of a push, where a rule asks for that
	PushBy     string    `json:"pushSignedBy,omitempty"` // who signed the push itself
	Decision   Decision  `json:"decision,omitempty"`
	Reason     string    `json:"reason,omitempty"` // the cause, the result, or why it was refused
	Count      int       `json:"count,omitempty"`  // how many lines like this one were left out before it
	Prev       string    `json:"prev"`             // the hash of the line before
	Hash       string    `json:"hash"`             // see encode
}

// Of begins the event of a caller.
func Of(kind Kind, c access.Caller) Event {
	return Event{
		Kind: kind, Operator: c.Operator, Key: c.Fingerprint, Address: c.Remote, Door: string(c.Door), Token: c.Token.ID,
		Authority: c.Certificate.Authority, Serial: c.Certificate.Serial, KeyID: c.Certificate.KeyID,
	}
}

// Limits of a line, in bytes. With all of them reached it has about 6 KiB.
const (
	maxText      = 256
	maxReason    = 512
	maxArgument  = 128
	maxArguments = 16
)

// bounded returns the event with every text that somebody else wrote limited, and quoted
// where it has characters that do not print.
func (e Event) bounded() Event {
	for _, text := range []*string{&e.Operator, &e.Key, &e.Authority, &e.KeyID, &e.Address, &e.Door, &e.Token, &e.Repository, &e.App, &e.Ref, &e.Old, &e.New, &e.Verb, &e.Rule, &e.SignedBy, &e.PushBy} {
		*text = bound(*text, maxText)
	}
	e.Kind, e.Decision = Kind(bound(string(e.Kind), maxText)), Decision(bound(string(e.Decision), maxText))
	e.Reason = bound(e.Reason, maxReason)
	given := e.Arguments
	e.Arguments = nil
	for i, argument := range given {
		if i == maxArguments {
			e.Arguments = append(e.Arguments, "…")
			break
		}
		e.Arguments = append(e.Arguments, bound(argument, maxArgument))
	}
	return e
}

// bound cuts a text to a number of bytes, and quotes it as Go does if not all of it
// prints.
func bound(text string, most int) string {
	cut := text
	if len(cut) > most {
		cut = cut[:most]
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(cut[max(0, len(cut)-utf8.UTFMax):]); i++ {
			cut = cut[:len(cut)-1]
		}
	}
	plain := utf8.ValidString(cut) && !strings.ContainsFunc(cut, func(r rune) bool { return !unicode.IsPrint(r) })
	if !plain {
		cut = strconv.QuoteToGraphic(cut)
	}
	if len(text) > most {
		cut += "…"
	}
	return cut
}
