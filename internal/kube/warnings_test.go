package kube

import (
	"fmt"
	"strings"
	"testing"
)

// TestWarningsHaveTheirLine: a warning has the line of its field, and no value of a Secret.
func TestWarningsHaveTheirLine(t *testing.T) {
	web := object(t, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    spec:
      volumes:
        - name: v
          gitRepo: {}
`)
	secret := object(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: {pin: hunter22}")
	for text, want := range map[string]string{
		"spec.template.spec.volumes[0].gitRepo: deprecated in v1.11":                         "a.yaml:11: Deployment shop/web: spec.template.spec.volumes[0].gitRepo: deprecated in v1.11",
		"spec.nothing is ignored here":                                                       "a.yaml:6: Deployment shop/web: spec.nothing is ignored here",
		"apps/v1beta1 Deployment is deprecated in v1.9+; use apps/v1":                        "a.yaml:1: Deployment shop/web: apps/v1beta1 Deployment is deprecated in v1.9+; use apps/v1",
		`unknown field "spec.template.spec.volumes[0].x"`:                                    `a.yaml:10: Deployment shop/web: unknown field "spec.template.spec.volumes[0].x"`,
		"Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': no team":      "a.yaml:1: Deployment shop/web: the admission policy p warns: no team",
		`would violate PodSecurity "baseline:latest": a (x=1), b (container "c" must set y)`: "a.yaml:1: Deployment shop/web: would violate PodSecurity \"baseline:latest\":\n  a (x=1)\n  b (container \"c\" must set y)",
		"the weather is bad. Spec.x":                                                         "a.yaml:1: Deployment shop/web: the weather is bad. Spec.x",
		"colours \x1b[31mred":                                                                `a.yaml:1: Deployment shop/web: colours \x1b[31mred`,
	} {
		_, heard := Listen(t.Context())
		heard.add(text)
		if got := heard.About(web).Error(); got != want {
			t.Errorf("%s\nis shown as %s\nwant %s", text, got, want)
		}
	}
	_, heard := Listen(t.Context())
	heard.add("the pin hunter22 is weak")
	if got := heard.About(secret).Error(); strings.Contains(got, "hunter22") {
		t.Errorf("the warning shows %s", got)
	}
}

// TestWarningsAreBounded: the same warning counts once, and the number and length of
// warnings are limited.
func TestWarningsAreBounded(t *testing.T) {
	ctx, heard := Listen(t.Context())
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}")
	hear := warner{quiet()}
	for i := range 50 {
		for range 3 {
			hear.HandleWarningHeaderWithContext(ctx, 299, "", fmt.Sprintf("%03d %s", i, strings.Repeat("x", 5000)))
		}
	}
	hear.HandleWarningHeaderWithContext(ctx, 199, "", "no warning of the API server")
	hear.HandleWarningHeaderWithContext(t.Context(), 299, "", "nobody listens")
	told := heard.About(o)
	if len(told) != maxWarnings+1 || len(told.Error()) > (maxWarnings+1)*(maxWarning+100) {
		t.Errorf("%d warnings, %d bytes", len(told), len(told.Error()))
	}
	if got := told.Error(); !strings.Contains(got, "more warnings of this object") || strings.Contains(got, "listens") {
		t.Errorf("%.300s", got)
	}
}

// TestWarningsOfARehearsal: warnings about a rehearsal name the object's own namespace.
// Warnings about the pods that the namespace allows are left out.
func TestWarningsOfARehearsal(t *testing.T) {
	o := object(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}")
	moved := o.DeepCopy()
	moved.SetNamespace("pushboat-system")
	ctx, heard := Listen(t.Context())
	_, inner := Listen(ctx)
	inner.add(`would violate PodSecurity "restricted:latest": x (y)`)
	inner.add(`pushboat-system/a lacks an owner in namespace "pushboat-system"`)
	inner.passOn(ctx, explainer{obj: o, moved: moved})
	inner.passOn(t.Context(), explainer{obj: o, moved: moved}) // nobody listens, and this must not panic
	if got, want := heard.About(o).Error(), `a.yaml:1: ConfigMap shop/a: shop/a lacks an owner in namespace "shop"`; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
