package notify

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
)

// canary is a part of addresses that must not be repeated.
const canary = "hunter2-Xq9ZkT7w"

// decrypts has the text of every file, or none.
type decrypts string

func (d decrypts) Decrypt(context.Context, string, []byte) ([]byte, *manifest.Problem) {
	if d == "" {
		return nil, &manifest.Problem{Message: "no key of the server opens it"}
	}
	return []byte(d), nil
}

func TestAddresses(t *testing.T) {
	const secret = "\nsecret: " + canary
	for name, test := range map[string]struct{ kind, text, want string }{ // want is of the error; "": none
		"a webhook":                  {rules.Webhook, "address: https://hooks.example.org/" + canary + secret, ""},
		"without TLS":                {rules.Webhook, "address: http://10.0.0.1:8080/x" + secret, ""},
		"without a secret":           {rules.Webhook, "address: https://hooks.example.org/" + canary, "has no secret of at least 16"},
		"a short secret":             {rules.Webhook, "address: https://hooks.example.org/" + canary + "\nsecret: short", "has no secret of at least 16"},
		"another scheme":             {rules.Webhook, "address: file:///etc/" + canary + secret, "begins with https://HOST"},
		"no host":                    {rules.Webhook, "address: https:///" + canary + secret, "begins with https://HOST"},
		"no URL":                     {rules.Webhook, "address: '" + canary + "'" + secret, "is no URL"},
		"no URL at all":              {rules.Webhook, "address: 'https://%zz" + canary + "'" + secret, "is no URL"},
		"no YAML":                    {rules.Webhook, "https://hooks.example.org/" + canary, "is not like"},
		"an unknown field":           {rules.Webhook, "address: https://x.org/\ntoken: " + canary, "is not like"},
		"nothing":                    {rules.Webhook, "", "is not like"},
		"a service":                  {"slack", "address: slack://token:" + canary + "@channel", ""},
		"another service":            {"slack", "address: discord://" + canary + "@1", "does not begin with slack://"},
		"mail":                       {rules.Mail, "address: smtps://ana:" + canary + "@mail.example.org?from=a@x.org&to=b@x.org,c@x.org", ""},
		"mail without from":          {rules.Mail, "address: smtps://ana:" + canary + "@mail.example.org?to=b@x.org", "from is no address"},
		"mail to nobody":             {rules.Mail, "address: smtps://ana:" + canary + "@mail.example.org?from=a@x.org", "to has no list"},
		"mail to too many":           {rules.Mail, "address: smtps://mail.example.org?from=a@x.org&to=" + strings.Repeat(canary+"@x.org,", 51) + "b@x.org", "to has no list of at most 50"},
		"mail by another scheme":     {rules.Mail, "address: https://" + canary + "?from=a@x.org&to=b@x.org", "or begins with smtp://"},
		"mail with more":             {rules.Mail, "address: smtp://mail.example.org?from=a@x.org&to=b@x.org&" + canary + "=1", "and has nothing else"},
		"mail with more than a line": {rules.Mail, "address: smtp://mail.example.org?from=a@x.org%0d%0aBcc:" + canary + "&to=b@x.org", "from is no address"},
	} {
		for _, from := range []string{"sops", "file"} {
			dir := t.TempDir()
			r, a := &rules.Receiver{Name: "ops", Kind: test.kind, Sealed: "receivers/ops.yaml"}, addresses{keys: decrypts(test.text), files: dir}
			if from == "file" {
				r.Sealed, r.File = "", filepath.Join(dir, "ops")
				if err := os.WriteFile(r.File, []byte(test.text), 0o600); err != nil {
					t.Fatal(err)
				}
			} else if test.text == "" {
				continue
			}
			_, err := a.of(t.Context(), r)
			if (err == nil) != (test.want == "") || err != nil && (!strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), canary)) {
				t.Errorf("%s, by %s: %v", name, from, err)
			}
		}
	}
}

// A file must be in the directory that the settings name, whatever its path and links say.
func TestFilesThatMayBeRead(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), canary)
	for _, file := range []string{outside, filepath.Join(dir, "large")} {
		if err := os.WriteFile(file, []byte(strings.Repeat("x", maxAddressFile+1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		outside:                             "is outside of the directory",
		dir:                                 "is outside of the directory",
		dir + "/../" + canary:               "is outside of the directory",
		filepath.Join(dir, "link"):          "a link that leads out",
		filepath.Join(dir, "none"):          "it is not there",
		filepath.Join(dir, "large"):         "more than 16384 bytes",
		filepath.Join(dir, "large", canary): "cannot be read",
	} {
		if _, err := (addresses{files: dir}).readFile(path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	if _, err := (addresses{}).readFile(outside); err == nil || !strings.Contains(err.Error(), "allows no file") {
		t.Errorf("without the setting: %v", err)
	}
	if _, err := (addresses{keys: decrypts("")}).of(t.Context(), &rules.Receiver{Sealed: "receivers/ops.yaml"}); err == nil || err.Error() != "receivers/ops.yaml: no key of the server opens it" {
		t.Errorf("a file that the server cannot open: %v", err)
	}
}

// A push of rules is judged by what it changes.
func TestPropose(t *testing.T) {
	w := newWorld(t, "https://hooks.example.org")
	n := w.notifier()
	defer n.kill()
	if problems := n.Propose(t.Context(), w.rules.Load().Notifications()); len(problems) > 0 {
		t.Errorf("what is in force: %v", problems)
	}
	next := *w.rules.Load().Notifications()
	next.Receivers = append([]*rules.Receiver{{Name: "new", Kind: rules.Webhook, File: filepath.Join(w.dir, "none"), At: manifest.Source{File: "notifications.yaml", Line: 7}}}, next.Receivers...)
	next.Templates = []*rules.Template{{Topic: rules.DeployFailed, Text: "{{.Password}}", At: manifest.Source{File: "notifications.yaml", Line: 9}}}
	problems := n.Propose(t.Context(), &next)
	if len(problems) != 2 || problems[0].Source.Line != 7 || !strings.Contains(problems[0].Message, "receiver new: the file of the address cannot be read") ||
		problems[1].Source.Line != 9 || !strings.Contains(problems[1].Message, "the text of deployFailed cannot be used: ") {
		t.Errorf("problems %v", problems)
	}
}
