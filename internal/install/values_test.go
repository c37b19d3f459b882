package install

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const anaKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEgyk7jxJRImmr3CLZbBjNRLyxNaHAXnFLO3Qq5y4pUT ana"

// file writes a file for a test, and returns its path.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParseImage(t *testing.T) {
	for name, want := range map[string]Values{
		"registry.example.org/pushboat":           {"repository": "registry.example.org/pushboat", "tag": "", "digest": ""},
		"registry.example.org/pushboat:1.4":       {"repository": "registry.example.org/pushboat", "tag": "1.4", "digest": ""},
		"localhost:5000/pushboat":                 {"repository": "localhost:5000/pushboat", "tag": "", "digest": ""},
		"localhost:5000/a/pushboat:1@sha256:0123": {"repository": "localhost:5000/a/pushboat", "tag": "1", "digest": "sha256:0123"},
		"pushboat@sha256:0123":                    {"repository": "pushboat", "tag": "", "digest": "sha256:0123"},
	} {
		if got, err := parseImage(name); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, %v; want %v", name, got, err, want)
		}
	}
	for _, name := range []string{":1", "a b", "@sha256:0123"} {
		if got, err := parseImage(name); err == nil {
			t.Errorf("%q is an image: %v", name, got)
		}
	}
}

// TestValuesGoOverEarlierOnes: given values replace earlier ones, keys are added to the
// earlier keys, and a file replaces all values. Other values stay.
func TestValuesGoOverEarlierOnes(t *testing.T) {
	earlier := func() Values {
		return Values{
			"image":   map[string]any{"repository": "old", "tag": "1", "digest": "sha256:0123", "pullPolicy": "Always"},
			"keys":    map[string]any{"admins": []any{"ssh-ed25519 BBBB ben"}},
			"service": map[string]any{"port": 2022},
		}
	}
	got, err := Given{Image: "new", AdminKeys: []string{file(t, "# of ana\n"+anaKey+"\n")}, Service: "NodePort"}.values(earlier())
	want := Values{
		"image":   map[string]any{"repository": "new", "tag": "", "digest": "", "pullPolicy": "Always"},
		"keys":    map[string]any{"admins": []any{"ssh-ed25519 BBBB ben", anaKey}},
		"service": map[string]any{"port": 2022, "type": "NodePort"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
	again, err := Given{AdminKeys: []string{file(t, anaKey)}}.values(got)
	if admins := again["keys"].(map[string]any)["admins"].([]any); err != nil || len(admins) != 2 {
		t.Errorf("a key was added twice: %v, %v", admins, err)
	}
	if got, err := (Given{}).values(earlier()); err != nil || !reflect.DeepEqual(got, earlier()) {
		t.Errorf("nothing given: %v, %v", got, err)
	}
	got, err = Given{File: file(t, "service: {port: 22}\n"), Image: "new:2"}.values(earlier())
	want = Values{"service": map[string]any{"port": 22.0}, "image": map[string]any{"repository": "new", "tag": "2", "digest": ""}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("a file: %v, %v; want %v", got, err, want)
	}
}

// TestValuesThatAreWrong: errors have the file, the line, and the right form.
func TestValuesThatAreWrong(t *testing.T) {
	private := "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"
	for name, tt := range map[string]struct {
		given Given
		want  string
	}{
		"no file":             {Given{File: "/nowhere"}, "no such file"},
		"no YAML":             {Given{File: file(t, "a: [\n")}, "file:"},
		"no mapping":          {Given{File: file(t, "- a\n")}, "values are a mapping"},
		"too large":           {Given{File: file(t, strings.Repeat("#", maxValues+1))}, "more than 1048576 bytes"},
		"a private key":       {Given{AdminKeys: []string{file(t, private)}}, "private key"},
		"no key":              {Given{AdminKeys: []string{file(t, "ana\n")}}, "--admin-key"},
		"a misspelt value":    {Given{File: file(t, "imagee: {}\n")}, "imagee"},
		"a value of its kind": {Given{Service: "Ingress"}, "service"},
		"a misspelt setting":  {Given{File: file(t, "settings: {ssh: {adress: ':22'}}\n")}, "the values: settings: there is no setting ssh.adress"},
		"a setting's value":   {Given{File: file(t, "settings: {log: {level: loud}}\n")}, "the values: settings: log.level"},
		"a key with options":  {Given{File: file(t, "keys: {admins: ['from=\"10.0.0.0/8\" ssh-ed25519 AAAA ana']}\n")}, "admins"},
	} {
		var out bytes.Buffer
		err := Print(t.Context(), tt.given, "1.4", &out)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if out.Len() > 0 {
			t.Errorf("%s: something was printed", name)
		}
	}
}

func TestImageHasToBeGiven(t *testing.T) {
	for _, tt := range []struct {
		values Values
		ok     bool
	}{
		{nil, false},
		{Values{"image": map[string]any{"tag": "1"}}, false},
		{Values{"image": map[string]any{"repository": chartImage}}, false},
		{Values{"image": map[string]any{"repository": "registry.example.org/pushboat"}}, true},
	} {
		if err := tt.values.checkImage(); (err == nil) != tt.ok {
			t.Errorf("%v: %v", tt.values, err)
		}
	}
}

// TestTagIsTheProgramsVersion: this is the tag unless a tag or a digest is given.
func TestTagIsTheProgramsVersion(t *testing.T) {
	for _, tt := range []struct{ image, version, tag, printed string }{
		{"r/p", "1.4", "1.4", "image: r/p:1.4\n"},
		{"r/p:1.3", "1.4", "1.3", "image: r/p:1.3\n"},
		{"r/p@sha256:" + strings.Repeat("0", 64), "1.4", "sha256:" + strings.Repeat("0", 64), "image: r/p@sha256:0000"},
		{"r/p", "", "dev", "image: r/p:dev\n"},
	} {
		values, err := Given{Image: tt.image}.values(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := values.imageTag(tt.version); got != tt.tag {
			t.Errorf("%s of %s: the tag is %s, want %s", tt.image, tt.version, got, tt.tag)
		}
		var out bytes.Buffer
		if err := Print(t.Context(), Given{Image: tt.image}, tt.version, &out); err != nil || !strings.Contains(out.String(), tt.printed) {
			t.Errorf("%s of %s: %v, without %q", tt.image, tt.version, err, tt.printed)
		}
	}
}
