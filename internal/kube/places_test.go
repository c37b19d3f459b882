package kube

import (
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func TestPlaces(t *testing.T) {
	spec := field.NewPath("spec")
	template := spec.Child("template", "spec")
	for _, test := range []struct {
		err  *field.Error
		want string
	}{
		{field.Duplicate(spec.Child("ports").Index(1).Child("name"), "http"), "spec/ports"},
		{field.Duplicate(spec.Child("ports").Index(1), "http"), "spec/ports"},
		{field.Forbidden(spec.Child("strategy", "rollingUpdate"), "no"), "spec/strategy"},
		{field.Invalid(template.Child("containers").Index(0).Child("env").Index(2).Child("valueFrom"), "", "no"), "spec/template/spec/containers/env"},
		{field.Forbidden(spec.Child("externalName"), "no"), "spec/externalName"},
		{field.Invalid(field.NewPath("data").Key("a.b"), "", "duplicate of key present in binaryData"), "data/a.b binaryData/a.b"},
		{field.Invalid(spec.Child("progressDeadlineSeconds"), 1, "must be greater than minReadySeconds"), "spec/progressDeadlineSeconds spec/minReadySeconds"},
		{field.Invalid(field.NewPath("metadata", "labels").Key("a.b/c"), "", "no"), ""},
		{field.Invalid(spec.Child("selector"), "", "field is immutable"), ""},
	} {
		err := apierrors.NewInvalid(schema.GroupKind{Kind: "Service"}, "web", field.ErrorList{test.err})
		var got []string
		for _, place := range Places(err) {
			got = append(got, strings.Join(place, "/"))
		}
		if want := strings.Fields(test.want); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", test.err.Field, got, want)
		}
	}
	if places := Places(errors.New("no answer")); places != nil {
		t.Errorf("of another error: %v", places)
	}
}
