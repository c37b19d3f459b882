package name

import (
	"strings"
	"testing"
)

func TestParseBranch(t *testing.T) {
	const character, shape = "has a character that branch names cannot have", "is not a name that a branch can have"
	for in, want := range map[string]string{
		"main": "", "release/1.10": "", "1.10": "", "$(id)": "", "ünï/x": "", "x@y": "", "a-b_c": "", "\ufffd": "",
		strings.Repeat("x", maxBranch):   "",
		"":                               "is empty",
		"refs/heads/main":                "is the name of a ref; write what comes after refs/heads/",
		strings.Repeat("x", maxBranch+1): "is longer than 200 bytes",
		"a b":                            character, "a\nb": character, "a\x00": character, "a\x7f": character, "a~1": character, "a^": character, "a:b": character,
		"a?": character, "a*": character, "[a": character, `a\b`: character, "a\xff": character, "a\u202eb": character, "a\u200b": character,
		"a..b": shape, "..": shape, "a@{1}": shape, "@": shape, "-x": shape, "a/": shape, "/a": shape, "a//b": shape, ".a": shape, "a/.b": shape,
		"a.": shape, "a./b": shape, "a.lock": shape, "a.lock/b": shape,
	} {
		branch, err := ParseBranch(in)
		if got := text(err); got != want || (err == nil) != (string(branch) == in && in != "") {
			t.Errorf("ParseBranch(%q) = %q, %q; want the error %q", in, branch, got, want)
		}
	}
}

func TestRefOfBranch(t *testing.T) {
	for _, branch := range []Branch{"main", "release/1.10", "refs/heads/x"} {
		if got, ok := BranchOf(branch.Ref()); !ok || got != branch {
			t.Errorf("%q has the ref %q, which is the branch %q, %v", branch, branch.Ref(), got, ok)
		}
	}
	for _, ref := range []string{"", "HEAD", "main", "refs/tags/v1", "refs/heads"} {
		if branch, ok := BranchOf(ref); ok {
			t.Errorf("%q is the branch %q", ref, branch)
		}
	}
}

func FuzzParseBranch(f *testing.F) {
	for _, seed := range []string{"main", "release/1.10", "refs/heads/x", "a..b", "@{", "-x", "a.lock/b", "a\u202e", "a\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		branch, err := ParseBranch(in)
		if err != nil {
			return
		}
		if string(branch) != in || strings.ContainsAny(in, "\n\x00\x1b ~^:\\") || strings.Contains(in, "..") || in[0] == '-' {
			t.Errorf("ParseBranch(%q) = %q", in, branch)
		}
		if back, ok := BranchOf(branch.Ref()); !ok || back != branch {
			t.Errorf("%q does not read back from %q", branch, branch.Ref())
		}
	})
}
