package backup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
)

// nopCloser is a writer with a Close that does nothing.
type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// encryptTo returns a writer that encrypts for the recipients, if there are any; its
// Close ends the encryption and closes nothing else.
func encryptTo(w io.Writer, recipients Recipients) (io.WriteCloser, error) {
	if len(recipients) == 0 {
		return nopCloser{w}, nil
	}
	out, err := age.Encrypt(w, recipients...)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return out, nil
}

// Recipients are public keys for which backups are encrypted.
type Recipients []age.Recipient

// ParseRecipients parses public keys: age's own (age1…) and those of SSH (ssh-ed25519 …,
// ssh-rsa …).
func ParseRecipients(keys []string) (Recipients, error) {
	var recipients Recipients
	for _, key := range keys {
		key = strings.TrimSpace(key)
		recipient, err := parseRecipient(key)
		switch {
		case err == nil:
		case strings.HasPrefix(key, "age1") || strings.HasPrefix(key, "ssh-"):
			return nil, fmt.Errorf("recipient %s: %w", quoted(key), err)
		default: // it may be a private key, or a password: neither is repeated
			return nil, errors.New("a recipient is a public key, age1… or \"ssh-ed25519 …\", and this is none")
		}
		recipients = append(recipients, recipient)
	}
	return recipients, nil
}

func parseRecipient(key string) (age.Recipient, error) {
	if strings.HasPrefix(key, "ssh-") {
		return agessh.ParseRecipient(key)
	}
	found, err := age.ParseRecipients(strings.NewReader(key))
	if err == nil && len(found) != 1 {
		err = errors.New("want one key")
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Keys are private keys that decrypt backups.
type Keys []age.Identity

// maxKeyFile bounds a file of keys, in bytes.
const maxKeyFile = 1 << 20

// ReadKeys reads files of private keys: age's own, and those of SSH. Errors do not
// repeat their content.
func ReadKeys(files []string) (Keys, error) {
	var keys Keys
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read a private key: %w", err)
		}
		text, err := io.ReadAll(io.LimitReader(file, maxKeyFile))
		_ = file.Close() // only read
		if err != nil {
			return nil, fmt.Errorf("read a private key: %w", err)
		}
		found, err := parseKeys(text)
		if err != nil {
			return nil, fmt.Errorf("%q holds no private key of age or SSH without a passphrase", name)
		}
		keys = append(keys, found...)
	}
	return keys, nil
}

func parseKeys(text []byte) (Keys, error) {
	if bytes.Contains(text, []byte("-----BEGIN")) {
		key, err := agessh.ParseIdentity(text)
		return Keys{key}, err
	}
	return age.ParseIdentities(bytes.NewReader(text))
}

// encryptedWith is the prefix of every file that age has encrypted.
const encryptedWith = "age-encryption.org/"

// decryptFrom returns the content of an archive, decrypted if need be.
func decryptFrom(r io.Reader, keys Keys) (io.Reader, error) {
	buffered := bufio.NewReaderSize(r, bufferSize)
	begin, err := buffered.Peek(len(encryptedWith))
	switch {
	case string(begin) == encryptedWith:
	case len(keys) > 0:
		return nil, errors.New("it is not encrypted, and anybody may have written it: leave --identity out if you know that it is yours")
	default:
		return buffered, nil // tar reports what is wrong, if anything
	}
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("it is encrypted: give the private key, --identity FILE")
	}
	decrypted, err := age.Decrypt(buffered, keys...)
	if err != nil {
		return nil, fmt.Errorf("decrypt: %w", err)
	}
	return decrypted, nil
}
