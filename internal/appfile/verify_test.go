package appfile

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestVerifyInAFile: what is demanded is read, with its line; what demands nobody, or everybody,
// or cannot be had, is a problem.
func TestVerifyInAFile(t *testing.T) {
	read := func(helm string) (File, string) {
		file, problems := Read(fstest.MapFS{Name: {Data: []byte("apps:\n- namespace: shop\n  helm: {" + helm + "}\n")}}, Place{Repo: "shop", Branch: "main", Main: "main"})
		return file, problems.Error()
	}
	chart := "chart: web, version: 1.2.3, repo: 'oci://registry.example.org/charts', "
	file, problems := read(chart + "verify: {keys: [a, b], secret: keys, identities: [{issuer: ^https://a$, subject: b}]}")
	if problems != "" {
		t.Fatal(problems)
	}
	v := file.Apps[0].Helm.Verify
	if v == nil || len(v.Keys) != 2 || v.Keys[1] != (VerifyKey{"2 of helm.verify", "b"}) || v.Secret.Origin().String() != "Secret shop/keys" ||
		len(v.Identities) != 1 || v.Identities[0] != (VerifyIdentity{"^https://a$", "b"}) || v.Source().String() != "pushboat.yaml:3" {
		t.Errorf("it is %+v", v)
	}
	if !file.Apps[0].AsksForValues() {
		t.Error("the cluster is not asked for the keys")
	}
	for helm, want := range map[string]string{
		chart + "verify: {}":                                        "pushboat.yaml:3: helm.verify demands nobody's signature",
		chart + "verify: {identities: [{issuer: a}]}":               "helm.verify.identities: subject is empty, which would be everybody",
		chart + "verify: {identities: [{issuer: '(', subject: a}]}": `issuer: "(" is no regular expression`,
		chart + "verify: {identities: [{issuer: " + strings.Repeat("a", maxExpression+1) + ", subject: a}]}": "issuer has more than 1000 bytes",
		chart + "verify: {keys: [" + strings.Repeat("a", maxVerifyKey+1) + "]}":                              "the key has more than 16384 bytes",
		chart + "verify: {keys: [" + strings.Repeat("a, ", maxVerifyKeys+1) + "]}":                           "helm.verify.keys",
		chart + "verify: {secret: a/b/c}":                                                                    "is not the name of an object",
		chart + "verify: {key: a}":                                                                           `unknown field "key"`,
		"verify: {keys: [a]}":                                                                                "helm.verify is of a chart of a registry",
		strings.Replace(chart, "oci:", "https:", 1) + "verify: {keys: [a]}":                                  "helm.verify: signatures are of charts in registries whose address begins with oci://, and this is https://registry.example.org/charts",
	} {
		if _, problems := read(helm); !strings.Contains(problems, want) {
			t.Errorf("%.100s: %s, want %s", helm, problems, want)
		}
	}
}
