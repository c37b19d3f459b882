package helm

import (
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
)

func TestGeneratedValuesAreSet(t *testing.T) {
	const template = head + "{{ .Values.login.password | default (randAlphaNum 8) }}-{{ .Values.login.user }}\n"
	generated := func(paths ...string) []appfile.Generated {
		var all []appfile.Generated
		for i, path := range paths {
			all = append(all, appfile.Generated{Path: path, Line: 10 + i})
		}
		return all
	}
	for _, test := range []struct {
		name, file, inline string
		generated          []appfile.Generated
		want               string // the ConfigMap's value, or the problem
	}{
		{"beside others", "login: {user: ana}\n", "", generated("login.password"), "Kept-ana"},
		{"where nothing is given", "", "", generated("login.password", "login.user"), "Kept-Kept2"},
		{"over an empty one", "login:\n  user: ana\n  password: ''\n", "", generated("login.password"), "Kept-ana"},
		{"over nothing", "login:\n  user: ana\n  password:\n", "", generated("login.password"), "Kept-ana"},
		{"in a mapping of its own", "", "", generated("new.mapping.value", "login.password", "login.user"), "Kept-Kept2"},
		{"that is given too", "login:\n  user: ana\n  password: x\n", "", generated("login.password"), "c/v.yaml:3: helm.generated: login.password is generated, and is set here"},
		{"that is given in place", "", `{"login": {"password": "x"}}`, generated("login.password"), "pushboat.yaml:10: helm.generated: login.password is generated, and is set here"},
		{"in what is no mapping", "login: x\n", "", generated("login.password"), "c/v.yaml:1: helm.generated: login.password is generated, and is set here"},
		{"in place of a mapping", "", "", generated("login"), "pushboat.yaml:10: helm.generated: login is a mapping in the chart's values"},
		{"in place of a given mapping", "login: {user: ana}\n", "", generated("login"), "c/v.yaml:1: helm.generated: login is generated, and is set here"},
	} {
		fsys := chartOf(map[string]string{"cm.yaml": template})
		release := Release{Name: "web", Cluster: Offline(), Generated: map[string]string{"login.password": "Kept", "login.user": "Kept2", "new.mapping.value": "Kept3"}}
		if test.file != "" {
			fsys["c/v.yaml"] = &fstest.MapFile{Data: []byte(test.file)}
			release.Settings.Values = append(release.Settings.Values, appfile.HelmValues{File: "v.yaml", Line: 3})
		}
		if test.inline != "" {
			release.Settings.Values = append(release.Settings.Values, appfile.HelmValues{Inline: []byte(test.inline), Line: 3})
		}
		release.Settings.Generated = test.generated
		objects, problems := Render(t.Context(), fsys, "c", release)
		got := problems.Error()
		if len(objects) == 1 && len(problems) == 0 {
			got, _ = objects[0].Object["data"].(map[string]any)["v"].(string)
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
