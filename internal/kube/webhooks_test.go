package kube

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestWebhooksThatFail: webhooks that do not work are named, with a way out. The messages
// are those of Kubernetes 1.37.
func TestWebhooksThatFail(t *testing.T) {
	c := &Cluster{name: "default"}
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}")
	for said, want := range map[string][2]string{
		`admission webhook "old.example" does not support dry run`: {
			"the admission webhook old.example takes no dry-run, so the gate cannot check this object", "sideEffects: None",
		},
		`Internal error occurred: failed calling webhook "w.example": failed to call webhook: Post "https://checks.policy.svc:443/v?token=geheim&timeout=10s": service "checks" not found`: {
			`the cluster's admission webhook w.example (service policy/checks) does not answer: service "checks" not found`, "when service policy/checks answers",
		},
		`Internal error occurred: failed calling webhook "w.example": failed to call webhook: Post "https://checks.policy.svc:443/v?timeout=10s": no endpoints available for service "checks"`: {
			`(service policy/checks) does not answer: no endpoints available for service "checks"`, "failurePolicy: Ignore",
		},
		`Internal error occurred: failed calling webhook "w.example": failed to call webhook: Post "https://10.0.0.1:8443/v?token=geheim": tls: failed to verify certificate: x509: certificate signed by unknown authority`: {
			`w.example (10.0.0.1:8443) does not answer: tls: failed to verify certificate`, "when 10.0.0.1:8443 answers",
		},
		`Internal error occurred: failed calling webhook "w.example": received invalid webhook response: webhook response was absent`: {
			"the cluster's admission webhook w.example answers wrongly: webhook response was absent", "when the webhook answers",
		},
		`failed calling webhook "w.example"; no further details available`: {"w.example does not answer: no further details", "the webhook"},
		`conversion webhook for conv.example/v2, Kind=Boat failed: Post "https://gone.default.svc:443/?timeout=30s": service "gone" not found`: {
			`the conversion webhook for Boat of conv.example/v2 (service default/gone) does not answer: service "gone" not found`, "the CustomResourceDefinition of Boat names it in spec.conversion",
		},
		`conversion webhook for conv.example/v2, Kind=Boat returned 0 objects, expected 1`: {"answers wrongly: 0 objects, expected 1", "spec.conversion"},
		`conversion webhook for conv.example/v2, Kind=Boat failed, no objects returned`:    {"answers wrongly: no objects returned", "spec.conversion"},
		`conversion webhook for conv.example/v2, Kind=Boat failed: request to convert failed`: {
			"answers wrongly: request to convert failed", "spec.conversion",
		},
	} {
		problems := c.Explain(t.Context(), o, apierrors.NewInternalError(fmt.Errorf("%s", said)))
		if len(problems) != 1 || !strings.Contains(problems[0].Message, want[0]) || !strings.Contains(problems[0].Hint+problems[0].Remedy.When, want[1]) {
			t.Errorf("%s\nis shown as %+v\nwant %q", said, problems, want)
		}
		if strings.Contains(fmt.Sprint(problems), "geheim") {
			t.Errorf("the address's query is shown: %v", problems)
		}
	}
}

// TestUnconverted: the error of a list that cannot be converted has the reason in its
// causes.
func TestUnconverted(t *testing.T) {
	const text = `conversion webhook for conv.example/v1, Kind=Boat failed: Post "https://gone.default.svc:443/": service "gone" not found`
	err := &apierrors.StatusError{ErrStatus: metav1.Status{Code: 500, Message: "unable to transform or decode 1 objects", Details: &metav1.StatusDetails{
		Causes: []metav1.StatusCause{{Message: "StorageError: corrupt object: " + text}},
	}}}
	if problem, ok := Unconverted(fmt.Errorf("list boats: %w", err)); !ok || !strings.Contains(problem.Message, "service default/gone") || problem.Remedy.When == "" {
		t.Errorf("%+v, %v", problem, ok)
	}
	for _, other := range []error{nil, fmt.Errorf("%s", text), apierrors.NewBadRequest("no")} {
		if _, ok := Unconverted(other); ok {
			t.Errorf("%v counts as a failed conversion", other)
		}
	}
}

// TestLinesOfRefusals: the lines of a webhook's message stay separate lines, up to a limit.
func TestLinesOfRefusals(t *testing.T) {
	for said, want := range map[string]string{
		"":                       "refused by w",
		" no ":                   "refused by w: no",
		"\n\n no\n\n":            "refused by w: no",
		"a\nb":                   "refused by w:\n  a\n  b",
		"\na\r\n\r\n  b\n":       "refused by w:\n  a\n    b",
		strings.Repeat("x\n", 3): "refused by w:\n  x\n  x\n  x",
	} {
		if got := refusedBy("w", said); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
	c := &Cluster{name: "default"}
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}")
	long := c.Explain(t.Context(), o, apierrors.NewBadRequest(`admission webhook "w" denied the request: `+strings.Repeat("x\n", 1000)))
	if lines := strings.Split(long[0].Message, "\n"); len(lines) != maxTextLines+1 || !strings.HasPrefix(lines[maxTextLines], "... and ") {
		t.Errorf("%d lines", len(lines))
	}
}
