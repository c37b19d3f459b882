package owner

import (
	"crypto/sha256"
	"encoding/hex"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Fingerprint is a hash of the fields that Pushboat owns on an object, as the
// API server notes them in metadata.managedFields. It changes when anybody
// changes or removes such a field, since that takes the field from us, and
// stays for status updates and for fields that controllers add (tried on 1.37).
// Fields that hand tools add are hashed behind a "+". It is "" when Pushboat
// owns nothing, as when managedFields was wiped.
func (t Tools) Fingerprint(fields []metav1.ManagedFieldsEntry) string {
	for _, entry := range fields {
		if !IsOurs(entry) || entry.FieldsV1 == nil {
			continue
		}
		print := digest(entry.FieldsV1.GetRawBytes())
		if added := t.HandFields(fields); !added.Empty() {
			text, _ := added.ToJSON() // of a set that was read from JSON
			print += "+" + digest(text)
		}
		return print
	}
	return ""
}

// digest is 64 bits of a SHA-256: enough to distinguish two states of one object, which
// is its only purpose.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
