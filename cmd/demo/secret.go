package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// token is a Secret by somebody who does not think of the history.
const token = `apiVersion: v1
kind: Secret
metadata:
  name: token
stringData:
  token: correct-horse-battery-staple
`

// tokenFile is its path in the working copy.
const tokenFile = "deploy/token.yaml"

// pushSecret pushes a Secret in the clear, which is refused, and then encrypted for the
// server, which is deployed.
func (d *demo) pushSecret(ctx context.Context) error {
	if err := d.writeToken(token); err != nil {
		return err
	}
	d.say("$ cat %s\n%s", tokenFile, token)
	if err := d.commitToken(ctx); err != nil {
		return err
	}
	said, err := d.show(ctx, d.path("shop"), "git", "push", "origin", "main")
	var exit *exec.ExitError
	switch {
	case err == nil:
		return errors.New("the push was accepted, with a Secret that everybody can read")
	case !errors.As(err, &exit):
		return err
	case !strings.Contains(said, "stringData.token is not encrypted"):
		return errors.New("the refusal does not name stringData.token")
	}
	d.say("\nEncrypt it for the server, whose SSH host key is the recipient:\n")
	if err := d.encryptToken(ctx); err != nil {
		return err
	}
	if err := d.commitToken(ctx, "--amend"); err != nil {
		return err
	}
	if err := d.push(ctx); err != nil {
		return err
	}
	return d.cluster.hasToken(ctx)
}

func (d *demo) writeToken(text string) error {
	if err := os.WriteFile(d.path("shop", filepath.FromSlash(tokenFile)), []byte(text), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", tokenFile, err)
	}
	return nil
}

func (d *demo) commitToken(ctx context.Context, more ...string) error {
	if _, err := d.git(ctx, "add", tokenFile); err != nil {
		return err
	}
	_, err := d.git(ctx, append([]string{"commit", "-q", "-m", "Add a token"}, more...)...)
	return err
}

// encryptToken does what sops does, for users without sops.
func (d *demo) encryptToken(ctx context.Context) error {
	recipient, err := d.output(ctx, d.dir, "ssh", "-F", d.path("ssh_config"), "pushboat", "secrets", "recipient")
	if err != nil {
		return err
	}
	d.say(`$ pushboat-sops encrypt --age "$(ssh pushboat secrets recipient)" \`)
	d.say("    --regex '^stringData$' %s", tokenFile)
	text, err := d.output(ctx, d.path("shop"), filepath.Join(d.bin, "pushboat-sops"), "encrypt",
		"--age", recipient, "--regex", "^stringData$", tokenFile)
	if err != nil {
		return err
	}
	if strings.Contains(text, "correct-horse") || !strings.Contains(text, "kind: Secret") {
		return errors.New("the file is not encrypted as it should be")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "sops:" {
			d.say("sops: ...\n")
			break
		}
		if len(line) > 72 {
			line = line[:69] + "..."
		}
		d.say("%s", line)
	}
	return d.writeToken(text + "\n")
}

// hasToken checks that the cluster has the Secret in the clear.
func (c *cluster) hasToken(ctx context.Context) error {
	secret, err := c.client.CoreV1().Secrets(namespace).Get(ctx, "token", metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("read Secret shop/token: %w", err)
	}
	if !strings.Contains(token, string(secret.Data["token"])) || len(secret.Data["token"]) == 0 {
		return errors.New("the Secret shop/token does not have the token")
	}
	return nil
}
