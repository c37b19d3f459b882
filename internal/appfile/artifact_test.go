package appfile

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/manifest"
)

func TestArtifacts(t *testing.T) {
	read := func(entry string) (File, manifest.Problems) {
		return Read(fstest.MapFS{Name: {Data: []byte("apps:\n- name: web\n  namespace: shop\n" + entry)}}, Place{Repo: "site"})
	}
	file, problems := read("  artifact: {url: 'oci://registry.example.org/manifests/web/', version: ~1.2, path: deploy/, verify: {secret: keys}}\n")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	a := file.Apps[0].Artifact
	if repo, name := a.Split(); repo != "oci://registry.example.org/manifests" || name != "web" || a.Path != "deploy" || a.Line != 4 || file.Apps[0].Path != "." ||
		a.Verify.Secret.Origin().String() != "Secret shop/keys" {
		t.Errorf("read %+v, of %s in %s", a, name, repo)
	}
	const good = "url: oci://a.example.org/b/web, version: 1.2.3"
	for entry, want := range map[string]string{
		"  artifact: {version: 1.2.3}\n":                                                                  "pushboat.yaml:4: artifact.url is missing",
		"  artifact: {url: https://a.example.org/b, version: 1.2.3}\n":                                    `pushboat.yaml:4: artifact.url: "https://a.example.org/b" is not oci://HOST/PATH/NAME`,
		"  artifact: {url: 'oci://ana:hunter22@a.example.org/b/web', version: 1.2.3}\n":                   "artifact.url: the address has credentials in it; the server's configuration has them",
		"  artifact: {url: 'oci://', version: 1.2.3}\n":                                                   "is not oci://HOST/PATH/NAME",
		"  artifact: {url: 'oci://a.example.org', version: 1.2.3}\n":                                      "is not oci://HOST/PATH/NAME",
		"  artifact: {url: oci://a.example.org/b}\n":                                                      "artifact.version is missing",
		"  artifact: {url: oci://a.example.org/b, version: latest}\n":                                     `artifact.version: "latest" is neither a version nor a range`,
		"  artifact: {" + good + ", path: ../x}\n":                                                        `artifact.path: "../x" is no folder of an archive`,
		"  artifact: {" + good + ", digest: x}\n":                                                         `unknown field "digest" in artifact`,
		"  artifact: {" + good + ", layer: " + strings.Repeat("a", maxLayer+1) + "}\n":                    "artifact.layer has more than 255 bytes",
		"  artifact: {" + good + ", ignore: " + strings.Repeat("a", maxIgnore+1) + "}\n":                  "artifact.ignore has more than 65536 bytes",
		"  artifact: {" + good + ", verify: {}}\n":                                                        "artifact.verify demands nobody's signature",
		"  artifact: {" + good + ", verify: {secret: a/b/c}}\n":                                           `artifact.verify.secret: "a/b/c" is not the name of an object`,
		"  artifact: {" + good + "}\n  path: deploy\n":                                                    "pushboat.yaml:5: path: is a folder of this repository, and the app is rendered from an artifact",
		"  artifact: {" + good + "}\n  helm: {chart: a, version: 1.2.3, repo: 'https://a.example.org'}\n": "artifact: has manifests, and helm names a chart",
		"  artifact: oci://a.example.org/b\n":                                                             "artifact is",
		"  artifact: {" + good + "}\n- name: two\n  namespace: shop\n  artifact: {" + good + "}\n":        "the apps web and two both deploy oci://a.example.org/b/web to the same cluster and namespace",
	} {
		if _, problems := read(entry); len(problems) == 0 || !strings.Contains(problems.Error(), want) || problems[0].Hint == "" || problems[0].Source.Line == 0 {
			t.Errorf("%s: %v, want %s, its line, and what to do", entry, problems, want)
		}
	}
	if _, problems := read("  artifact: {" + good + ", path: a}\n- name: two\n  namespace: shop\n  artifact: {" + good + ", path: b}\n"); len(problems) > 0 {
		t.Errorf("two folders of one artifact: %v", problems)
	}
	if _, problems := read("  artifact: {" + good + "}\n  render: helm\n  helm: {values: [{a: b}]}\n"); len(problems) > 0 {
		t.Errorf("a chart in an artifact: %v", problems)
	}
}

func TestMounts(t *testing.T) {
	for name, want := range map[string]string{
		"deploy/web": "", ".artifacts": "", ".artifacts/web/a": "", ".artifacts/web@1/a/b": ".artifacts/web@1", ".repositories/base@main": ".repositories/base@main", ".artifactsX/a": "",
	} {
		if got := MountOf(name); got != want {
			t.Errorf("%s is below %q, want %q", name, got, want)
		}
	}
}

func TestFilesOfValuesInTheChart(t *testing.T) {
	for entry, want := range map[string]string{
		"chart:prod.yaml": "", "chart:./a/../prod.yaml": "", "chart:../prod.yaml": `pushboat.yaml:5: helm.values: "chart:../prod.yaml" leads out of the chart`, "chart:/prod.yaml": "leads out of the chart",
	} {
		_, problems := Read(fstest.MapFS{Name: {Data: []byte("apps:\n- name: web\n  helm:\n    values:\n    - '" + entry + "'\n")}}, Place{Repo: "site"})
		if got := problems.Error(); got != "" && want == "" || !strings.Contains(got, want) {
			t.Errorf("%s: %s", entry, got)
		}
	}
}
