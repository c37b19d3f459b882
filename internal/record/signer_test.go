package record

import (
	"fmt"
	"testing"
)

func TestSigners(t *testing.T) {
	var many Signers
	for i := range 8 {
		many = append(many, Signer{Operator: fmt.Sprintf("op%d", i), Key: "k"})
	}
	for name, test := range map[string]struct {
		signers     Signers
		text, names string
	}{
		"none":     {nil, "", ""},
		"one":      {Signers{{"ana", "SHA256:x", 3}}, "ana (SHA256:x)", "ana"},
		"two keys": {Signers{{"ana", "SHA256:x", 3}, {"ana", "SHA256:y", 1}, {"ben", "AB12", 1}}, "ana (SHA256:x), ana (SHA256:y), ben (AB12)", "ana, ben"},
		"many":     {many, "op0 (k), op1 (k), op2 (k), op3 (k), op4 (k), 3 more", "op0, op1, op2, op3, op4, 3 more"},
	} {
		if text, names := test.signers.String(), test.signers.Names(); text != test.text || names != test.names {
			t.Errorf("%s: %q, %q", name, text, names)
		}
	}
}
