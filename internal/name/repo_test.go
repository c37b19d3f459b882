package name

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestParseRepo(t *testing.T) {
	for in, want := range map[string]Repo{
		"shop": "shop", "shop.git": "shop", "/shop.git": "shop", "/shop": "shop",
		"team/shop.git": "team/shop", "a/b/c": "a/b/c", "0-x_y.z": "0-x_y.z",
		strings.Repeat("a", 100): Repo(strings.Repeat("a", 100)),
		"shop/":                  "shop", "/team/shop.git/": "team/shop",
		strings.Repeat("a", 100) + ".git": Repo(strings.Repeat("a", 100)),
	} {
		if got, err := ParseRepo(in); err != nil || got != want {
			t.Errorf("ParseRepo(%q) = %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{
		"", "/", "//", ".git", "/.git", "//shop", "shop//", "a//b", "a/b/c/d", "~/shop", "~ana/shop",
		"..", "../shop", "a/../b", "a..b", ".", "./a", "a/.", "a.", "a./b", ".hidden", "-shop", "--upload-pack=x", "_x",
		"shop.git.git", "a.git/b", "shop.lock", "shop.lock.git", "x.lock/y",
		"Shop", "shöp", "a b", "a;b", "$(id)", "a\nb", "a\x00b", "a\\b", "a:b", "a%2fb", "shop ",
		strings.Repeat("a", 101), strings.Repeat("x", 1<<20),
	} {
		got, err := ParseRepo(in)
		if err == nil {
			t.Errorf("ParseRepo(%q) = %q, want an error", in, got)
			continue
		}
		if !strings.Contains(err.Error(), repoGrammar) || len(err.Error()) > 1000 {
			t.Errorf("ParseRepo(%.20q): error of %d bytes does not state the grammar: %.300v", in, len(err.Error()), err)
		}
	}
}

func FuzzParseRepo(f *testing.F) {
	for _, seed := range []string{"shop", "/team/shop.git", "../x", "a.lock", ".git", "a..b", "a/b/c/d", "-x"} {
		f.Add(seed)
	}
	const dir = "/data/repos"
	f.Fuzz(func(t *testing.T, in string) {
		repo, err := ParseRepo(in)
		if err != nil {
			return
		}
		if path := filepath.Join(dir, string(repo)); path != dir+"/"+string(repo) || !filepath.IsLocal(string(repo)) {
			t.Errorf("%q became the path %q", in, path)
		}
		for part := range strings.SplitSeq(string(repo), "/") {
			if strings.ContainsAny(part[:1], ".-_") || strings.HasSuffix(part, ".git") {
				t.Errorf("%q has the part %q", repo, part)
			}
		}
		if again, err := ParseRepo("/" + string(repo) + ".git"); err != nil || again != repo {
			t.Errorf("%q does not read back: %q, %v", repo, again, err)
		}
	})
}
