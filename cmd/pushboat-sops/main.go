// Command pushboat-sops decrypts SOPS files for the server, one after the other over
// its standard input, with the keys that its flags name. It is a separate program
// because the clients of the clouds and Vault, which SOPS depends on, take 31 MB as
// soon as they are linked; the server starts it at the first encrypted file.
//
// pushboat-sops encrypt FILE encrypts a file, for users without sops.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/getsops/sops/v3/logging"
)

func main() {
	in, out, err := seclude()
	if err == nil {
		err = run(os.Args[1:], in, out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: pushboat-sops: "+err.Error())
		os.Exit(1)
	}
}

// seclude reserves the standard streams for the server: libraries would ask for
// passphrases there, and log.
func seclude() (in, out *os.File, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	in, out = os.Stdin, os.Stdout
	os.Stdin, os.Stdout = null, null
	for _, log := range logging.Loggers {
		log.SetOutput(io.Discard)
	}
	return in, out, nil
}

const usage = `usage: pushboat-sops serve [--ssh-key FILE] [--age-keys FILE] [--pgp-keys FILE] [--key ID]
       pushboat-sops encrypt --age RECIPIENT [--regex REGEX] [--format FORMAT] FILE|-`

func run(args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return errors.New(usage)
	}
	switch args[0] {
	case "serve":
		return runServe(args[1:], in, out)
	case "encrypt":
		return runEncrypt(args[1:], in, out)
	}
	return errors.New(usage)
}

// list is a flag that can be repeated.
type list []string

func (l *list) String() string     { return fmt.Sprint(*l) }
func (l *list) Set(v string) error { *l = append(*l, v); return nil }

func runServe(args []string, in io.Reader, out io.Writer) error {
	var sshKeys, ageKeys, pgpKeys, keys list
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.Var(&sshKeys, "ssh-key", "private SSH key; repeatable")
	flags.Var(&ageKeys, "age-keys", "file of age identities; repeatable")
	flags.Var(&pgpKeys, "pgp-keys", "file of PGP private keys without passphrase; repeatable")
	flags.Var(&keys, "key", "key of a cloud or Vault that may be asked; repeatable")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := limitMemory(); err != nil {
		return err
	}
	ring, err := openKeyring(sshKeys, ageKeys, pgpKeys, keys)
	if err != nil {
		return err
	}
	return serve(in, out, ring)
}

// serve answers requests until there are no more.
func serve(in io.Reader, out io.Writer, ring *keyring) error {
	for {
		var asked request
		if err := readFrame(in, &asked); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read a request: %w", err)
		}
		if err := writeFrame(out, ring.open(asked)); err != nil {
			return fmt.Errorf("write a reply: %w", err)
		}
	}
}
