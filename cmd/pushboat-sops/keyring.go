package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"github.com/ProtonMail/go-crypto/openpgp"
	pgparmor "github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/getsops/sops/v3/keys"
	"github.com/getsops/sops/v3/keyservice"
	"google.golang.org/grpc"

	sopsage "github.com/getsops/sops/v3/age"
	sopspgp "github.com/getsops/sops/v3/pgp"
)

// maxKeyFile bounds a file of keys, in bytes.
const maxKeyFile = 1 << 20

// keyring decrypts the data keys of files. It is SOPS's key service. It has the given
// age and PGP keys, and uses only the keys of clouds and Vault that the server's
// configuration names: a file of a repository names an address, to which SOPS would
// send the server's token.
type keyring struct {
	files   []keyFile
	allowed []string
	limits  *request // on the keys that may be used; nil: none
	cloud   keyservice.KeyServiceClient
}

// keyFile has the keys of one file.
type keyFile struct {
	name string
	age  sopsage.ParsedIdentities
	pgp  openpgp.EntityList
}

// within is the part of the keyring that a request may use.
func (k *keyring) within(asked request) *keyring {
	if !asked.Limited {
		return k
	}
	part := &keyring{allowed: k.allowed, cloud: k.cloud, limits: &asked}
	for _, file := range k.files {
		if slices.Contains(asked.Files, file.name) {
			part.files = append(part.files, file)
		}
	}
	return part
}

// only is the part of the keyring with the keys of one file.
func (k *keyring) only(file keyFile) *keyring {
	return &keyring{files: []keyFile{file}, cloud: k.cloud}
}

func openKeyring(sshKeys, ageKeys, pgpKeys, allowed []string) (*keyring, error) {
	ring := &keyring{allowed: allowed, cloud: keyservice.NewLocalClient()}
	for _, kind := range []struct {
		files []string
		add   func(file *keyFile, text []byte) error
	}{{sshKeys, (*keyFile).addSSH}, {ageKeys, (*keyFile).addAge}, {pgpKeys, (*keyFile).addPGP}} {
		for _, name := range kind.files {
			file := keyFile{name: name}
			text, err := readKeys(name)
			if err == nil {
				err = kind.add(&file, text)
			}
			if err != nil {
				return nil, fmt.Errorf("read the key file %q: %w", name, err)
			}
			ring.files = append(ring.files, file)
		}
	}
	return ring, nil
}

func readKeys(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxKeyFile+1))
	if len(text) > maxKeyFile {
		return nil, fmt.Errorf("it has more than %d bytes", maxKeyFile)
	}
	return text, err
}

func (f *keyFile) addSSH(text []byte) error {
	identity, err := agessh.ParseIdentity(text)
	if err != nil {
		return errors.New("it is no private SSH key without a passphrase") // the error may repeat part of the key
	}
	f.age = append(f.age, identity)
	return nil
}

func (f *keyFile) addAge(text []byte) error {
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return errors.New("it is no file of age identities, as age-keygen writes it")
	}
	f.age = append(f.age, identities...)
	return nil
}

func (f *keyFile) addPGP(text []byte) error {
	entities, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(text))
	if err != nil {
		entities, err = openpgp.ReadKeyRing(bytes.NewReader(text))
	}
	if err != nil {
		return errors.New("it has no PGP keys, as gpg --export-secret-keys writes them")
	}
	f.pgp = append(f.pgp, entities...)
	return nil
}

// mayAsk reports whether a key of a file may be tried.
func (k *keyring) mayAsk(key keys.MasterKey) bool {
	switch key.TypeToIdentifier() {
	case sopsage.KeyTypeIdentifier, sopspgp.KeyTypeIdentifier:
		return true
	}
	id := key.ToString()
	if !slices.Contains(k.allowed, id) && !anyNames(k.allowed, id, 1) {
		return false
	}
	switch limits := k.limits; {
	case limits == nil:
		return true
	case limits.Only != nil:
		return anyNames(limits.Only, id, 0)
	default:
		return !anyNames(limits.Except, id, 0)
	}
}

// anyNames reports whether one of several names is a key's, where a * at the end, after at
// least some letters, is any letters.
func anyNames(names []string, id string, least int) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		prefix, open := strings.CutSuffix(name, "*")
		return id == name || open && len(prefix) >= least && strings.HasPrefix(id, prefix)
	})
}

// Encrypt implements keyservice.KeyServiceClient.
func (k *keyring) Encrypt(context.Context, *keyservice.EncryptRequest, ...grpc.CallOption) (*keyservice.EncryptResponse, error) {
	return nil, errors.New("the server only decrypts")
}

// Decrypt implements keyservice.KeyServiceClient.
func (k *keyring) Decrypt(ctx context.Context, asked *keyservice.DecryptRequest, options ...grpc.CallOption) (*keyservice.DecryptResponse, error) {
	var (
		plain []byte
		err   error
	)
	switch asked.GetKey().GetKeyType().(type) {
	case *keyservice.Key_AgeKey:
		plain, err = k.decryptAge(asked.GetCiphertext())
	case *keyservice.Key_PgpKey:
		plain, err = k.decryptPGP(asked.GetCiphertext())
	default:
		return k.cloud.Decrypt(ctx, asked, options...)
	}
	return &keyservice.DecryptResponse{Plaintext: plain}, err
}

// errNotOurs is the error for a key that this server does not have.
var errNotOurs = errors.New("not a key of this server")

func (k *keyring) decryptAge(text []byte) ([]byte, error) {
	var identities sopsage.ParsedIdentities
	for _, file := range k.files {
		identities = append(identities, file.age...)
	}
	if len(identities) == 0 {
		return nil, errNotOurs // SOPS would look for identities everywhere
	}
	key := sopsage.MasterKey{EncryptedKey: string(text)}
	identities.ApplyToMasterKey(&key)
	plain, err := key.Decrypt()
	if err != nil {
		return nil, errNotOurs
	}
	return plain, nil
}

// decryptPGP does what SOPS does for a keyring, but never asks an agent or a terminal
// for passphrases, and never runs gpg.
func (k *keyring) decryptPGP(text []byte) ([]byte, error) {
	block, err := pgparmor.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, errNotOurs
	}
	var entities openpgp.EntityList
	for _, file := range k.files {
		entities = append(entities, file.pgp...)
	}
	message, err := openpgp.ReadMessage(block.Body, entities, nil, nil)
	if err != nil {
		return nil, errNotOurs
	}
	plain, err := io.ReadAll(io.LimitReader(message.UnverifiedBody, maxKeyFile))
	if err != nil {
		return nil, errNotOurs
	}
	return plain, nil
}
