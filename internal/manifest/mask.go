package manifest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Masker replaces the values of Secrets by keyed digests, so that they can be
// shown, compared and recorded, and not be guessed: equal values have equal
// masks, and without the key nobody can try values out. Its zero value masks
// all values alike.
type Masker struct {
	key       []byte
	hidden    []string   // masked in all objects, the longest first
	concealed [][]string // fields of one object that are masked, as steps of JSON pointers
	paths     []string   // the same in the notation of Diff
}

// NewMasker returns a Masker with a key. The key should be 32 random bytes, and live as
// long as masks are compared.
func NewMasker(key []byte) Masker { return Masker{key: append([]byte(nil), key...)} }

// shownOfSecret are the fields of a Secret that hold no secret. Any other is
// masked, so that a slip such as stringdata tells nothing either.
var shownOfSecret = []string{"apiVersion", "kind", "metadata", "type", "immutable"}

// MaskObject returns a copy of u that may be shown and recorded: of a Secret,
// all values are masked and kubectl's copy of them is dropped. Objects of
// other kinds are only copied.
func (m Masker) MaskObject(u *unstructured.Unstructured) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: m.Mask(u.Object)}
}

// Mask is MaskObject for a plain map.
func (m Masker) Mask(object map[string]any) map[string]any {
	result := copyOf(object)
	secret := isSecret(result)
	if secret {
		dropField(result, []string{"metadata", "annotations", lastApplied})
	}
	m.maskConcealed(result)
	m.hide(result)
	if !secret {
		return result
	}
	for field, value := range result {
		if !slices.Contains(shownOfSecret, field) {
			result[field] = m.maskField(field, value)
		}
	}
	return result
}

// isSecret reports whether an object is a Secret. The group is not asked, to
// be on the safe side with look-alikes.
func isSecret(object map[string]any) bool { return object["kind"] == "Secret" }

// maskField masks one top-level field of a Secret, value by value where it is
// a mapping.
func (m Masker) maskField(field string, value any) any {
	values, ok := value.(map[string]any)
	if !ok {
		return m.Value(string(canonical(value)))
	}
	for key, v := range values {
		values[key] = m.Value(plaintext(field, v))
	}
	return values
}

// plaintext returns the decoded value of a Secret's field, so that a value has one mask
// under data and stringData.
func plaintext(field string, value any) string {
	text, ok := value.(string)
	if !ok {
		return string(canonical(value))
	}
	if field == "data" {
		if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
			return string(decoded)
		}
	}
	return text
}

// Value masks one secret value: "(secret 3f2c1ab09d12)", twelve hex digits of
// its HMAC-SHA256.
func (m Masker) Value(value string) string {
	if len(m.key) == 0 {
		return "(secret)"
	}
	mac := hmac.New(sha256.New, m.key)
	mac.Write([]byte(value))
	return "(secret " + hex.EncodeToString(mac.Sum(nil))[:12] + ")"
}

// Seal keys a digest, in 64 hex digits, so that nobody can try out its input without
// the key.
func (m Masker) Seal(digest string) string {
	mac := hmac.New(sha256.New, m.key)
	mac.Write([]byte(digest))
	return hex.EncodeToString(mac.Sum(nil))
}
