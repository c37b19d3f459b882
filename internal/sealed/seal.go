package sealed

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/pushboat/pushboat/internal/name"
)

// A sealed file is the line format, the length of the revision in two bytes, the
// revision, a random nonce and the ciphertext. All but the ciphertext can be read;
// it is authenticated together with the name.

const (
	// format begins every file. Another format has another number.
	format = "pushboat sealed 1\n"
	// purpose sets the key apart from all others that are derived from the secret.
	purpose = "pushboat sealed store, AES-256-GCM, 1"
	// maxRevision is the longest revision, in bytes; a SHA-256 has 64.
	maxRevision = 256
	minSecret   = 32

	// maxFile is the longest file: a text, and less than a kilobyte around it.
	maxFile = MaxText + 1<<10
)

// newAEAD derives the store's key. The nonce is random and part of Seal's result: one
// key serves 2^32 texts.
func newAEAD(secret []byte) (cipher.AEAD, error) {
	if len(secret) < minSecret {
		return nil, errors.New("the server's secret is too short")
	}
	key, err := hkdf.Key(sha256.New, secret, nil, purpose, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// encode seals a text into the content of its file.
func encode(aead cipher.AEAD, text Text) ([]byte, error) {
	if len(text.Revision) > maxRevision {
		return nil, errors.New("the revision is too long")
	}
	sealed := make([]byte, 0, len(format)+2+len(text.Revision)+len(text.Data)+aead.Overhead())
	sealed = append(sealed, format...)
	sealed = binary.BigEndian.AppendUint16(sealed, uint16(len(text.Revision))) //nolint:gosec // bounded by maxRevision
	sealed = append(sealed, text.Revision...)
	return aead.Seal(sealed, nil, text.Data, bound(text.Name, text.Revision)), nil
}

// decode is the opposite of encode. Every error is ErrDamaged: which one it is
// helps nobody but whoever forges files.
func decode(aead cipher.AEAD, of Name, sealed []byte) (revision name.Revision, data []byte, err error) {
	rest, ok := bytes.CutPrefix(sealed, []byte(format))
	if !ok || len(rest) < 2 {
		return "", nil, ErrDamaged
	}
	length := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if length > maxRevision || length > len(rest) {
		return "", nil, ErrDamaged
	}
	revision, rest = name.Revision(rest[:length]), rest[length:]
	data, err = aead.Open(nil, nil, rest, bound(of, revision))
	if err != nil {
		return "", nil, ErrDamaged
	}
	return revision, data, nil
}

// bound returns the data to which a text is bound: each part after its length, so that
// no two names read alike.
func bound(text Name, revision name.Revision) []byte {
	data := []byte(format)
	for _, part := range []string{string(text.Repository), string(text.App), string(text.Kind), string(revision)} {
		data = binary.BigEndian.AppendUint64(data, uint64(len(part)))
		data = append(data, part...)
	}
	return data
}
