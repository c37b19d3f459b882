package install

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pushboat/pushboat/internal/kube"
)

func TestSopsRecipients(t *testing.T) {
	dir := t.TempDir()
	for about, test := range map[string]struct{ file, want, wrong string }{
		"none":                     {"creation_rules: []\nstores: {yaml: {indent: 2}}\n", "", ""},
		"of another folder":        {"creation_rules: [{path_regex: ^secrets/, age: a}]\n", "", ""},
		"the first that matches":   {"creation_rules: [{path_regex: ^secrets/, age: a}, {path_regex: '^clusters/.*\\.yaml$', age: 'b, c'}, {age: d}]\n", "b c", ""},
		"one for all, with a list": {"creation_rules:\n- age:\n  - a\n  - b,c\n", "a b c", ""},
		"no YAML":                  {"creation_rules: [", "", "it is no YAML"},
		"a wrong pattern":          {"creation_rules: [{path_regex: '(', age: a}]\n", "", "path_regex"},
		"too large":                {strings.Repeat("#", maxSopsRules+1), "", "more than"},
	} {
		file := filepath.Join(dir, ".sops.yaml")
		if err := os.WriteFile(file, []byte(test.file), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := sopsRecipients(file, "clusters/paris.yaml")
		if strings.Join(got, " ") != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %q, %v", about, got, err)
		}
	}
	if got, err := sopsRecipients(filepath.Join(dir, "none"), "clusters/paris.yaml"); got != nil || err != nil {
		t.Errorf("without the file: %q, %v", got, err)
	}
}

// inClone is an addition to a clone of admin, which encrypts by taking the text as it is.
func inClone(t *testing.T) Addition {
	t.Helper()
	a := Addition{Name: "paris", Clone: t.TempDir(), Recipients: []string{"age1"}}
	a.Encrypt = func(_ context.Context, text []byte, _ []string) ([]byte, error) { return text, nil }
	for _, file := range []string{"operators/ana.yaml", "access.yaml", "clusters/paris.yaml"} {
		path := filepath.Join(a.Clone, file)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte("labels: {region: eu}\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestTheFileOfACluster(t *testing.T) {
	a := inClone(t)
	file, err := a.file()
	if err != nil || file != filepath.Join(a.Clone, "clusters", "paris.yaml") {
		t.Fatalf("%q, %v", file, err)
	}
	for _, test := range []struct {
		about  string
		labels map[string]string
		want   string
	}{{"the former labels", nil, "eu"}, {"others", map[string]string{"region": "us"}, "us"}} { // each leaves the file to the next
		a.Labels = test.labels
		if err := a.write(t.Context(), file, kubeconfigWith("paris", "https://paris:6443", []byte("CA"), "t0ken")); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var read struct {
			Kubeconfig string
			Labels     map[string]string
		}
		if err := yaml.Unmarshal(text, &read); err != nil || read.Labels["region"] != test.want {
			t.Errorf("%s: %v, %v", test.about, read.Labels, err)
		}
		way, err := (kube.Allowed{}).Kubeconfig([]byte(strings.Replace(read.Kubeconfig, "Q0E=", "", 1)))
		if err != nil || way.Config.Host != "https://paris:6443" || way.Config.BearerToken != "t0ken" {
			t.Errorf("%s: the kubeconfig is not read: %v\n%s", test.about, err, read.Kubeconfig)
		}
	}
	a.Clone = t.TempDir()
	if _, err := a.file(); err == nil || !strings.Contains(err.Error(), "no clone of the repository admin") {
		t.Errorf("another folder: %v", err)
	}
	a.Recipients = nil
	if _, err := a.recipients(); err == nil || !strings.Contains(err.Error(), "nobody is named") {
		t.Errorf("without recipients: %v", err)
	}
}

func TestManifestsOfAnAddition(t *testing.T) {
	for rights, want := range map[string]bool{"namespaced": true, "none": false} {
		var out bytes.Buffer
		if err := (Addition{Name: "paris", Rights: rights}).Print(t.Context(), &out); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, kind := range rightsKinds {
			if strings.Contains(out.String(), "\nkind: "+kind+"\n") {
				found = append(found, kind)
			}
		}
		if !slices.Equal(found, rightsKinds) || strings.Contains(out.String(), "kind: StatefulSet") || strings.Contains(out.String(), "name: pushboat-deploy\n") != want {
			t.Errorf("rights %s: %q\n%s", rights, found, &out)
		}
	}
}

// Two additions within a second made one Secret, so the second renewed nothing.
func TestEachAdditionMakesAnotherToken(t *testing.T) {
	names := map[string]bool{}
	for range 10 {
		names[newTokenName()] = true
	}
	if len(names) < 10 {
		t.Errorf("ten additions share names: %v", names)
	}
	for one := range names {
		if problems := validation.IsDNS1123Subdomain(one); len(problems) > 0 {
			t.Errorf("%s is no name of a Secret: %v", one, problems)
		}
	}
}

func TestWhereTheServerFindsTheCluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	write := func(cluster string) {
		t.Helper()
		text := "{apiVersion: v1, kind: Config, current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], clusters: [{name: c, cluster: " + cluster + "}], users: [{name: u, user: {token: t}}]}"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := Addition{}
	a.Cluster.File = file
	for _, test := range []struct{ cluster, given, want, wrong string }{
		{"{server: 'https://127.0.0.1:6443'}", "", "https://127.0.0.1:6443", ""},
		{"{server: 'https://127.0.0.1:6443'}", "https://paris:6443", "https://paris:6443", ""},
		{"{server: 'http://127.0.0.1:8080'}", "", "", "a token needs https"},
		{"{server: 'https://127.0.0.1:6443', insecure-skip-tls-verify: true}", "", "", "does not verify"},
	} {
		write(test.cluster)
		a.Address = test.given
		got, _, err := a.endpoint()
		if got != test.want || (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%+v: %q, %v", test, got, err)
		}
	}
}
