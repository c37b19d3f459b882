package sshd

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestParseCommand(t *testing.T) {
	for _, test := range []struct {
		line string
		want Command
	}{
		{"git-receive-pack 'shop.git'", Command{Service: ServiceReceivePack, Path: "shop.git"}},
		{"git-upload-pack '/shop.git'", Command{Service: ServiceUploadPack, Path: "shop.git"}},
		{"git-upload-pack '//shop.git'", Command{Service: ServiceUploadPack, Path: "/shop.git"}},
		{"git upload-pack shop", Command{Service: ServiceUploadPack, Path: "shop"}},
		{`git-upload-archive "team/shop.git"`, Command{Service: ServiceUploadArchive, Path: "team/shop.git"}},
		{"git-upload-pack '../../etc/passwd'", Command{Service: ServiceUploadPack, Path: "../../etc/passwd"}}, // Git has to refuse this path
		{"git-upload-pack '--upload-pack=x'", Command{Service: ServiceUploadPack, Path: "--upload-pack=x"}},
		{`git-upload-pack 'a\b'`, Command{Service: ServiceUploadPack, Path: `a\b`}},
		{"", Command{}},
		{"   ", Command{}},
		{"status", Command{Args: []string{"status"}}},
		{"  plan  shop   HEAD~1 ", Command{Args: []string{"plan", "shop", "HEAD~1"}}},
		{`say 'a b' "c d" e'f'"g" ''`, Command{Args: []string{"say", "a b", "c d", "efg", ""}}},
		{`say "it's" '"'`, Command{Args: []string{"say", "it's", `"`}}},
		{"say $(id) ; ls | cat && x > y `z` * ~", Command{Args: strings.Fields("say $(id) ; ls | cat && x > y `z` * ~")}},
		{"git log", Command{Args: []string{"git", "log"}}},
		{"git", Command{Args: []string{"git"}}},
		{"git-lfs-authenticate x download", Command{Args: []string{"git-lfs-authenticate", "x", "download"}}},
		{"say naïve", Command{Args: []string{"say", "naïve"}}},
	} {
		got, err := ParseCommand(test.line)
		if err != nil || got.Service != test.want.Service || got.Path != test.want.Path || !slices.Equal(got.Args, test.want.Args) {
			t.Errorf("ParseCommand(%q) = %+v, %v; want %+v", test.line, got, err, test.want)
		}
	}
}

func TestParseCommandRefuses(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{"git-upload-pack", "takes one repository"},
		{"git-upload-pack ''", "takes one repository"},
		{"git-upload-pack 'a' 'b'", "takes one repository"},
		{"git-upload-pack --strict 'a'", "takes one repository"},
		{"git receive-pack", "takes one repository"},
		{`'/a b' 'x`, "not closed"},
		{`say "x`, "not closed"},
		{`say a\ b`, "backslash"},
		{`say "a\"b"`, "backslash"},
		{`git-upload-pack 'it'\''s'`, "backslash"},
		{"a\nb", "control character"},
		{"a\x00b", "control character"},
		{"a\x1b[1mb", "control character"},
		{"a\tb", "control character"},
		{"a\u0085b", "control character"},
		{"a\xffb", "not UTF-8"},
		{strings.Repeat("a", maxCommandBytes+1), "longer than 4096 bytes"},
		{strings.Repeat("a ", maxCommandWords+1), "more than 64 words"},
	} {
		got, err := ParseCommand(test.line)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("ParseCommand(%.40q) = %+v, %v; want an error with %q", test.line, got, err, test.want)
		}
	}
	for _, line := range []string{strings.Repeat("a", maxCommandBytes), strings.Repeat("a ", maxCommandWords)} {
		if _, err := ParseCommand(line); err != nil {
			t.Errorf("at the limit: %v", err)
		}
	}
}

// FuzzParseCommand: no line makes the parser panic or exceed its limits, and an accepted
// line means the same when it is quoted again.
func FuzzParseCommand(f *testing.F) {
	for _, seed := range []string{"git-receive-pack 'shop.git'", "git upload-pack /x", `say 'a b'"c" ''`, `a\b`, "'", "a\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := ParseCommand(line)
		if err != nil {
			return
		}
		words := c.Args
		if c.Service != "" {
			if len(c.Args) != 0 || !slices.Contains(services, c.Service) {
				t.Fatalf("both Git and words: %+v", c)
			}
			words = []string{c.Service, "/" + c.Path}
		}
		if len(words) > maxCommandWords {
			t.Fatalf("%d words", len(words))
		}
		var quoted []string
		for _, word := range words {
			if !utf8.ValidString(word) || len(word) > maxCommandBytes+1 {
				t.Fatalf("word %q", word)
			}
			if strings.Contains(word, "'") {
				return // such a word needs the other kind of quotes, which cannot hold every word
			}
			quoted = append(quoted, "'"+word+"'")
		}
		again := strings.Join(quoted, " ")
		if len(again) > maxCommandBytes {
			return
		}
		d, err := ParseCommand(again)
		if err != nil || d.Service != c.Service || d.Path != c.Path || !slices.Equal(d.Args, c.Args) {
			t.Fatalf("%q is %+v, but %q is %+v, %v", line, c, again, d, err)
		}
	})
}
