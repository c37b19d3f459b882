package command

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
)

// keyRow is a key as it is listed.
type keyRow struct {
	Operator string      `json:"operator"`
	Kind     string      `json:"kind,omitempty"` // person or robot; "" for a key of a key file
	Key      string      `json:"key,omitempty"`  // its fingerprint
	Type     string      `json:"type,omitempty"`
	Role     access.Role `json:"role,omitempty"` // in a key file
	Expires  *time.Time  `json:"expires,omitempty"`
	Expired  bool        `json:"expired,omitempty"`
	Soon     bool        `json:"expiresSoon,omitempty"` // within expiresSoon
	From     string      `json:"from,omitempty"`
	Place    string      `json:"place"` // such as operators/ana.yaml:3

	// Of certificates: who signs them, for which principal, and for members of which group;
	// or the caller's own.
	Authority string `json:"authority,omitempty"`
	Principal string `json:"principal,omitempty"`
	Group     string `json:"group,omitempty"`
	Serial    uint64 `json:"serial,omitempty"`
	KeyID     string `json:"keyId,omitempty"`
}

// isKey reports whether the row is a key that operators log in with.
func (r keyRow) isKey() bool { return r.Authority == "" }

// expiresSoon is how long before a key expires the list of keys warns of it.
const expiresSoon = 14 * 24 * time.Hour

// listKeys lists the caller's keys, or all of them for an admin.
func listKeys(_ context.Context, c *call) error {
	now := time.Now()
	rows := append(c.keyRows(now), authorityRows(c.Rules(), now)...)
	if !c.Policy.Allows(c.Caller(), access.Administer, access.Subject{}) {
		rows = slices.DeleteFunc(rows, func(row keyRow) bool { return row.Operator != c.Caller().Operator })
	}
	rows = append(rows, certificateRow(c.Caller(), now)...)
	if err := c.print(listed(rows), func(w io.Writer) { printKeys(w, rows) }); err != nil {
		return err
	}
	for _, row := range rows {
		if row.Soon {
			fmt.Fprintf(c.Stderr(), "warning: %s's key %s expires on %s\n", cmp.Or(row.Operator, row.Authority), row.Key, row.Expires.UTC().Format(access.ExpiryLayout))
		}
	}
	return nil
}

// keyRows lists the keys of the rules and of the key files, by operator.
func (c *call) keyRows(now time.Time) []keyRow {
	rows := []keyRow{}
	for _, operator := range c.Rules().Operators() {
		for _, key := range operator.Keys {
			row := rowOf(key, now)
			row.Operator, row.Kind = operator.Name, string(operator.Kind)
			rows = append(rows, row)
		}
	}
	files := c.KeyFiles()
	for _, key := range files.Operators() {
		place, _ := files.Find(key.Fingerprint)
		rows = append(rows, keyRow{Operator: key.Name, Key: key.Fingerprint, Role: key.Role, From: string(key.From), Place: place})
	}
	slices.SortStableFunc(rows, func(a, b keyRow) int { return strings.Compare(a.Operator, b.Operator) })
	return rows
}

// rowOf is a key of the rules.
func rowOf(key rules.Key, now time.Time) keyRow {
	row := keyRow{Key: key.Fingerprint(), Type: key.Public.Type(), From: string(key.From), Place: key.At.String()}
	row.expire(key.Expires, now)
	return row
}

func (r *keyRow) expire(at, now time.Time) {
	if !at.IsZero() {
		r.Expires, r.Expired = &at, !now.Before(at)
		r.Soon = !r.Expired && at.Before(now.Add(expiresSoon))
	}
}

// authorityRows lists the keys of authorities, and whom their certificates let in.
func authorityRows(now *rules.Rules, at time.Time) (rows []keyRow) {
	for _, authority := range now.Authorities() {
		for _, key := range authority.Keys {
			row := rowOf(key, at)
			row.Authority = authority.Name
			rows = append(rows, row)
		}
		for _, p := range authority.Principals {
			rows = append(rows, keyRow{Operator: p.Operator, Group: p.Group, Authority: authority.Name, Principal: p.Name, Place: p.At.String()})
		}
	}
	return rows
}

// certificateRow is the certificate with which the caller has come, if there is one.
func certificateRow(caller access.Caller, now time.Time) []keyRow {
	cert := caller.Certificate
	if cert.Authority == "" {
		return nil
	}
	row := keyRow{
		Operator: caller.Operator, Key: caller.Fingerprint, Authority: cert.Authority, Serial: cert.Serial, KeyID: cert.KeyID,
		Place: "this session",
	}
	row.expire(cert.Expires, now)
	row.Soon = false // certificates are short-lived
	return []keyRow{row}
}

// texts are the first two columns of the row: whose it is, and the key or certificates.
func (r keyRow) texts() (who, key string) {
	switch {
	case r.isKey() && r.Kind == string(rules.Robot):
		return r.Operator + " (robot)", r.Key
	case r.isKey():
		return r.Operator, r.Key
	case r.Principal != "" && r.Group != "":
		return r.Group + " (group)", fmt.Sprintf("certificates of %s, principal %s", r.Authority, r.Principal)
	case r.Principal != "":
		return r.Operator, fmt.Sprintf("certificates of %s, principal %s", r.Authority, r.Principal)
	case r.Operator != "":
		return r.Operator, access.Certificate{Authority: r.Authority, Serial: r.Serial, KeyID: r.KeyID}.String()
	}
	return r.Authority + " (authority)", r.Key
}

func printKeys(w io.Writer, rows []keyRow) {
	table := newTable(w, "OPERATOR", "KEY", "EXPIRES", "FROM", "PLACE")
	for _, row := range rows {
		expires := "-"
		if row.Expires != nil {
			expires = row.Expires.UTC().Format(access.ExpiryLayout)
		}
		if row.Expired {
			expires = "expired"
		}
		who, key := row.texts()
		table.row(who, manifest.Clean(key), expires, dash(row.From), row.Place)
	}
	table.print()
	if len(rows) == 0 {
		fmt.Fprintln(w, "No key of yours is listed.")
	}
}
