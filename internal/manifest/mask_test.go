package manifest

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// secretText is a Secret with values under every field that may have some. Each value
// contains "hunter", in plain text or in base64 (aHVudGVy).
const secretText = `apiVersion: v1
kind: Secret
type: Opaque
metadata:
  name: db
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: '{"stringData":{"old":"hunter-applied"}}'
    owner: ana
data:
  same: aHVudGVyMg==
  broken: hunter, not base64
stringData:
  same-too: hunter2
  other: hunter3
  number: 12345678
stringdata:
  slip: hunter4
values: [hunter5]
`

func secret(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	o := mustParse(t, "f.yaml", secretText)[0].Unstructured
	// Parse drops this annotation, but objects from the cluster have it.
	o.SetAnnotations(map[string]string{lastApplied: `{"stringData":{"old":"hunter-applied"}}`, "owner": "ana"})
	return o
}

func TestMaskLeavesNoValue(t *testing.T) {
	m := NewMasker([]byte("key"))
	o := secret(t)
	masked := string(canonical(m.MaskObject(o).Object))
	for _, leak := range []string{"hunter", "aHVudGVy", "12345678"} {
		if strings.Contains(masked, leak) {
			t.Errorf("masked Secret has %q in it: %s", leak, masked)
		}
	}
	for _, kept := range []string{`"name":"db"`, `"owner":"ana"`, `"type":"Opaque"`, `"same-too"`} {
		if !strings.Contains(masked, kept) {
			t.Errorf("masked Secret has lost %s: %s", kept, masked)
		}
	}
	if original := string(canonical(o.Object)); !strings.Contains(original, "hunter2") {
		t.Errorf("masking changed the original: %s", original)
	}
}

func TestMasksAreEqualForEqualValuesOnly(t *testing.T) {
	m := NewMasker([]byte("key"))
	object := m.MaskObject(secret(t)).Object
	data, texts := object["data"].(map[string]any), object["stringData"].(map[string]any)
	if data["same"] != texts["same-too"] {
		t.Errorf("one value under data and stringData has masks %v and %v", data["same"], texts["same-too"])
	}
	if texts["same-too"] == texts["other"] {
		t.Errorf("two values have one mask %v", texts["other"])
	}
	if a, b := m.Value("x"), NewMasker([]byte("other")).Value("x"); a == b {
		t.Errorf("two keys give one mask %s", a)
	}
	if got := m.Value("hunter2"); len(got) != len("(secret 3f2c1ab09d12)") || !strings.HasPrefix(got, "(secret ") {
		t.Errorf("mask %q", got)
	}
	if a, b := (Masker{}).Value("x"), (Masker{}).Value("y"); a != "(secret)" || b != a {
		t.Errorf("without a key, masks are %s and %s, which can be guessed", a, b)
	}
}

func TestMaskLeavesOtherKindsAlone(t *testing.T) {
	o := mustParse(t, "f.yaml", fmt.Sprintf(configMap, "a")+"data: {k: v}\n")[0]
	if got := string(canonical(NewMasker([]byte("k")).MaskObject(o.Unstructured).Object)); !strings.Contains(got, `"k":"v"`) {
		t.Errorf("ConfigMap became %s", got)
	}
}

func TestRedact(t *testing.T) {
	o := mustParse(t, "f.yaml", `apiVersion: v1
kind: Secret
metadata: {name: db}
data: {encoded: cGFzc3dvcmQ=, empty: ""}
stringData:
  plain: 'say "hi" <now>'
  short: abc
  word: secret
  lines: "-----BEGIN-----\nMIIEowIBAAKC\n-----END-----\n"
`)[0].Unstructured
	for _, test := range []struct{ text, want string }{
		{"nothing here", "nothing here"},
		{"value cGFzc3dvcmQ= is bad", "value (secret) is bad"},
		{"value password is bad", "value (secret) is bad"},
		{"is cGFzc3dvcmQ too", "is (secret) too"},
		{`Invalid value: "say \"hi\" <now>": x`, `Invalid value: "(secret)": x`},
		{`{"plain":"say \"hi\" \u003cnow\u003e"}`, `{"plain":"(secret)"}`},
		{`say "hi" <now>`, "(secret)"},
		{"abc, abcd, xabc, 'abc'", "(secret), abcd, xabc, '(secret)'"},
		{"at line MIIEowIBAAKC of it", "at line (secret) of it"},
		{`-----BEGIN-----\nMIIEowIBAAKC\n-----END-----\n`, "(secret)"},
		{"1 password, 2 secrets of abc", "1 (secret), 2 (secret)s of (secret)"},
		{"passwordpassword", "(secret)(secret)"},
	} {
		if got := Redact(test.text, o, nil); got != test.want {
			t.Errorf("Redact(%q) = %q, want %q", test.text, got, test.want)
		}
	}
	config := mustParse(t, "f.yaml", fmt.Sprintf(configMap, "a")+"data: {k: visible}\n")[0].Unstructured
	if got := Redact("visible", config); got != "visible" {
		t.Errorf("a ConfigMap's value was removed: %q", got)
	}
	if got := Redact("hunter-applied and hunter4", secret(t)); got != "(secret) and (secret)" {
		t.Errorf("values in odd places are left: %q", got)
	}
}
