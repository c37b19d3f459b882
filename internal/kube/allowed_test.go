package kube

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kubeconfigWith is a kubeconfig whose cluster and user have some fields.
func kubeconfigWith(cluster, user string) string {
	return "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n" +
		"clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'" + cluster + "}}]\nusers: [{name: u, user: {" + user + "}}]\n"
}

func TestAllowed(t *testing.T) {
	dir, outside := t.TempDir(), filepath.Join(t.TempDir(), "token")
	for _, file := range []string{outside, filepath.Join(dir, "token")} {
		if err := os.WriteFile(file, []byte("s3cr3t"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	aws := filepath.Join(dir, "aws")
	if err := os.WriteFile(aws, []byte("#!/bin/sh\n"), 0o700); err != nil { //nolint:gosec // it is a program
		t.Fatal(err)
	}
	allowed := Allowed{Programs: []string{aws}, Files: dir}
	loose := filepath.Join(t.TempDir(), "aws")
	if err := os.WriteFile(loose, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(loose, 0o777); err != nil { //nolint:gosec // that is refused
		t.Fatal(err)
	}
	const exec = "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, args: [s3cr3t], command: "
	for name, test := range map[string]struct {
		text    string
		allowed Allowed
		want    string // part of the error; "" for none
	}{
		"a token":                           {kubeconfigWith("", "token: s3cr3t"), Allowed{}, ""},
		"no kubeconfig":                     {"s3cr3t", Allowed{}, "it is no kubeconfig"},
		"not YAML":                          {"a: [s3cr3t\n", Allowed{}, "it is no kubeconfig"},
		"no context":                        {"apiVersion: v1\nkind: Config\n", Allowed{}, "it is no kubeconfig"},
		"no base64":                         {kubeconfigWith("", "client-key-data: s3cr3t!"), Allowed{}, "it is no kubeconfig"},
		"no certificate":                    {kubeconfigWith(", certificate-authority-data: czNjcjN0", "token: s3cr3t"), Allowed{}, "cannot be used"},
		"a program":                         {kubeconfigWith("", exec+"aws}"), Allowed{}, `the program "aws" (exec), which the setting clusterPrograms does not name`},
		"a program by its path":             {kubeconfigWith("", exec+"/tmp/aws}"), allowed, `the program "/tmp/aws"`},
		"a program that may":                {kubeconfigWith("", exec+"aws}"), allowed, ""},
		"a program by its place":            {kubeconfigWith("", exec+aws+"}"), allowed, ""},
		"a program's variable":              {kubeconfigWith("", exec+"aws, env: [{name: LD_PRELOAD, value: s3cr3t}]}"), allowed, "LD_PRELOAD is not given"},
		"a program that anybody can change": {kubeconfigWith("", exec+"aws}"), Allowed{Programs: []string{loose}}, "can change it"},
		"a provider":                        {kubeconfigWith("", "auth-provider: {name: gcp, config: {access-token: s3cr3t}}"), allowed, `"gcp" (auth-provider)`},
		"a file":                            {kubeconfigWith("", "tokenFile: "+filepath.Join(dir, "token")), allowed, ""},
		"a file, and none may":              {kubeconfigWith("", "tokenFile: "+filepath.Join(dir, "token")), Allowed{}, "clusterFiles allows no directory"},
		"a file elsewhere":                  {kubeconfigWith("", "tokenFile: "+outside), allowed, "outside of the directory"},
		"a file by dots":                    {kubeconfigWith("", "tokenFile: "+dir+"/../token"), allowed, "outside of the directory"},
		"a file by a link":                  {kubeconfigWith("", "tokenFile: "+filepath.Join(dir, "link")), allowed, "outside of the directory"},
		"a file from nowhere":               {kubeconfigWith("", "tokenFile: token"), allowed, "outside of the directory"},
		"a file that is gone":               {kubeconfigWith("", "tokenFile: "+filepath.Join(dir, "gone")), allowed, "cannot be read"},
		"a ca elsewhere":                    {kubeconfigWith(", certificate-authority: "+outside, "token: s3cr3t"), allowed, "outside of the directory"},
		"a key elsewhere":                   {kubeconfigWith("", "client-certificate: "+outside+", client-key: "+outside), allowed, "outside of the directory"},
	} {
		t.Run(name, func(t *testing.T) {
			way, err := test.allowed.Kubeconfig([]byte(test.text))
			switch {
			case test.want == "" && (err != nil || way.Print == "" || way.Config == nil):
				t.Errorf("got %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t")):
				t.Errorf("got %v", err)
			}
		})
	}
	if way, err := allowed.Server("https://127.0.0.1:1", "", filepath.Join(dir, "token")); err != nil || way.Config.BearerTokenFile == "" || way.Config.BearerToken != "" {
		t.Errorf("by a token: %v", err)
	}
	if _, err := allowed.Server("https://127.0.0.1:1", "", outside); err == nil {
		t.Error("a token from elsewhere is taken")
	}
}
