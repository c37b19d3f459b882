package kube

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestCutShown(t *testing.T) {
	for text, want := range map[string][2]string{
		`70000: must be between 1 and 65535, inclusive`: {"70000", "must be between 1 and 65535, inclusive"},
		`"a: b": bad`:                            {`"a: b"`, "bad"},
		`"a\": field is immutable": bad`:         {`"a\": field is immutable"`, "bad"},
		`{"a":"b: c"}: field is immutable`:       {`{"a":"b: c"}`, "field is immutable"},
		`["10.0.0.77"]: may not change once set`: {`["10.0.0.77"]`, "may not change once set"},
		`null: field is immutable`:               {"null", "field is immutable"},
		`"data"`:                                 {`"data"`, ""},
		`{broken: bad`:                           {"{broken", "bad"},
		``:                                       {"", ""},
	} {
		if value, detail := cutShown(text); value != want[0] || detail != want[1] {
			t.Errorf("%s: %q and %q", text, value, detail)
		}
	}
}

var deployments = schema.GroupKind{Group: "apps", Kind: "Deployment"}

func invalid(errs ...*field.Error) error {
	return fmt.Errorf("apply: %w", apierrors.NewInvalid(deployments, "web", errs))
}

// TestIsImmutable has causes that are not about immutable fields, or not about them alone.
// The others are in testdata/errors/immutable-*.
func TestIsImmutable(t *testing.T) {
	selector, image := field.NewPath("spec", "selector"), field.NewPath("spec", "image")
	other := field.Required(image, "")
	for name, err := range map[string]error{
		"no error":               nil,
		"another error":          errors.New("field is immutable"),
		"a conflict":             apierrors.NewConflict(schema.GroupResource{Resource: "a"}, "web", errors.New("field is immutable")),
		"forbidden":              apierrors.NewForbidden(schema.GroupResource{Resource: "a"}, "web", errors.New("field is immutable")),
		"a bad request":          apierrors.NewBadRequest("field is immutable"),
		"no causes":              invalid(),
		"something else":         invalid(other),
		"and something else":     invalid(field.Invalid(selector, "x", "field is immutable"), other),
		"a value that says so":   invalid(field.Invalid(image, `x: field is immutable`, "must be a name")),
		"a map that says so":     invalid(field.Invalid(image, map[string]string{"a": ": field is immutable"}, "must be a name")),
		"a quote that says so":   invalid(field.NotSupported(image, `x": field is immutable`, []string{"a"})),
		"a list that says so":    invalid(field.NotSupported(image, "b", []string{"field is immutable"})),
		"required to be":         invalid(field.Required(image, "field is immutable")),
		"words in another place": invalid(field.Invalid(image, 1, "must be set because the selector is immutable, see the docs")),
	} {
		if IsImmutable(err) {
			t.Errorf("%s counts as immutable", name)
		}
	}
	for name, err := range map[string]error{
		"one":     invalid(field.Invalid(selector, "x", "field is immutable")),
		"several": invalid(field.Invalid(selector, "x", "field is immutable"), field.Forbidden(image, "may not be changed in an update.")),
		"by rule": invalid(field.Invalid(selector, "x", "Value is immutable")),
		"once":    invalid(field.Invalid(selector, nil, "field cannot be modified once set")),
	} {
		if !IsImmutable(err) {
			t.Errorf("%s: %v does not count as immutable", name, err)
		}
	}
}

// TestImmutableCorpus: a recorded answer is about immutable fields alone if, and only if,
// its name says so.
func TestImmutableCorpus(t *testing.T) {
	for _, c := range readCases(t) {
		want := strings.HasPrefix(c.name, "immutable-") && c.name != "immutable-and-invalid" || c.name == "custom-immutable"
		if got := IsImmutable(c.recorded(t)); got != want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// TestSecretsAreNotTold explains every kind of answer about a Secret as if it repeated one
// of the Secret's values, and looks for the values in the explanation. The recorded
// explanations must have none either.
func TestSecretsAreNotTold(t *testing.T) {
	c := &Cluster{name: "default"}
	secret := object(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: {password: correct-horse, pin: \"482915\", multi: \"first line\\nsecond \\\"line\\\"\"}\ndata: {token: YmF0dGVyeS1zdGFwbGU=}")
	values := []string{"correct-horse", "482915", "battery-staple", "YmF0dGVyeS1zdGFwbGU", "first line", `second "line"`}
	for _, message := range []string{
		`admission webhook "a.example" denied the request: VALUE is weak`,
		`failed to create typed patch object (shop/key; /v1, Kind=Secret): .stringData.pin: expected string, got &value.valueUnstructured{Value:VALUE}`,
		`failed to create typed patch object (shop/key; /v1, Kind=Secret): errors:
  .stringData.password: strange VALUE
  .data.VALUE: field not declared in schema`,
		`failed to convert new object (shop/key; /v1, Kind=Secret) to proper version: error decoding from json: cannot read VALUE`,
		`Secret in version "v1" cannot be handled as a Secret: json: cannot unmarshal VALUE`,
		`secrets "key" is forbidden: VALUE`,
		`strict decoding error: unknown field "data.VALUE"`,
		`VALUE`,
	} {
		for _, value := range values {
			for _, code := range []int32{http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusInternalServerError} {
				text := strings.ReplaceAll(message, "VALUE", value)
				status := metav1.Status{
					Message: text, Code: code, Reason: apierrors.ReasonForError(apierrors.NewGenericServerResponse(int(code), "patch", schema.GroupResource{}, "key", "", 0, false)),
					Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{
						{Type: metav1.CauseTypeFieldValueInvalid, Field: "data[token]", Message: "Invalid value: \"" + value + "\": " + value + " is bad"},
						{Message: text},
					}},
				}
				got := explained(c.Explain(t.Context(), secret, &apierrors.StatusError{ErrStatus: status}), nil)
				for _, told := range values {
					if strings.Contains(got, told) {
						t.Errorf("code %d, %q is explained as\n%s", code, text, got)
					}
				}
			}
		}
	}
	for _, tc := range readCases(t) {
		if !strings.HasPrefix(tc.name, "secret-") && !strings.HasPrefix(tc.name, "immutable-secret") {
			continue
		}
		for _, told := range []string{"correct-horse", "battery-staple", "482915", "hunter2"} {
			if strings.Contains(string(tc.file("want"))+string(tc.file("offline")), told) {
				t.Errorf("%s shows %s", tc.name, told)
			}
		}
	}
}

// TestExplainIsBounded: an answer of any size gives a message of reasonable size.
func TestExplainIsBounded(t *testing.T) {
	c := &Cluster{name: "default"}
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}")
	var errs field.ErrorList
	for i := range 150 {
		errs = append(errs, field.Invalid(field.NewPath("data").Key(fmt.Sprint(i)), strings.Repeat("v", 5000), strings.Repeat("d", 5000)))
	}
	problems := c.Explain(t.Context(), o, apierrors.NewInvalid(deployments, "web", errs))
	if len(problems) != maxProblems || len(problems.Error()) > maxProblems*(maxMessage+100) {
		t.Errorf("%d problems, %d bytes", len(problems), len(problems.Error()))
	}
	if last := problems[maxProblems-1]; !strings.Contains(last.Hint, "more") {
		t.Errorf("no hint mentions further problems: %+v", last)
	}
	escape := apierrors.NewBadRequest("\x1b[2Jgone\u202e")
	if got := c.Explain(t.Context(), o, escape).Error(); strings.ContainsAny(got, "\x1b\u202e") {
		t.Errorf("%q", got)
	}
}

func TestParsePath(t *testing.T) {
	u := object(t, `
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {a.b/c: d}}
data: {app.yaml: x, app: {yaml: y}}
spec:
  containers:
    - {name: web, ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]}
    - {name: 'si"de.x]', args: [a, b]}
    - {name: "7"}
`).Unstructured
	for text, want := range map[string]string{
		"":                                   "",
		"spec.containers[1].args[0]":         "spec.containers[1].args[0]",
		`.spec.containers[name="web"].image`: "spec.containers[0].image",
		`.spec.containers[name="si\"de.x]"].args[="b"]`:                            "spec.containers[1].args[1]",
		`.spec.containers[name="7"]`:                                               "spec.containers[2]",
		`.spec.containers[name="web"].ports[containerPort=80,protocol="UDP"].name`: "spec.containers[0].ports[1].name",
		`.spec.containers[name="web"].ports[containerPort=80,protocol="TCP"].name`: "spec.containers[0].ports[0].name",
		`.spec.containers[name="none"].image`:                                      `spec.containers[name="none"].image`,
		"metadata.labels.a.b/c":                                                    "metadata.labels[a.b/c]",
		"metadata.labels[a.b/c]":                                                   "metadata.labels[a.b/c]",
		"data.app.yaml":                                                            "data[app.yaml]",
		"data[app.yaml]":                                                           "data[app.yaml]",
		"broken[":                                                                  "broken",
		`broken["x`:                                                                "broken",
		"..":                                                                       "",
	} {
		if got := parsePath(text, u).String(); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}

// FuzzExplain tries messages that no API server writes: nothing panics, and every problem
// has a message.
func FuzzExplain(f *testing.F) {
	for _, seed := range []string{
		`failed to create typed patch object (a/b; apps/v1, Kind=Deployment): .spec.containers[name="web"].x: field not declared in schema`,
		`failed to create typed patch object (a/b; apps/v1, Kind=Deployment): errors:` + "\n  .a[=\"b\"]: expected list, got &{x}\n  .b: duplicate entries for key [name=\"A\"]",
		`strict decoding error: unknown field "a[0].b", duplicate field "c"`,
		`Invalid value: "x": must be between 1 and 2, inclusive`,
		`Unsupported value: "x": supported values: "a", "b"`,
		`pods "web" is forbidden: User "u" cannot patch resource "pods" in API group "" in the namespace "b"`,
		`admission webhook "x" denied the request: no`,
	} {
		f.Add(seed, int32(500), "spec.containers[0].x")
		f.Add(seed, int32(422), "data[a")
	}
	f.Fuzz(func(t *testing.T, message string, code int32, path string) {
		o := object(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\nspec: {containers: [{name: web, args: [b]}]}")
		status := metav1.Status{
			Message: message, Code: code, Reason: metav1.StatusReasonInvalid,
			Details: &metav1.StatusDetails{Causes: []metav1.StatusCause{{Type: metav1.CauseTypeFieldValueInvalid, Message: message, Field: path}}},
		}
		for _, reason := range []metav1.StatusReason{metav1.StatusReasonInvalid, metav1.StatusReasonForbidden, metav1.StatusReasonConflict, ""} {
			status.Reason = reason
			err := &apierrors.StatusError{ErrStatus: status}
			IsImmutable(err)
			for _, p := range (&Cluster{name: "default"}).Explain(t.Context(), o, err) {
				if len(p.Message) > maxMessage*4 || manifest.CleanLines(p.Message) != p.Message {
					t.Errorf("%q", p.Message)
				}
			}
		}
	})
}
