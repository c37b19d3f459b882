package command

import (
	"context"
	"fmt"
)

// recipientHelp explains how to encrypt a first file.
const recipientHelp = "With SOPS (getsops.io), files in a repository are encrypted for it:\n\n" +
	"  sops encrypt -i --age \"$(ssh HOST secrets recipient)\" \\\n" +
	"    --encrypted-regex '^(data|stringData)$' secret.yaml\n\n" +
	"Values for charts and .env files alike, without --encrypted-regex. Commit and\n" +
	"push the file: the server decrypts it when it renders, and nowhere else. To\n" +
	"edit it later, add a key of your own: --age \"$(ssh ...),age1...\".\n" +
	"A push with a Secret in the clear is refused; plainSecrets: allow in\n" +
	"pushboat.yaml permits it for an app, git push -o plain-secrets once."

// explained are the verbs that help explains in full beside the others of their group.
var explained = map[string]string{"secrets": "secrets recipient"}

// recipient prints the server's public key. Clients know it already; it is not secret.
func recipient(_ context.Context, c *call) error {
	fmt.Fprintln(c, c.Recipient)
	return nil
}
