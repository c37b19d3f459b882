package command

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/access/keytest"
	"github.com/pushboat/pushboat/internal/access/rules"
)

// TestAliasesAreChanged: what an addition or a removal makes of the file.
func TestAliasesAreChanged(t *testing.T) {
	now, problems := rules.Parse(fstest.MapFS{
		"operators/ana.yaml": {Data: []byte("keys: ['" + strings.TrimSpace(keytest.Text(keytest.Signer(t, "ana").PublicKey())) + "']\n")},
		"access.yaml":        {Data: []byte("rules: [{who: [ana], may: [admin]}]\n")},
		"aliases/lib.yaml":   {Data: []byte("urls: [https://example.org/lib]\nusedBy: [fleet]\n")},
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	const url, both = "https://example.org/lib", "urls: [\"https://example.org/lib\"]\nusedBy: [\"fleet\"]\n"
	for _, test := range []struct {
		change aliasChange
		want   string // the file, or the error
	}{
		{aliasChange{repo: "lib", url: "https://example.org/b"}, strings.Replace(both, "lib\"]", "lib\", \"https://example.org/b\"]", 1)},
		{aliasChange{repo: "lib", usedBy: []string{"team/*", "fleet"}}, strings.Replace(both, "\"fleet\"", "\"fleet\", \"team/*\"", 1)},
		{aliasChange{repo: "lib", url: url, usedBy: []string{"fleet"}}, "repository lib has that already"},
		{aliasChange{repo: "lib", url: url, remove: true}, "usedBy: [\"fleet\"]\n"},
		{aliasChange{repo: "lib", usedBy: []string{"fleet"}, remove: true}, "urls: [\"https://example.org/lib\"]\n"},
		{aliasChange{repo: "lib", url: url, usedBy: []string{"fleet"}, remove: true}, ""},
		{aliasChange{repo: "lib", remove: true}, ""},
		{aliasChange{repo: "lib", url: "https://example.org/b", remove: true}, "repository lib has no such alias"},
		{aliasChange{repo: "new", url: url}, "urls: [\"https://example.org/lib\"]\n"},
		{aliasChange{repo: "new", remove: true}, "repository new has no such alias"},
	} {
		files, err := test.change.edit(now)
		text := string(files[rules.AliasFile(test.change.repo)])
		if err != nil {
			text = err.Error()
		}
		if text != test.want {
			t.Errorf("%+v: got %q, want %q", test.change, text, test.want)
		}
	}
}
