package appfile

import (
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

func parseGenerated(file string) ([]App, manifest.Problems) {
	return parseAll(revision(file), "team/site")
}

func TestGeneratedValuesAreRead(t *testing.T) {
	file := `apps:
- name: a
  helm:
    generated:
    - auth.password
    - {path: auth.key, length: 48, format: hex}
    - {path: "fernet-key", format: base64}
    - {path: id, format: uuid}
`
	apps, problems := parseGenerated(file)
	want := []Generated{
		{"auth.password", FormatAlphanumeric, 24, 5}, {"auth.key", FormatHex, 48, 6}, {"fernet-key", FormatBase64, 32, 7}, {"id", FormatUUID, 0, 8},
	}
	if len(problems) > 0 || !slices.Equal(apps[0].Helm.Generated, want) {
		t.Errorf("%v, %+v", problems, apps)
	}
	for _, test := range []struct{ entry, want string }{
		{"auth..password", `helm.generated: "auth..password" is no path of a value`},
		{"users[0].password", `helm.generated: "users[0].password" is no path of a value`},
		{"{length: 8}", "helm.generated: path is missing"},
		{"{path: a, lenght: 8}", `unknown field "lenght" in helm.generated`},
		{"{path: a, length: 7}", "helm.generated.length: 7 is no number from 8 to 1024"},
		{"{path: a, length: many}", "helm.generated.length: many is no number from 8 to 1024"},
		{"{path: a, length: 2000}", "helm.generated.length: 2000 is no number from 8 to 1024"},
		{"{path: a, format: words}", `helm.generated.format: "words" is not known`},
		{"{path: a, format: uuid, length: 36}", "helm.generated.length has no effect with format: uuid"},
		{"auth", "helm.generated: auth and auth.password, of line 4, are one value, or one is in the other"},
		{"auth.password", "helm.generated: auth.password and auth.password, of line 4, are one value, or one is in the other"},
		{"auth.password.length", "helm.generated: auth.password.length and auth.password, of line 4, are one value, or one is in the other"},
		{"a.b.c.d.e.f.g.h.i.j.k", "helm.generated: a.b.c.d.e.f.g.h.i.j.k has 11 steps; at most 10 are read"},
	} {
		_, problems := parseGenerated("apps:\n- helm:\n    generated:\n    - auth.password\n    - " + test.entry + "\n")
		if len(problems) != 1 || problems[0].Message != test.want || problems[0].Source.String() != "pushboat.yaml:5" {
			t.Errorf("%s: %v", test.entry, problems)
		}
	}
	if _, problems := parseGenerated("apps:\n- {render: plain, helm: {generated: [a]}}\n"); len(problems) != 1 {
		t.Errorf("with render: plain: %v", problems)
	}
}
