package notify

import (
	"context"
	"fmt"
	"io"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/notify/reach"
)

// Keys decrypt the files of admin.git.
type Keys interface {
	Decrypt(ctx context.Context, name string, data []byte) ([]byte, *manifest.Problem)
}

// target is where a receiver is. Nothing of it is shown.
type target struct {
	kind    string
	address *url.URL
	secret  string // by which a webhook knows that the server sends
	from    *mail.Address
	to      []*mail.Address
}

// written is the form of a file with an address.
type written struct {
	Address string `yaml:"address"`
	Secret  string `yaml:"secret"`
}

// Limits of addresses.
const (
	maxAddressFile = 16 << 10
	leastSecret    = 16 // bytes
	maxRecipients  = 50
)

// addresses find the addresses of receivers.
type addresses struct {
	keys  Keys
	files string // the directory with files of the server's disk; "": none may be named
}

// of returns where a receiver is. No error has anything of the address.
func (a addresses) of(ctx context.Context, r *rules.Receiver) (*target, error) {
	text, err := a.read(ctx, r)
	if err != nil {
		return nil, err
	}
	return parseTarget(r.Kind, text)
}

func (a addresses) read(ctx context.Context, r *rules.Receiver) ([]byte, error) {
	if r.Sealed == "" {
		return a.readFile(r.File)
	}
	text, problem := a.keys.Decrypt(ctx, r.Sealed, r.Text)
	if problem != nil {
		return nil, reach.Setup("%s: %s", r.Sealed, problem.Message)
	}
	return text, nil
}

// readFile reads a file of the directory that the settings allow.
func (a addresses) readFile(path string) ([]byte, error) {
	if a.files == "" {
		return nil, reach.Setup("the setting notify.files allows no file of the server's disk")
	}
	inside, err := filepath.Rel(a.files, path)
	if err != nil || !filepath.IsLocal(inside) || inside == "." {
		return nil, reach.Setup("the file of the address is outside of the directory of the setting notify.files")
	}
	root, err := os.OpenRoot(a.files)
	if err != nil {
		return nil, reach.Setup("the directory of the setting notify.files cannot be opened")
	}
	defer root.Close()
	file, err := root.Open(inside)
	if err != nil {
		return nil, reach.Setup("the file of the address cannot be read: it is not there, or not for the server, or a link that leads out of the directory of notify.files")
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, reach.Setup("the file of the address is no plain file")
	}
	text, err := io.ReadAll(io.LimitReader(file, maxAddressFile+1))
	if err != nil || len(text) > maxAddressFile {
		return nil, reach.Setup("the file of the address cannot be read, or has more than %d bytes", maxAddressFile)
	}
	return text, nil
}

// parseTarget reads a file with an address.
func parseTarget(kind string, text []byte) (*target, error) {
	var w written
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&w); err != nil || w.Address == "" {
		return nil, reach.Setup("the file of the address is not like\n  address: https://...\nwith secret: TEXT beside it for a webhook")
	}
	t := &target{kind: kind, secret: w.Secret}
	var err error
	if t.address, err = url.Parse(w.Address); err != nil || t.address.Scheme == "" {
		return nil, reach.Setup("the address is no URL")
	}
	switch kind {
	case rules.Webhook:
		return t, t.checkWebhook()
	case rules.Mail:
		return t, t.readMail()
	}
	if t.address.Scheme != kind {
		return nil, reach.Setup("the address does not begin with %s://", kind)
	}
	return t, nil
}

func (t *target) checkWebhook() error {
	switch {
	case t.address.Scheme != "https" && t.address.Scheme != "http" || t.address.Host == "":
		return reach.Setup("the address of a webhook begins with https://HOST, or http://HOST")
	case len(t.secret) < leastSecret:
		return reach.Setup("the file of the address has no secret of at least %d characters, by which a webhook knows that the server sends", leastSecret)
	}
	return nil
}

// readMail reads smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS&to=ADDRESS,ADDRESS.
func (t *target) readMail() error {
	const form = "the address of mail is like smtps://USER:PASSWORD@HOST?from=ADDRESS&to=ADDRESS,ADDRESS"
	query := t.address.Query()
	for name := range query {
		if !slices.Contains([]string{"from", "to", "plain"}, name) {
			return reach.Setup("%s, and has nothing else", form)
		}
	}
	if t.address.Scheme != "smtp" && t.address.Scheme != "smtps" || t.address.Hostname() == "" {
		return reach.Setup("%s, or begins with smtp://", form)
	}
	from, err := mail.ParseAddress(query.Get("from"))
	if err != nil {
		return reach.Setup("%s: from is no address", form)
	}
	to, err := mail.ParseAddressList(query.Get("to"))
	if err != nil || len(to) > maxRecipients {
		return reach.Setup("%s: to has no list of at most %d addresses", form, maxRecipients)
	}
	for _, each := range append([]*mail.Address{from}, to...) {
		if strings.ContainsAny(each.Address+each.Name, "\r\n") {
			return reach.Setup("%s: an address has more than one line", form)
		}
	}
	t.from, t.to = from, to
	return nil
}

// port is the port of a mail server.
func (t *target) port() string {
	if port := t.address.Port(); port != "" {
		return port
	}
	if t.address.Scheme == "smtps" {
		return "465"
	}
	return "587"
}

// problemOf is an error about a receiver, for whoever pushes the rules.
func problemOf(r *rules.Receiver, err error) manifest.Problem {
	return manifest.Problem{
		Source: r.At, Message: fmt.Sprintf("receiver %s: %v", r.Name, err), Hint: "see docs/notifications.md for the addresses of " + r.Kind,
	}
}
