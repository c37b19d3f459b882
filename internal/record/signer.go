package record

import (
	"fmt"
	"strings"
)

// Signer is somebody who signed commits of a push, where the rules ask for signatures.
type Signer struct {
	Operator string `json:"operator"`
	Key      string `json:"key"`     // SHA256:… of an SSH key, or an OpenPGP key's fingerprint in hex
	Commits  int    `json:"commits"` // how many of the push's
}

// PushSigner is who signed the certificate of a push.
type PushSigner struct {
	Operator string `json:"operator"`
	Key      string `json:"key"` // as of a Signer
}

// String names the signer and the key; "" for nobody.
func (s *PushSigner) String() string {
	if s == nil {
		return ""
	}
	return fmt.Sprintf("%s (%s)", s.Operator, s.Key)
}

// Name names the signer; "-" for nobody.
func (s *PushSigner) Name() string {
	if s == nil {
		return "-"
	}
	return s.Operator
}

// Signers are those of one push, by name and key.
type Signers []Signer

// maxSigners is how many signers a text names.
const maxSigners = 5

// String names the signers and their keys: "ana (SHA256:...)"; "" for none.
func (s Signers) String() string {
	var names []string
	for i, one := range s {
		if i == maxSigners {
			names = append(names, fmt.Sprintf("%d more", len(s)-i))
			break
		}
		names = append(names, fmt.Sprintf("%s (%s)", one.Operator, one.Key))
	}
	return strings.Join(names, ", ")
}

// Names names the signers, each once; "" for none.
func (s Signers) Names() string {
	var names []string
	for _, one := range s {
		if len(names) == 0 || names[len(names)-1] != one.Operator {
			names = append(names, one.Operator)
		}
	}
	if more := len(names) - maxSigners; more > 0 {
		names = append(names[:maxSigners], fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, ", ")
}
