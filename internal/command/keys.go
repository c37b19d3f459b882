package command

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access"
)

// keyRow is a key as it is listed.
type keyRow struct {
	Operator string      `json:"operator"`
	Kind     string      `json:"kind,omitempty"` // person or robot; "" for a key of a key file
	Key      string      `json:"key"`            // its fingerprint
	Type     string      `json:"type,omitempty"`
	Role     access.Role `json:"role,omitempty"` // in a key file
	Expires  *time.Time  `json:"expires,omitempty"`
	Expired  bool        `json:"expired,omitempty"`
	Soon     bool        `json:"expiresSoon,omitempty"` // within expiresSoon
	From     string      `json:"from,omitempty"`
	Place    string      `json:"place"` // such as operators/ana.yaml:3
}

// expiresSoon is how long before a key expires the list of keys warns of it.
const expiresSoon = 14 * 24 * time.Hour

// listKeys lists the caller's keys, or all of them for an admin.
func listKeys(_ context.Context, c *call) error {
	rows := c.keyRows(time.Now())
	if !c.Policy.Allows(c.Caller(), access.Administer, access.Subject{}) {
		rows = slices.DeleteFunc(rows, func(row keyRow) bool { return row.Operator != c.Caller().Operator })
	}
	if err := c.print(rows, func(w io.Writer) { printKeys(w, rows) }); err != nil {
		return err
	}
	for _, row := range rows {
		if row.Soon {
			fmt.Fprintf(c.Stderr(), "warning: %s's key %s expires on %s\n", row.Operator, row.Key, row.Expires.UTC().Format(access.ExpiryLayout))
		}
	}
	return nil
}

// keyRows lists the keys of the rules and of the key files, by operator.
func (c *call) keyRows(now time.Time) []keyRow {
	rows := []keyRow{}
	for _, operator := range c.Rules().Operators() {
		for _, key := range operator.Keys {
			row := keyRow{
				Operator: operator.Name, Kind: string(operator.Kind), Key: key.Fingerprint(), Type: key.Public.Type(),
				From: string(key.From), Place: key.At.String(),
			}
			if !key.Expires.IsZero() {
				row.Expires, row.Expired = &key.Expires, !now.Before(key.Expires)
				row.Soon = !row.Expired && key.Expires.Before(now.Add(expiresSoon))
			}
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
		who := row.Operator
		if row.Kind == "robot" {
			who += " (robot)"
		}
		table.row(who, row.Key, expires, dash(row.From), row.Place)
	}
	table.print()
	if len(rows) == 0 {
		fmt.Fprintln(w, "No key of yours is listed.")
	}
}
