package secrets

import "testing"

// TestPlaceholders: the placeholder for an encrypted file is the decrypted file, except for
// its values.
func TestPlaceholders(t *testing.T) {
	value := func(kind string) string { return "ENC[AES256_GCM,data:x+/=,iv:x,tag:x,type:" + kind + "]" }
	for _, c := range []struct{ format, text, want string }{
		{"yaml", "a: " + value("str") + "\nn: " + value("int") + "\nsops:\n    age:\n        - enc: |\n            x\n\n    mac: " + value("str") + "\nb: c\n", "a: HIDDENSECRET\nn: 0\nb: c\n"},
		{"yaml", "\"sops\":\r\n  mac: x\r\na: b\r\n", "a: b\r\n"},
		{"yaml", "sops:\n- x\na: b", "a: b"},
		{"yaml", "a: |\n  sops:\n    b\nsops:\n  mac: x", "a: |\n  sops:\n    b\n"},
		{"json", `{"a": "` + value("bool") + `", "sops": {"mac": "x"}}`, `{"a":"false"}`},
		{"binary", `{"data": "` + value("str") + `", "sops": {"mac": "x"}}`, "HIDDENSECRET"},
		{"dotenv", "A=" + value("str") + "\nsops_mac=x\nsops_version=3\n", "A=HIDDENSECRET\n"},
		{"ini", "[a]\nb = " + value("str") + "\n[sops]\nmac = x\n", "[a]\nb = HIDDENSECRET\n"},
	} {
		if got := string(hidden(request{Format: c.format, Data: []byte(c.text)}).plain); got != c.want {
			t.Errorf("%s: %q, want %q", c.format, got, c.want)
		}
	}
}
