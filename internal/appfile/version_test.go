package appfile

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestVersionsOfCharts: which versions an app may name, of which registries.
func TestVersionsOfCharts(t *testing.T) {
	const https, oci = "https://charts.example.org", "oci://registry.example.org/charts"
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, test := range []struct{ version, repo, more, want string }{
		{"1.2.3", https, "", ""},
		{"~1.2", https, "", ""},
		{"1.x", oci, "", ""},
		{">=1.0.0 <2.0.0", https, "", ""},
		{"*", https, "", ""},
		{"tag:stable", oci, "", ""},
		{digest, oci, "", ""},
		{digest, oci, "digest: '" + digest + "', ", ""},
		{"1.2.3", https, "digest: '" + digest + "', ", ""},
		{"tag:stable", https, "", "is of a registry whose address begins with oci://"},
		{digest, https, "", "is of a registry whose address begins with oci://"},
		{"tag:", oci, "", "is neither a version nor a range"},
		{"latest", oci, "", "is neither a version nor a range"},
		{"~1.2", https, "digest: '" + digest + "', ", `helm.digest is of one archive, and helm.version "~1.2" may mean others`},
	} {
		file := "apps: [{helm: {chart: web, " + test.more + "version: '" + test.version + "', repo: '" + test.repo + "'}}]"
		_, problems := Read(fstest.MapFS{Name: {Data: []byte(file)}}, Place{Repo: "shop", Branch: "main", Main: "main"})
		if got := problems.Error(); (len(problems) > 0) != (test.want != "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %v", file, problems)
		}
	}
}
