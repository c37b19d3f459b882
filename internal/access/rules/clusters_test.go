package rules

import (
	"slices"
	"strings"
	"testing"
)

// sealedConfig is a cluster whose kubeconfig SOPS has encrypted, as far as Parse looks.
const sealedConfig = "kubeconfig: ENC[AES256_GCM,data:x,type:str]\nsops:\n  mac: ENC[AES256_GCM,data:y]\n"

func TestClusters(t *testing.T) {
	const plain = "apiVersion: v1\nusers:\n- name: a\n  user:\n    token: s3cr3t-token\n"
	for name, test := range map[string]struct {
		files map[string]string
		want  string // part of the problem; "" for none
		hint  string
	}{
		"in the file":           {map[string]string{"clusters/eu.yaml": "labels: {region: eu}\n" + sealedConfig}, "", ""},
		"beside":                {map[string]string{"clusters/eu.yaml": "kubeconfigFile: eu.kubeconfig\n", "clusters/eu.kubeconfig": sealedConfig}, "", ""},
		"in the cluster":        {map[string]string{"clusters/eu.yaml": "inCluster: true\n"}, "", ""},
		"by a token":            {map[string]string{"clusters/eu.yaml": "server: https://eu.example:6443\ntokenFile: /etc/tokens/eu\n"}, "", ""},
		"no way":                {map[string]string{"clusters/eu.yaml": "labels: {}\n"}, "clusters/eu.yaml:1: says how the cluster is reached in 0 ways", "give one of kubeconfig"},
		"two ways":              {map[string]string{"clusters/eu.yaml": "inCluster: true\n" + sealedConfig}, "in 2 ways", "give one of"},
		"plain":                 {map[string]string{"clusters/eu.yaml": "kubeconfig: |\n  apiVersion: v1\n"}, "clusters/eu.yaml:1: kubeconfig is not encrypted", "sops encrypt -i --encrypted-regex '^kubeconfig$'"},
		"plain as a mapping":    {map[string]string{"clusters/eu.yaml": "kubeconfig:\n  users: [{name: a, user: {token: s3cr3t-token}}]\n"}, "kubeconfig is not encrypted", "sops"},
		"in part":               {map[string]string{"clusters/eu.yaml": "kubeconfig:\n  users: [{name: 'ENC[AES256_GCM,x]', user: {token: s3cr3t-token}}]\nsops: {}\n"}, "kubeconfig is not encrypted", "sops"},
		"names are plain":       {map[string]string{"clusters/eu.yaml": "kubeconfig:\n  users: [{name: a, user: {token: 'ENC[AES256_GCM,x]'}}]\nsops: {}\n"}, "", ""},
		"plain beside":          {map[string]string{"clusters/eu.yaml": "kubeconfigFile: eu.kubeconfig\n", "clusters/eu.kubeconfig": plain}, "is not encrypted", "sops encrypt -i --age"},
		"nothing beside":        {map[string]string{"clusters/eu.yaml": "kubeconfigFile: eu.kubeconfig\n"}, "clusters/eu.kubeconfig is not there", "add it"},
		"beside elsewhere":      {map[string]string{"clusters/eu.yaml": "kubeconfigFile: ../eu.kubeconfig\n"}, "is no name of a file beside", "kubeconfigFile: eu.kubeconfig"},
		"plain and of nobody":   {map[string]string{"clusters/old": plain}, "clusters/old: has credentials, and is not encrypted", "make new credentials"},
		"a private key":         {map[string]string{"clusters/eu.pem": "-----BEGIN PRIVATE KEY-----\n"}, "that is a private key", "make a new key"},
		"a name":                {map[string]string{"clusters/EU.yaml": "inCluster: true\n"}, `"EU" is no name of a cluster`, "lower case"},
		"another suffix":        {map[string]string{"clusters/eu.yml": "inCluster: true\n"}, "clusters/eu.yml: this file is not read", "clusters/NAME.yaml"},
		"not in the cluster":    {map[string]string{"clusters/eu.yaml": "inCluster: false\n"}, "inCluster is false", "give one of"},
		"no https":              {map[string]string{"clusters/eu.yaml": "server: http://eu\ntokenFile: /a\n"}, "server is no address", "https://HOST"},
		"a password in it":      {map[string]string{"clusters/eu.yaml": "server: https://a:s3cr3t-token@eu\ntokenFile: /a\n"}, "server is no address", "https://HOST"},
		"no token":              {map[string]string{"clusters/eu.yaml": "server: https://eu\n"}, "server comes without tokenFile", "add tokenFile"},
		"a path from somewhere": {map[string]string{"clusters/eu.yaml": "server: https://eu\ntokenFile: ../a\n"}, "tokenFile is no path from the root", "clusterFiles"},
		"a path with dots":      {map[string]string{"clusters/eu.yaml": "server: https://eu\ntokenFile: /a/../b\n"}, "tokenFile is no path from the root", "clusterFiles"},
		"no certificate":        {map[string]string{"clusters/eu.yaml": "server: https://eu\ntokenFile: /a\nca: x\n"}, "ca is no certificate", "BEGIN CERTIFICATE"},
		"a ca of a kubeconfig":  {map[string]string{"clusters/eu.yaml": "ca: x\n" + sealedConfig}, "ca goes with server", "remove it"},
		"encrypted labels":      {map[string]string{"clusters/eu.yaml": "labels: {region: 'ENC[AES256_GCM,x]'}\n" + sealedConfig}, "labels are encrypted", "kubeconfig alone"},
		"no annotation":         {map[string]string{"clusters/eu.yaml": "annotations: {'a b': c}\ninCluster: true\n"}, "a b: c is no annotation", "the value one line"},
		"annotation of lines":   {map[string]string{"clusters/eu.yaml": "annotations: {a: \"b\\nc\"}\ninCluster: true\n"}, "is no annotation", "the value one line"},
		"encrypted annotations": {map[string]string{"clusters/eu.yaml": "annotations: {a: 'ENC[AES256_GCM,x]'}\n" + sealedConfig}, "annotations are encrypted", "kubeconfig alone"},
		"annotations":           {map[string]string{"clusters/eu.yaml": "annotations: {addons_repo_url: 'https://git.example.org/addons', example.org/n: 1}\ninCluster: true\n"}, "", ""},
		"no label":              {map[string]string{"clusters/eu.yaml": "labels: {region: e u}\ninCluster: true\n"}, "region: e u is no label", "as in Kubernetes"},
		"a misspelling":         {map[string]string{"clusters/eu.yaml": "inCluser: true\n"}, `unknown field "inCluser"`, "did you mean inCluster?"},
	} {
		t.Run(name, func(t *testing.T) {
			parsed, problems := Parse(world(t, test.files))
			switch {
			case test.want == "":
				if len(problems) > 0 || len(parsed.Clusters()) != 1 || parsed.Clusters()[0].Name != "eu" {
					t.Fatalf("problems %v", problems)
				}
			case len(problems) != 1 || !strings.Contains(problems[0].Error(), test.want) || !strings.Contains(problems[0].Hint, test.hint):
				t.Errorf("got %#v", problems)
			}
			for _, problem := range problems {
				if text := problem.Error() + problem.Hint; strings.Contains(text, "s3cr3t") {
					t.Errorf("the problem has a credential: %s", text)
				}
			}
		})
	}
}

func TestCompareClusters(t *testing.T) {
	parsed := func(files map[string]string) *Rules {
		t.Helper()
		rules, problems := Parse(world(t, files))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return rules
	}
	before := parsed(map[string]string{"clusters/eu.yaml": "labels: {region: eu}\ninCluster: true\n", "clusters/us.yaml": "inCluster: true\n"})
	after := parsed(map[string]string{"clusters/eu.yaml": "labels: {region: west}\n" + sealedConfig, "clusters/asia.yaml": "labels: {a: b}\ninCluster: true\n"})
	want := []string{
		"  + cluster asia can be deployed to", "  ~ cluster asia has the labels a=b", "  ~ cluster eu has the labels region=west",
		"  ~ cluster eu is reached as the new file says", "  - cluster us can no longer be deployed to",
	}
	if got := Compare(before, after); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got := Compare(after, after); len(got) > 0 {
		t.Errorf("no change: %q", got)
	}
}
