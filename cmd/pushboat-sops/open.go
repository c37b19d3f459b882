package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	sopsage "github.com/getsops/sops/v3/age"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keyservice"
	sopspgp "github.com/getsops/sops/v3/pgp"
)

// maxReaders bounds the keys of a file that a failure names.
const maxReaders = 10

// open decrypts a file. Errors of libraries may repeat its content, so failures are
// described in words of our own.
func (k *keyring) open(asked request) (answer reply) {
	defer func() {
		if recover() != nil {
			answer = reply{Failure: malformed}
		}
	}()
	store, err := storeFor(asked.Format)
	if err != nil {
		return reply{Failure: malformed, Detail: err.Error()}
	}
	tree, err := store.LoadEncryptedFile(asked.Data)
	if err != nil || len(tree.Branches) == 0 {
		return reply{Failure: malformed}
	}
	readers, groups := readersOf(tree), tree.Metadata.KeyGroups
	key, err := k.within(asked).dataKey(tree)
	if err != nil {
		return reply{Failure: noKey, Detail: err.Error(), Readers: readers}
	}
	plain, values, failed := decrypt(store, tree, key)
	if failed != "" {
		return reply{Failure: failed, Readers: readers}
	}
	return reply{Plain: plain, Values: values, Openers: k.openers(groups), Needs: needs(tree.Metadata)}
}

// openers are the keys that open a file, for each of its groups of keys.
func (k *keyring) openers(groups []sops.KeyGroup) [][]string {
	openers := make([][]string, len(groups))
	for i, group := range groups {
		for _, key := range group {
			switch encrypted := string(key.EncryptedDataKey()); key.TypeToIdentifier() {
			case sopsage.KeyTypeIdentifier:
				openers[i] = append(openers[i], k.filesFor((*keyring).decryptAge, encrypted)...)
			case sopspgp.KeyTypeIdentifier:
				openers[i] = append(openers[i], k.filesFor((*keyring).decryptPGP, encrypted)...)
			default:
				if k.mayAsk(key) {
					openers[i] = append(openers[i], key.ToString())
				}
			}
		}
	}
	return openers
}

// filesFor are the files with a key that decrypts the key of a file.
func (k *keyring) filesFor(decrypt func(*keyring, []byte) ([]byte, error), encrypted string) (files []string) {
	for _, file := range k.files {
		if _, err := decrypt(k.only(file), []byte(encrypted)); err == nil {
			files = append(files, file.name)
		}
	}
	return files
}

// needs is how many groups of keys a file takes.
func needs(metadata sops.Metadata) int {
	switch {
	case len(metadata.KeyGroups) <= 1:
		return 1
	case metadata.ShamirThreshold > 0:
		return metadata.ShamirThreshold
	}
	return len(metadata.KeyGroups)
}

func storeFor(format string) (common.Store, error) {
	known := map[string]formats.Format{
		"yaml": formats.Yaml, "json": formats.Json, "dotenv": formats.Dotenv, "ini": formats.Ini, "binary": formats.Binary,
	}
	f, ok := known[format]
	if !ok {
		return nil, fmt.Errorf("the format %q is not known", format)
	}
	return common.StoreForFormat(f, config.NewStoresConfig()), nil
}

// readersOf names the keys that a file is encrypted for.
func readersOf(tree sops.Tree) []string {
	var readers []string
	for _, group := range tree.Metadata.KeyGroups {
		for _, key := range group {
			if len(readers) == maxReaders {
				return append(readers, "and others")
			}
			readers = append(readers, key.TypeToIdentifier()+" "+key.ToString())
		}
	}
	return readers
}

// dataKey recovers the key of the values, from the file's keys that may be used.
func (k *keyring) dataKey(tree sops.Tree) ([]byte, error) {
	var refused, asked int
	groups := make([]sops.KeyGroup, len(tree.Metadata.KeyGroups)) // the same number: a threshold counts them
	for i, group := range tree.Metadata.KeyGroups {
		for _, key := range group {
			if !k.mayAsk(key) {
				refused++
				continue
			}
			asked++
			groups[i] = append(groups[i], key)
		}
	}
	tree.Metadata.KeyGroups = groups
	if asked > 0 {
		key, err := tree.Metadata.GetDataKeyWithKeyServices([]keyservice.KeyServiceClient{k}, sops.DefaultDecryptionOrder)
		if err == nil && len(key) > 0 {
			return key, nil
		}
	}
	if refused > 0 {
		return nil, fmt.Errorf("%d of its keys are of a cloud or Vault that the server's configuration does not name under secrets.keys", refused)
	}
	return nil, errNotOurs
}

// decrypt decrypts the values of a file, checks its MAC, and returns it in the
// clear with the values that were encrypted.
func decrypt(store common.Store, tree sops.Tree, key []byte) (plain []byte, values []string, failed failure) {
	sealed := sealedOf(tree)
	cipher := aes.NewCipher()
	mac, err := tree.Decrypt(key, cipher)
	if err != nil {
		return nil, nil, changed
	}
	original, err := cipher.Decrypt(tree.Metadata.MessageAuthenticationCode, key, tree.Metadata.LastModified.Format(time.RFC3339))
	if err != nil || original != mac || mac == "" {
		return nil, nil, changed
	}
	if plain, err = store.EmitPlainFile(tree.Branches); err != nil {
		return nil, nil, malformed
	}
	i := 0
	eachScalar(tree, func(value any) {
		if i < len(sealed) && sealed[i] {
			if text, ok := textOf(value); ok && text != "" {
				values = append(values, text)
			}
		}
		i++
	})
	return plain, values, ""
}

// sealedOf returns, for each scalar, whether it is encrypted.
func sealedOf(tree sops.Tree) []bool {
	var sealed []bool
	eachScalar(tree, func(value any) {
		text, _ := textOf(value)
		sealed = append(sealed, strings.HasPrefix(text, "ENC["))
	})
	return sealed
}

func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return "", false
	case sops.Comment:
		return v.Value, true
	}
	text, err := sops.ToBytes(value)
	return string(text), err == nil
}

// eachScalar visits every value of a file that is neither a mapping nor a list,
// and every comment, in an order that decryption does not change.
func eachScalar(tree sops.Tree, visit func(any)) {
	for _, branch := range tree.Branches {
		walk(branch, visit)
	}
}

func walk(value any, visit func(any)) {
	switch v := value.(type) {
	case sops.TreeBranch:
		for _, item := range v {
			if comment, ok := item.Key.(sops.Comment); ok {
				visit(comment)
				continue
			}
			walk(item.Value, visit)
		}
	case []any:
		for _, element := range v {
			walk(element, visit)
		}
	default:
		visit(value)
	}
}
