package manifest

import (
	"strings"
	"testing"
)

const concealing = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations: {sum: abcd1234, open: shown}
spec:
  replicas: 7
  template:
    spec:
      containers:
        - name: web
          image: registry.example/web:1
          args: [shown, HUNTER, hu]
          env: [{name: OPEN, value: shown}, {name: PASSWORD, value: HUNTER-TWO}]
`

// TestConcealedFieldsAreMaskedByTheirPlace: concealed fields are masked in the object, in
// other states of it, in comparisons and in errors, whatever their type, and however short
// they are.
func TestConcealedFieldsAreMaskedByTheirPlace(t *testing.T) {
	o := mustParse(t, "f.yaml", concealing)[0]
	o.Conceal("/metadata/annotations/sum", "/spec/replicas", "/spec/template/spec/containers/0/args/1",
		"/spec/template/spec/containers/0/args/2", "/spec/template/spec/containers/0/env/1/value", "/not/there", "no pointer")
	m := NewMasker([]byte("key")).Hiding(o.Hidden()).Of(o)
	running := o.DeepCopy()
	running.Object["spec"].(map[string]any)["replicas"] = int64(8)
	env := running.Object["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)["env"].([]any)
	env[1].(map[string]any)["value"] = "by hand"
	var shown strings.Builder
	shown.WriteString(string(canonical(m.Mask(o.Object))))
	for _, changes := range [][]Change{Diff(running.Object, o.Object, m), Diff(nil, o.Object, m), Diff(o.Object, nil, m)} {
		if len(changes) == 0 {
			t.Error("nothing differs")
		}
		for _, change := range changes {
			shown.WriteString("\n" + change.Path + " " + change.Before + " -> " + change.After)
		}
	}
	shown.WriteString("\n" + o.Redact(`Invalid value: "HUNTER-TWO", and 'hu' of abcd1234`))
	for _, leak := range []string{"HUNTER", "abcd1234", `"hu"`, "'hu'", "by hand", `"replicas":7`, " 7\n", " 8\n", " 8 ->"} {
		if strings.Contains(shown.String(), leak) {
			t.Errorf("%q is shown:\n%s", leak, shown.String())
		}
	}
	for _, kept := range []string{`"open":"shown"`, `"image":"registry.example/web:1"`, `"value":"shown"`, "spec.template.spec.containers[web].env[PASSWORD].value"} {
		if !strings.Contains(shown.String(), kept) {
			t.Errorf("%q is not shown:\n%s", kept, shown.String())
		}
	}
	if strings.Contains(string(canonical(o.Object)), "(secret") {
		t.Error("masking changed the object itself")
	}
}

// TestKeysThatAreMadeOfValuesAreMasked: if a mapping's keys are made of secret values, the
// whole mapping is masked.
func TestKeysThatAreMadeOfValuesAreMasked(t *testing.T) {
	for _, kind := range []string{"ConfigMap", "Secret"} {
		parse := func(key string) *Object {
			return mustParse(t, "f.yaml", "apiVersion: v1\nkind: "+kind+"\nmetadata: {name: a}\ndata: {"+key+": YQ==, open: YQ==}\n")[0]
		}
		o := parse("HUNTER")
		o.ConcealDependent([]Variant{{parse("other1").Object, func(a, b string) bool { return a == b }}})
		m := NewMasker([]byte("key")).Hiding(o.Hidden()).Of(o)
		text := string(canonical(m.Mask(o.Object)))
		for _, change := range Diff(nil, o.Object, m) {
			text += "\n" + change.Path + " " + change.After
		}
		if strings.Contains(text, "HUNTER") || !strings.Contains(text, `"data":"(secret`) {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

// TestSecretsHideTheirValuesInTheirOwnMetadata: an annotation beside a password may repeat
// the password.
func TestSecretsHideTheirValuesInTheirOwnMetadata(t *testing.T) {
	o := mustParse(t, "f.yaml", `apiVersion: v1
kind: Secret
metadata: {name: db, annotations: {note: the password is hunter-two, owner: ana}, labels: {p: hunter-two}}
type: example.org/hunter-two
stringData: {password: hunter-two}
`)[0]
	o.HideOwn()
	text := string(canonical(NewMasker([]byte("key")).Hiding(o.Hidden()).Mask(o.Object)))
	if strings.Contains(text, "hunter") || !strings.Contains(text, `"owner":"ana"`) || !strings.Contains(text, "the password is (secret") {
		t.Error(text)
	}
}

// TestTellingLeavesWords: a pod's messages are shown without secrets. Words that are too
// common to be secret stay.
func TestTellingLeavesWords(t *testing.T) {
	o := mustParse(t, "f.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {port: '5432', password: hunter-two}\n")[0]
	got := NewRedacter(o.Telling())("port 5432: no login with hunter-two")
	if got != "port 5432: no login with (secret)" {
		t.Error(got)
	}
}

// TestConcealAs: what is concealed is found again where elements of lists are missing, or have
// moved.
func TestConcealAs(t *testing.T) {
	for pointer, want := range map[string]string{
		"/metadata/annotations/sum":                    "/metadata/annotations/sum",
		"/metadata/annotations/open":                   "",
		"/spec/template/spec/containers/0/env/1/value": "/spec/template/spec/containers/1/env/0/value",
		"/spec/template/spec/containers/0/env/0/value": "",
		"/spec/template/spec/containers/0/args/1":      "/spec/template/spec/containers/1/args",
		"/spec/template/spec/containers/0/args/7":      "",
		"/spec/template/spec/containers/0/args/x":      "",
		"/spec/template/spec/containers/0/image":       "/spec/template/spec/containers/1/image",
		"/spec/template/spec/containers/0/image/x":     "",
		"/spec/template/spec/nothing":                  "",
		"/spec/replicas":                               "/spec/replicas",
	} {
		whole := mustParse(t, "f.yaml", concealing)[0]
		other := mustParse(t, "f.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {sum: x}}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - {name: first, image: x}
        - {name: web, image: y, args: [HUNTER], env: [{name: PASSWORD, value: HUNTER-TWO}]}
`)[0]
		whole.concealed, other.concealed = []string{pointer, pointer, "no pointer"}, []string{"/spec/other"}
		other.ConcealAs(whole)
		if got := strings.Join(other.Concealed(), " "); got != want {
			t.Errorf("%s: concealed is %q, want %q", pointer, got, want)
		}
	}
	whole, other := mustParse(t, "f.yaml", concealing)[0], mustParse(t, "f.yaml", concealing)[0]
	other.Object["spec"] = map[string]any{"replicas": int64(7), "template": map[string]any{"spec": map[string]any{"containers": []any{
		map[string]any{"name": "first"}, map[string]any{"name": "web", "args": []any{"x"}, "image": "x"},
	}}}}
	const image = "/spec/template/spec/containers/0/image"
	if got := strings.Join(Counterparts(whole.Object, other.Object, image, "/spec/template/spec/containers/0/args/0", "/spec/template/spec/containers/0/env", "/spec/*"), " "); got != "/spec/template/spec/containers/1/image" {
		t.Errorf("counterparts are %q", got)
	}
	same := mustParse(t, "f.yaml", concealing)[0]
	same.concealed = []string{"/spec/template/spec/containers/0/args/1"}
	same.ConcealAs(same.Copy())
	if len(same.Concealed()) != 1 || same.Concealed()[0] != "/spec/template/spec/containers/0/args/1" {
		t.Errorf("of an equal object, concealed is %q", same.Concealed())
	}
}
