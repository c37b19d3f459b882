package golden

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	helmv2 "github.com/fluxcd/helm-controller/api/v2"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
)

var update = flag.Bool("update", false, "write the list of Flux's fields")

// fieldsFile lists the fields of Flux's objects, to which package importer/flux and
// docs/migrating.md are held.
var fieldsFile = filepath.Join("..", "..", "internal", "importer", "flux", "testdata", "fields.txt")

// TestFieldsAreThoseOfFlux: the list has each field of the spec of Flux's objects.
func TestFieldsAreThoseOfFlux(t *testing.T) {
	var lines []string
	for _, spec := range []struct {
		kind string
		of   any
	}{
		{"Kustomization", kustomizev1.KustomizationSpec{}},
		{"HelmRelease", helmv2.HelmReleaseSpec{}},
		{"GitRepository", sourcev1.GitRepositorySpec{}},
		{"OCIRepository", sourcev1.OCIRepositorySpec{}},
		{"HelmRepository", sourcev1.HelmRepositorySpec{}},
		{"HelmChart", sourcev1.HelmChartSpec{}},
	} {
		for _, field := range fieldsOf(reflect.TypeOf(spec.of), "") {
			lines = append(lines, spec.kind+" "+field)
		}
	}
	text := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(fieldsFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(fieldsFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if listed, err := os.ReadFile(fieldsFile); err != nil || string(listed) != text {
		t.Errorf("%s is not what the API has; write it with: go -C test/golden test -run Fields -update (%v)", fieldsFile, err)
	}
}

// fieldsOf are the paths of the fields of a type, each with its kind.
func fieldsOf(of reflect.Type, prefix string) []string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch {
	case of.Name() == "Duration":
		return []string{prefix + " duration"}
	case of.Name() == "JSON", of.Kind() == reflect.Map:
		return []string{prefix + " mapping"}
	case of.Kind() == reflect.Slice:
		return fieldsOf(of.Elem(), prefix+"[]")
	case of.Kind() == reflect.Struct:
		var all []string
		for i := range of.NumField() {
			name, options, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			switch {
			case name == "-":
			case name == "" && strings.Contains(options, "inline"), name == "" && of.Field(i).Anonymous:
				all = append(all, fieldsOf(of.Field(i).Type, prefix)...)
			case name != "":
				all = append(all, fieldsOf(of.Field(i).Type, strings.TrimPrefix(prefix+"."+name, "."))...)
			}
		}
		return all
	case of.Kind() == reflect.Bool:
		return []string{prefix + " bool"}
	case of.Kind() == reflect.String:
		return []string{prefix + " text"}
	}
	return []string{fmt.Sprint(prefix, " number")}
}
