package command

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/pflag"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
	"github.com/pushboat/pushboat/internal/rulebook"
)

// expireKeyHelp explains the end of a key.
const expireKeyHelp = "FINGERPRINT is SHA256:..., as keys list shows it. The key expires now, or --at a\n" +
	"time: 2026-12-31 or 2026-12-31T18:00, in UTC. Its sessions end then. The change\n" +
	"is committed to the repository admin.\n" +
	"Example: keys expire SHA256:qv6Wm... --at 2026-12-31"

func expireKeyFlags(f *pflag.FlagSet) {
	f.String("at", "", "when it expires; now if left out")
	reviseFlags(f)
}

// expireKey has a key expire.
func expireKey(ctx context.Context, c *call) error {
	fingerprint, err := parseFingerprint(c.args[0])
	if err != nil {
		return err // before the audit trail repeats what it may be
	}
	if err := c.check(c.right(), access.Subject{}); err != nil {
		return err
	}
	at, _ := c.flags.GetString("at") // the flags are those of expireKeyFlags
	when := time.Now().UTC().Truncate(time.Second)
	if at != "" {
		if when, err = parseExpiry("--at", at); err != nil {
			return err
		}
	}
	result := revisedKey{Key: fingerprint, Expires: &when}
	err = c.revise(ctx, &result, rulebook.Revision{
		Subject: "Expire key " + fingerprint, By: c.Caller(),
		Edit: func(tree fs.FS, now *rules.Rules) (map[string][]byte, error) {
			owner, path, err := c.expirable(now, fingerprint, when)
			if err != nil {
				return nil, err
			}
			result.Operator = owner
			file, err := fs.ReadFile(tree, path)
			if err != nil {
				return nil, err
			}
			file, err = rules.ExpireKey(file, fingerprint, when)
			return map[string][]byte{path: file}, err
		},
	})
	if place, stands := c.KeyFiles().Find(fingerprint); err == nil && stands {
		fmt.Fprintf(c.Stderr(), "warning: the key also stands in a key file, and opens the server until it leaves it: %s\n", place)
	}
	return err
}

func parseFingerprint(text string) (string, error) {
	if access.HasPrivateKey(text) {
		return "", access.ErrPrivateKey
	}
	if len(text) > maxKeyComment || strings.ContainsFunc(text, unicode.IsSpace) {
		return "", usageError{"FINGERPRINT is SHA256: and 43 letters, as keys list shows it"}
	}
	return "SHA256:" + strings.TrimPrefix(text, "SHA256:"), nil
}

// expirable finds a key that is to expire at a moment, and does not yet: whose it is, and
// in which file it stands.
func (c *call) expirable(now *rules.Rules, fingerprint string, when time.Time) (owner, path string, err error) {
	key, ok := now.Key(fingerprint)
	if !ok {
		if place, there := c.KeyFiles().Find(fingerprint); there {
			return "", "", report.WithHint(fmt.Errorf("the key %s stands in a key file (%s), where no key expires", fingerprint, place), "remove its line there")
		}
		return "", "", report.WithHint(fmt.Errorf("there is no key %s", manifest.Clean(fingerprint)), "list the keys: ssh HOST keys list")
	}
	if !key.Expires.IsZero() && !key.Expires.After(time.Now()) && !when.After(time.Now()) {
		return "", "", report.WithHint(fmt.Errorf("the key %s has expired already (%s)", fingerprint, key.At), "list the keys: ssh HOST keys list")
	}
	holder, _ := now.Lookup(key.Public)
	return holder.Name, key.At.File, nil
}

func parseExpiry(flag, text string) (time.Time, error) {
	when, ok := rules.ParseExpiry(text)
	if !ok {
		return when, usageError{fmt.Sprintf("%s %s: give a day or a moment, such as 2026-12-31 or 2026-12-31T18:00, in UTC", flag, manifest.Clean(text))}
	}
	return when, nil
}
