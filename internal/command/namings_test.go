package command

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/render"
)

// TestHintsOfNames: whoever wants another value where a name is replaced is told the line or the command
// that changes what the name stands for.
func TestHintsOfNames(t *testing.T) {
	words := appfile.ValuesFrom{Kind: "ConfigMap", Namespace: "flux-system", Name: "words", By: "base"}
	far := appfile.ValuesFrom{Kind: "ConfigMap", Namespace: "flux-system", Name: "far"}
	pins := appfile.ValuesFrom{Kind: "Secret", Namespace: "flux-system", Name: "pins", By: "base"}
	secret := appfile.ValuesFrom{Kind: "Secret", Namespace: "flux-system", Name: "far"}
	for _, test := range []struct {
		name   string
		gives  *render.Naming
		wanted string
		want   string
	}{
		{"no name", nil, "us", ""},
		{"the object that means the app", &render.Naming{Name: "region", Alone: true}, "us", "${region} stands for what a.yaml:7 gives it; write us there, in a commit of your own"},
		{"a part of the value", &render.Naming{Name: "region", Alone: true, Before: "web."}, "web.us", "${region} stands for what a.yaml:7 gives it; write us there, in a commit of your own"},
		{"another value than the name can make", &render.Naming{Name: "region", Alone: true, Before: "web."}, "shop", "${region} stands for what a.yaml:7 gives it; write another value there, or change b.yaml:1, in a commit of your own"},
		{
			"a ConfigMap of another app", &render.Naming{Name: "region", Alone: true, From: words}, "us west",
			"${region} stands for a value of ConfigMap flux-system/words of app base, at a.yaml:7; change it there, for all that use it: ssh HOST set base ConfigMap/flux-system/words data.region 'us west'",
		},
		{"a ConfigMap of the cluster", &render.Naming{Name: "region", From: far}, "us", "kubectl -n flux-system edit configmap far"},
		{"a Secret of another app", &render.Naming{Name: "pin", From: pins}, "us", "change it in a.yaml:7, in a commit of your own: sops edit a.yaml"},
		{"a Secret of the cluster", &render.Naming{Name: "pin", From: secret}, "us", "kubectl -n flux-system edit secret far"},
	} {
		reason := deploy.Reason{Causes: []render.Cause{{Source: manifest.Source{File: "b.yaml", Line: 1}}, {Source: manifest.Source{File: "a.yaml", Line: 7}, Gives: test.gives}}}
		if got := nameHint(reason, test.wanted); !strings.HasSuffix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
	for text, want := range map[string]string{"eu-1": "eu-1", "": "''", "it's $1": `'it'\''s $1'`} {
		if got := inShell(text); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestWhyShowsWhatGivesANameItsValue(t *testing.T) {
	var b strings.Builder
	answer{Object: "ConfigMap shop/a", Field: "data.region", Value: "eu", Causes: []origin{
		{File: "words.yaml", Line: 6, Text: "region: eu", Gives: "region", From: "ConfigMap flux-system/words"}, {File: "a.yaml", Line: 5, Text: "region: ${region}"},
	}}.print(&b)
	want := "ConfigMap shop/a  data.region = eu\n  words.yaml:6\n      region: eu\n      ${region} has its value here, from ConfigMap flux-system/words\n  a.yaml:5\n      region: ${region}\n"
	if b.String() != want {
		t.Errorf("%s, want %s", &b, want)
	}
}
