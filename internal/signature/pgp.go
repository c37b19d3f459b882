package signature

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

const (
	maxPGPKey  = 32 << 10 // bytes of armour
	minRSABits = 2048
)

// pgpEnd is how the armour of an OpenPGP signature ends.
const pgpEnd = "-----END PGP SIGNATURE-----"

// pgpHashes are the hashes that a signature may be of. SHA-1 is none.
var pgpHashes = []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA3_256, crypto.SHA3_512}

// PGPKey is an operator's OpenPGP public key, with its subkeys.
type PGPKey struct{ entity *openpgp.Entity }

// ParsePGPKey reads one armoured public key. The error repeats nothing of the text.
func ParsePGPKey(text string) (PGPKey, error) {
	if len(text) > maxPGPKey {
		return PGPKey{}, fmt.Errorf("the OpenPGP key is larger than %d KiB", maxPGPKey>>10)
	}
	block, err := armor.Decode(strings.NewReader(text))
	if err != nil || block.Type != openpgp.PublicKeyType {
		return PGPKey{}, errors.New("that is no armoured OpenPGP public key")
	}
	entities, err := openpgp.ReadKeyRing(block.Body)
	switch {
	case err != nil:
		return PGPKey{}, errors.New("the OpenPGP key cannot be read: a part of it is missing, or its kind is not supported")
	case len(entities) != 1:
		return PGPKey{}, fmt.Errorf("there are %d OpenPGP keys where one is expected", len(entities))
	}
	key := PGPKey{entities[0]}
	if !slices.ContainsFunc(key.IDs(), key.signs) {
		return PGPKey{}, errors.New("the OpenPGP key has no part that signs")
	}
	return key, nil
}

// Fingerprint is the key's, in hex.
func (k PGPKey) Fingerprint() string {
	return strings.ToUpper(hex.EncodeToString(k.entity.PrimaryKey.Fingerprint))
}

// IDs are the ids of the key and its subkeys. No two operators can have one alike.
func (k PGPKey) IDs() []uint64 {
	ids := []uint64{k.entity.PrimaryKey.KeyId}
	for _, sub := range k.entity.Subkeys {
		ids = append(ids, sub.PublicKey.KeyId)
	}
	return ids
}

func (k PGPKey) signs(id uint64) bool {
	return len(openpgp.EntityList{k.entity}.KeysByIdUsage(id, packet.KeyFlagSign)) > 0
}

// IsGood reports whether the key can sign at a time: it is not revoked and has not expired.
func (k PGPKey) IsGood(now time.Time) bool {
	_, ok := k.entity.SigningKey(now)
	return ok
}

// Ring says whose an OpenPGP key is. The zero Ring knows nobody.
type Ring struct {
	entities openpgp.EntityList
	owners   map[*openpgp.Entity]string
}

// Add has a key be an operator's. It is for who makes the ring, before anybody uses it.
func (r *Ring) Add(operator string, key PGPKey) {
	if r.owners == nil {
		r.owners = map[*openpgp.Entity]string{}
	}
	r.entities = append(r.entities, key.entity)
	r.owners[key.entity] = operator
}

// verify says who made an OpenPGP signature of a text.
func (r Ring) verify(payload, armoured []byte, now time.Time) (Signer, error) {
	raw, sig, err := parsePGP(armoured)
	if err != nil {
		return Signer{}, err
	}
	if err := r.checkKey(sig); err != nil {
		return Signer{}, err
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	_, entity, err := openpgp.VerifyDetachedSignature(r.entities, bytes.NewReader(payload), bytes.NewReader(raw), config)
	if entity == nil {
		return Signer{}, errBad
	}
	signer := Signer{r.owners[entity], PGPKey{entity}.Fingerprint()}
	switch {
	case errors.Is(err, pgperrors.ErrKeyExpired):
		return Signer{}, fmt.Errorf("is signed with %s's OpenPGP key %s, which has expired", signer.Operator, signer.Key)
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return Signer{}, fmt.Errorf("is signed with %s's OpenPGP key %s, which is revoked", signer.Operator, signer.Key)
	case errors.Is(err, pgperrors.ErrSignatureExpired):
		return Signer{}, errors.New("has a signature that has expired")
	case err != nil:
		return Signer{}, errBad
	}
	return signer, nil
}

// parsePGP reads the armour of one OpenPGP signature of a kind that counts.
func parsePGP(armoured []byte) (raw []byte, sig *packet.Signature, err error) {
	text := strings.TrimRight(string(armoured), "\n")
	if !strings.HasSuffix(text, pgpEnd) || strings.Count(text, "-----BEGIN") != 1 {
		return nil, nil, errMalformed
	}
	block, err := armor.Decode(strings.NewReader(text))
	if err != nil || block.Type != openpgp.SignatureType {
		return nil, nil, errMalformed
	}
	if raw, err = io.ReadAll(block.Body); err != nil {
		return nil, nil, errMalformed
	}
	packets := packet.NewReader(bytes.NewReader(raw))
	first, err := packets.Next()
	sig, ok := first.(*packet.Signature)
	if err != nil || !ok || sig.IssuerKeyId == nil || sig.SigType != packet.SigTypeBinary {
		return nil, nil, errMalformed
	}
	if _, err := packets.Next(); !errors.Is(err, io.EOF) {
		return nil, nil, errTwice
	}
	if !slices.Contains(pgpHashes, sig.Hash) {
		return nil, nil, errors.New("has a signature with a weak hash, which proves nothing: sign it again with a newer gpg")
	}
	return raw, sig, nil
}

// checkKey refuses a signature of no operator's key, and of a key that is weak.
func (r Ring) checkKey(sig *packet.Signature) error {
	keys := r.entities.KeysByIdUsage(*sig.IssuerKeyId, packet.KeyFlagSign)
	if len(keys) == 0 {
		return fmt.Errorf("is signed with the OpenPGP key %016X, which is no operator's", *sig.IssuerKeyId)
	}
	for _, key := range keys {
		bits, err := key.PublicKey.BitLength()
		switch algorithm := key.PublicKey.PubKeyAlgo; {
		case algorithm == packet.PubKeyAlgoDSA:
			return fmt.Errorf("is signed with the OpenPGP key %016X, which is of DSA: make a newer key", *sig.IssuerKeyId)
		case algorithm == packet.PubKeyAlgoRSA && (err != nil || bits < minRSABits):
			return fmt.Errorf("is signed with the OpenPGP key %016X, which has fewer than %d bits", *sig.IssuerKeyId, minRSABits)
		}
	}
	return nil
}
