package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Digest returns the SHA-256, in hex, of an object's canonical JSON: sorted
// keys, no white space, integers without a fraction. Equal objects have equal
// digests however and wherever they were written.
func Digest(u *unstructured.Unstructured) string {
	sum := sha256.Sum256(canonical(u.Object))
	return hex.EncodeToString(sum[:])
}

// canonical returns the JSON of a value that Parse or the API server made;
// such values always have one.
func canonical(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil { // a type that JSON has not: still a digest, never an equal one by accident
		text = []byte(err.Error())
	}
	return text
}
