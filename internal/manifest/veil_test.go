package manifest

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestVeilShowsKeysOfSecrets: whatever a file with a Secret looks like, nothing of its values
// is in the lines, and there is one for each.
func TestVeilShowsKeysOfSecrets(t *testing.T) {
	const canary = "hunter"
	encoded := strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(canary)), "=")[:7]
	for what, text := range map[string]string{
		"plain":              secretText,
		"behind another":     "kind: ConfigMap\n---\nkind: Secret\nstringData:\n  a: hunter\n",
		"before another":     "kind: Secret\ndata: {a: hunter}\n---\nkind: ConfigMap\n",
		"flow":               "{kind: Secret, stringData: {a: hunter}}\n",
		"JSON":               "{\"kind\": \"Secret\",\n \"stringData\": {\n  \"a\": \"hunter\"\n }\n}\n",
		"an escaped kind":    "\"kind\": \"S\\u0065cret\"\ndata:\n  a: hunter\n",
		"a kind below":       "kind: >-\n  Secret\ndata:\n  a: hunter\n",
		"a tagged kind":      "kind: !!str Secret\ndata:\n  a: hunter\n",
		"an anchored kind":   "x: &k Secret\nkind: *k\ndata:\n  a: hunter\n",
		"a block":            "kind: Secret\nstringData:\n  conf: |\n    user: hunter\n    hunter: y\n    - hunter\n  b: >\n    hunter: z\n\n    more hunter: w\n",
		"a text over lines":  "kind: Secret\nstringData:\n  a: \"x\n    hunter: y\n    z\"\n  b: hunter\n",
		"a list":             "kind: List\nitems:\n  - kind: Secret\n    data: {a: hunter}\n  - kind: ConfigMap\n",
		"a patch":            "kind: Secret\nmetadata: {name: x, annotations: {a: hunter}}\n",
		"SOPS":               "data:\n    a: ENC[AES256_GCM,data:hunter]\nsops:\n    mac: hunter\n",
		"SOPS, dotenv":       "A=ENC[AES256_GCM,data:hunter]\nsops_mac=hunter\n",
		"not encrypted SOPS": "a: hunter\nsops:\n  version: 3\n",
		"a generator":        "secretGenerator:\n  - name: db\n    literals:\n      - password=hunter\n",
		"a template":         "{{- if .Values.x }}\nkind: Secret\ndata:\n  a: hunter {{ .Values.y }}\n{{- end }}\n",
		"broken":             "kind: \"Secret\"\ndata:\n  a: hunter\n b: [\n",
		"broken beside":      "kind: Secret\ndata:\n  a: hunter\n---\n b: [\n",
		"not UTF-8":          "kind: Secret\ndata:\n  a: hunter\xff\n",
		"lone returns":       "kind: Secret\rdata:\r  a: hunter\r",
		"CRLF":               "kind: Secret\r\ndata:\r\n  a: hunter\r\n",
		"a key file":         "-----BEGIN PRIVATE KEY-----\nhunter\n-----END PRIVATE KEY-----\n",
		"a slip":             "kind: ConfigMap\nstringData:\n  a: hunter\n",
		"a comment":          "# hunter\nkind: Secret\n# a: hunter\n",
		"a look-alike":       "kind: SealedSecret\nspec: {encryptedData: {a: hunter}}\n",
		"a key with a value": "kind: Secret\n? a\n: hunter\n",
		"not the type":       "kind: Secret\ntype: |\n  hunter\nmetadata:\n  labels:\n    name: hunter\n",
		"names elsewhere":    "kind: Secret\nstringData:\n  name: hunter\n  kind: hunter\n  metadata:\n    name: hunter\n",
	} {
		lines, whole := Veil([]byte(text))
		shown := strings.Join(lines, "\n")
		if !whole || strings.Contains(strings.ReplaceAll(shown, "hunter: "+veiled, ""), canary) || strings.Contains(shown, encoded) {
			t.Errorf("%s: keys only: %v, shown as\n%s", what, whole, shown)
		}
		if want := strings.Count(strings.TrimSuffix(text, "\n"), "\n") + 1; len(lines) != want {
			t.Errorf("%s: %d lines of %d", what, len(lines), want)
		}
	}
}

// TestVeil: what is shown of a file with a Secret says where one is, and of other files all
// but values whose keys name a secret.
func TestVeil(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{
			"# a comment\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  labels: {a: b}\nstringData:\n  user: ana\n  list:\n    - x\n\n---\nkind: ConfigMap\n",
			"(hidden)\napiVersion: v1\nkind: Secret\nmetadata:\n  name: db\n  labels: (hidden)\nstringData:\n  user: (hidden)\n  list:\n    (hidden)\n\n---\nkind: ConfigMap",
		},
		{
			"kind: Deployment\nspec:\n  replicas: two # three\n",
			"kind: Deployment\nspec:\n  replicas: two # three",
		},
		{
			"db:\n  password: \"hunter\"\n  passwordFrom: vault\n  API_KEY=hunter\n  args: [--token=hunter, x]\n- token: hunter\n",
			"db:\n  password: (hidden)\n  passwordFrom: vault\n  API_KEY=(hidden)\n  args: [--token=(hidden), x]\n- token: (hidden)",
		},
		{
			"a: {password: hunter, user: ana, token: \"hunter, 2\"}\nautomountServiceAccountToken: false # yes\nb: {token: true}\n",
			"a: {password: (hidden), user: ana, token: (hidden)}\nautomountServiceAccountToken: false # yes\nb: {token: true}",
		},
		{
			"password: |\n  hunter: x\n\n  hunter\nuser: ana\nsecret:\n  name: x\nlast.token: >\n  hunter\n---\na: b\n",
			"password: |\n  (hidden)\n\n  (hidden)\nuser: ana\nsecret:\n  name: x\nlast.token: >\n  (hidden)\n---\na: b",
		},
		{"", ""},
		{"\n\n", "\n"},
		{"a: [\n", "a: ["},
		{"a\tb\r\nc", "a\tb\nc"},
	} {
		lines, _ := Veil([]byte(test.text))
		if got := strings.Join(lines, "\n"); got != test.want {
			t.Errorf("%q is shown as\n%s\nnot as\n%s", test.text, got, test.want)
		}
	}
}

// FuzzVeil: any bytes have as many lines as they have, and a Secret's value is in none.
func FuzzVeil(f *testing.F) {
	f.Add([]byte("a: b"), []byte("kind: Secret\n"))
	f.Add([]byte("---\n{"), []byte("\r"))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		lines, _ := Veil(before)
		if want := len(splitLines(before)); len(lines) != want {
			t.Fatalf("%d lines of %d", len(lines), want)
		}
		text := "kind: Secret\nstringData: {a: hunter-canary}\n---\n" + string(after)
		shown, whole := Veil([]byte(text))
		if at := strings.Join(shown[:2], "\n"); !whole || strings.Contains(at, "hunter-canary") {
			t.Fatalf("shown as %q", at)
		}
	})
}
