package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/version"
)

// maxPlain bounds a file to encrypt, in bytes.
const maxPlain = 4 << 20

// formatNames are the formats by file extension, as in sops; any other file is binary.
var formatNames = map[string]string{".yaml": "yaml", ".yml": "yaml", ".json": "json", ".env": "dotenv", ".ini": "ini"}

func runEncrypt(args []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("encrypt", flag.ContinueOnError)
	recipients := flags.String("age", "", "age recipients, or public SSH keys, with commas between")
	regex := flags.String("regex", "", "encrypt only values under keys that match")
	format := flags.String("format", "", "yaml, json, dotenv, ini or binary; default: by the file's name")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 || *recipients == "" {
		return errors.New(usage)
	}
	name := flags.Arg(0)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxPlain+1))
	if err != nil {
		return err
	}
	if len(data) > maxPlain {
		return fmt.Errorf("%s has more than %d bytes", name, maxPlain)
	}
	is := cmp.Or(*format, formatNames[filepath.Ext(name)], "binary")
	text, err := encrypt(data, is, *recipients, *regex)
	if err != nil {
		return fmt.Errorf("encrypt %s: %w", name, err)
	}
	_, err = out.Write(text)
	return err
}

// encrypt encrypts a file as sops does.
func encrypt(data []byte, format, recipients, regex string) ([]byte, error) {
	store, err := storeFor(format)
	if err != nil {
		return nil, err
	}
	branches, err := store.LoadPlainFile(data)
	if err != nil {
		return nil, err
	}
	if len(branches) == 0 || store.HasSopsTopLevelKey(branches[0]) {
		return nil, errors.New("it is empty, or encrypted already")
	}
	readers, err := sopsage.MasterKeysFromRecipients(recipients)
	if err != nil {
		return nil, err
	}
	var group sops.KeyGroup
	for _, reader := range readers {
		group = append(group, keys.MasterKey(reader))
	}
	tree := sops.Tree{Branches: branches, Metadata: sops.Metadata{
		KeyGroups: []sops.KeyGroup{group}, EncryptedRegex: regex, Version: version.Version,
	}}
	if regex == "" {
		tree.Metadata.UnencryptedSuffix = sops.DefaultUnencryptedSuffix
	}
	return seal(store, tree)
}

// seal encrypts the values of a tree and writes it.
func seal(store sops.Store, tree sops.Tree) ([]byte, error) {
	key, failed := tree.GenerateDataKey()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	cipher := aes.NewCipher()
	mac, err := tree.Encrypt(key, cipher)
	if err != nil {
		return nil, err
	}
	tree.Metadata.LastModified = time.Now().UTC()
	tree.Metadata.MessageAuthenticationCode, err = cipher.Encrypt(mac, key, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil {
		return nil, err
	}
	return store.EmitEncryptedFile(tree)
}
