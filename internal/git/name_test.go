package git

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParseName(t *testing.T) {
	for in, want := range map[string]Name{
		"shop": "shop", "shop.git": "shop", "/shop.git": "shop", "/shop": "shop",
		"team/shop.git": "team/shop", "a/b/c": "a/b/c", "0-x_y.z": "0-x_y.z",
		strings.Repeat("a", 100): Name(strings.Repeat("a", 100)),
		"shop/":                  "shop", "/team/shop.git/": "team/shop",
		strings.Repeat("a", 100) + ".git": Name(strings.Repeat("a", 100)),
	} {
		if got, err := ParseName(in); err != nil || got != want {
			t.Errorf("ParseName(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "/", "//", ".git", "/.git", "//shop", "shop//", "a//b", "a/b/c/d", "~/shop", "~ana/shop",
		"..", "../shop", "a/../b", "a..b", ".", "./a", "a/.", "a.", "a./b", ".hidden", "-shop", "--upload-pack=x", "_x",
		"shop.git.git", "a.git/b", "shop.lock", "shop.lock.git", "x.lock/y",
		"Shop", "shöp", "a b", "a;b", "$(id)", "a\nb", "a\x00b", "a\\b", "a:b", "a%2fb", "shop ",
		strings.Repeat("a", 101), strings.Repeat("x", 1<<20),
	} {
		got, err := ParseName(in)
		if err == nil {
			t.Errorf("ParseName(%q) = %q, want an error", in, got)
			continue
		}
		if !strings.Contains(err.Error(), nameGrammar) || len(err.Error()) > 1000 {
			t.Errorf("ParseName(%.20q): error of %d bytes does not state the grammar: %.300v", in, len(err.Error()), err)
		}
	}
}

func FuzzParseName(f *testing.F) {
	for _, seed := range []string{"shop", "/team/shop.git", "../x", "a.lock", ".git", "a..b", "a/b/c/d", "-x"} {
		f.Add(seed)
	}
	const dir = "/data/repos"
	f.Fuzz(func(t *testing.T, in string) {
		name, err := ParseName(in)
		if err != nil {
			return
		}
		path := filepath.Join(dir, name.path())
		if path != dir+"/"+string(name)+".git" || !filepath.IsLocal(name.path()) {
			t.Errorf("%q became the path %q", in, path)
		}
		for segment := range strings.SplitSeq(string(name), "/") {
			if strings.ContainsAny(segment[:1], ".-_") || strings.HasSuffix(segment, ".git") {
				t.Errorf("%q has the part %q", name, segment)
			}
		}
		if again, err := ParseName("/" + string(name) + ".git"); err != nil || again != name {
			t.Errorf("%q does not read back: %q, %v", name, again, err)
		}
	})
}

func TestParseHash(t *testing.T) {
	const ok = "0123456789abcdef0123456789abcdef01234567"
	for _, in := range []string{ok, ok + ok[:24]} {
		if h, err := ParseHash(in); err != nil || h.Short() != "0123456" || h.IsZero() {
			t.Errorf("ParseHash(%q) = %q, %v", in, h, err)
		}
	}
	for _, in := range []string{"", "HEAD", ok[:39], ok + "0", strings.ToUpper(ok), "--output=/etc/passwd" + ok[:20], ok[:39] + "\n"} {
		if _, err := ParseHash(in); err == nil {
			t.Errorf("ParseHash(%q) was accepted", in)
		}
	}
	if !zero.IsZero() || !Hash("").IsZero() {
		t.Error("the zero hash is not zero")
	}
}

func TestCheckRef(t *testing.T) {
	for _, ref := range []string{"refs/heads/main", "refs/heads/$(id)", "refs/heads/--x", "refs/heads/ünï/x", "refs/for/main", "refs/x@y"} {
		if err := CheckRef(ref); err != nil {
			t.Errorf("CheckRef(%q) = %v", ref, err)
		}
	}
	for _, ref := range []string{
		"", "HEAD", "main", "refs", "refs/", "refs//x", "/refs/heads/x", "refs/../config", "refs/heads/..", "refs/.x", "refs/x.lock", "refs/x.lock/y",
		"refs/x.", "refs/a b", "refs/a\nb", "refs/a\x00", "refs/a~1", "refs/a^", "refs/a:b", "refs/a?", "refs/a*", "refs/[a", `refs/a\b`, "refs/a@{1}", "refs/a\x7f",
		"refs/" + strings.Repeat("x", maxRefBytes),
	} {
		if err := CheckRef(ref); err == nil {
			t.Errorf("CheckRef(%q) was accepted", ref)
		}
	}
}

func TestCheckVersion(t *testing.T) {
	for in, ok := range map[string]bool{
		"git version 2.39.0\n": true, "git version 2.55.0": true, "git version 3.0.1": true,
		"git version 2.39.5 (Apple Git-154)": true, "git version 2.38.9": false, "git version 1.99": false, "bash: git": false, "": false,
	} {
		if err := checkVersion(in); (err == nil) != ok {
			t.Errorf("checkVersion(%q) = %v", in, err)
		}
	}
}

func TestOpenStoreWantsGit(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenStore(dir, StoreOptions{Git: "/nonexistent/git"}); err == nil || !strings.Contains(err.Error(), "install git 2.39") {
		t.Errorf("without git: %v", err)
	}
	old := filepath.Join(dir, "git")
	if err := os.WriteFile(old, []byte("#!/bin/sh\necho git version 2.30.2\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenStore(dir, StoreOptions{Git: old}); err == nil || !strings.Contains(err.Error(), "git 2.30 is too old") {
		t.Errorf("with an old git: %v", err)
	}
}

// zero is the missing object, as Git writes it in a repository of SHA-1.
const zero Hash = "0000000000000000000000000000000000000000"
