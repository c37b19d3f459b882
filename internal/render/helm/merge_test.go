package helm

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/appfile"
)

// written are values that an object or a pushboat.yaml has in place.
func written(text string) appfile.HelmValues {
	return appfile.HelmValues{Inline: json.RawMessage(text)}
}

// found are values of a ConfigMap.
func found(text string) appfile.HelmValues {
	return appfile.HelmValues{Inline: json.RawMessage(text), Beneath: true}
}

// placed is one value of a ConfigMap.
func placed(at, text string) appfile.HelmValues {
	inline, _ := json.Marshal(text) // a text
	return appfile.HelmValues{Inline: inline, Beneath: true, At: at}
}

// merged merges values, and returns the problems as text.
func merged(t *testing.T, all ...appfile.HelmValues) string {
	t.Helper()
	r := &renderer{release: Release{Settings: appfile.Helm{Values: all}}}
	values := r.readValues()
	if len(r.problems) > 0 {
		return r.problems.Error()
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestValuesAreMerged: as Flux merges them, which test/golden compares.
func TestValuesAreMerged(t *testing.T) {
	asText := placed("a", "{x,y}")
	asText.Text = true
	for name, test := range map[string]struct {
		values []appfile.HelmValues
		want   string
	}{
		"later ones win":                    {[]appfile.HelmValues{found(`{"a":1,"b":{"c":1}}`), written(`{"b":{"d":2}}`), written(`{"a":3}`)}, `{"a":3,"b":{"c":1,"d":2}}`},
		"a place":                           {[]appfile.HelmValues{placed("a.b", "x")}, `{"a":{"b":"x"}}`},
		"a place in a list":                 {[]appfile.HelmValues{placed("a[1].b", "x")}, `{"a":[null,{"b":"x"}]}`},
		"a place in a list that is written": {[]appfile.HelmValues{placed("c.a[0].b", "x"), written(`{"c":{"a":[{"b":"y","d":1}]}}`)}, `{"c":{"a":[{"b":"x","d":1}]}}`},
		"over what is written":              {[]appfile.HelmValues{placed("a.b", "x"), written(`{"a":{"b":"y","c":"z"}}`)}, `{"a":{"b":"x","c":"z"}}`},
		"not at the top":                    {[]appfile.HelmValues{placed("a", "x"), written(`{"a":"y"}`)}, `{"a":"y"}`},
		"not in a mapping of others":        {[]appfile.HelmValues{found(`{"a":{"d":1}}`), placed("a.b", "x"), written(`{"a":{"b":"y"}}`)}, `{"a":{"b":"y","d":1}}`},
		"after files":                       {[]appfile.HelmValues{written(`{"a":{"b":"v"}}`), placed("a.b", "x")}, `{"a":{"b":"x"}}`},
		"types":                             {[]appfile.HelmValues{placed("a.n", "12"), placed("a.b", "true"), placed("a.o", "012"), placed("a.l", "{x,1}"), placed("a.q", `"12"`), placed("a.c", "x,y=z")}, `{"a":{"b":true,"c":"x,y=z","l":["x",1],"n":12,"o":"012","q":"12"}}`},
		"as text":                           {[]appfile.HelmValues{asText}, `{"a":"{x,y}"}`},
		"a mapping in the way":              {[]appfile.HelmValues{placed("a[0].b", "x"), written(`{"a":"y"}`)}, "helm: values: a[0].b:"},
	} {
		if got := merged(t, test.values...); got != test.want && (strings.HasPrefix(test.want, "{") || !strings.Contains(got, test.want)) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// TestSecretsAreSet: a number is a text, and no error has the value.
func TestSecretsAreSet(t *testing.T) {
	secret := placed("a.b", "12")
	secret.Secret = true
	if got := merged(t, secret); got != `{"a":{"b":"12"}}` {
		t.Error(got)
	}
	hidden := placed("a[0].b", "hunter22")
	hidden.Secret = true
	if got := merged(t, hidden, written(`{"a":"y"}`)); !strings.Contains(got, "cannot be set there") || strings.Contains(got, "hunter22") {
		t.Error(got)
	}
}
