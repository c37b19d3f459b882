package refusal

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func tree(files map[string]string) fstest.MapFS {
	made := fstest.MapFS{}
	for file, text := range files {
		made[file] = &fstest.MapFile{Data: []byte(text)}
	}
	return made
}

func numbered(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "l%d\n", i+1)
	}
	return text.String()
}

func TestExcerpt(t *testing.T) {
	files := tree(map[string]string{
		"ten":    numbered(10),
		"one":    "only",
		"empty":  "",
		"binary": "a\x00b",
		"large":  strings.Repeat("x\n", maxFile),
		"long":   strings.Repeat("ä", 4000),
		"odd":    "\x1b[31mred\u202e\xff",
		"token":  "kind: Secret\nstringData:\n  a: hunter\n",
		"values": "user: ana\nnote: hunter-two\n",
	})
	files["link"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("ten")}
	s := &Source{Repo: "shop", Tree: files, Redact: func(text string) string { return strings.ReplaceAll(text, "hunter-two", "(secret)") }}
	for _, test := range []struct {
		file  string
		line  int
		first int
		want  string // lines, with | between; "-" for no excerpt
	}{
		{"ten", 5, 2, "l2|l3|l4|l5|l6|l7|l8"},
		{"ten", 1, 1, "l1|l2|l3|l4"},
		{"ten", 10, 7, "l7|l8|l9|l10"},
		{"ten", 11, 0, "-"},
		{"ten", 0, 0, "-"},
		{"ten", -1, 0, "-"},
		{"one", 1, 1, "only"},
		{"empty", 1, 0, "-"},
		{"binary", 1, 0, "-"},
		{"large", 1, 0, "-"},
		{"odd", 1, 1, `\x1b[31mred\u202e\xff`},
		{"token", 3, 1, "kind: Secret|stringData:|  a: (hidden)"},
		{"values", 2, 1, "user: ana|note: (secret)"},
		{"nowhere", 1, 0, "-"},
		{"../ten", 1, 0, "-"},
		{"/ten", 1, 0, "-"},
		{"", 1, 0, "-"},
		{".", 1, 0, "-"},
	} {
		e := s.Excerpt(test.file, test.line)
		got, first := "-", 0
		if e != nil {
			got, first = strings.Join(e.Lines, "|"), e.First
		}
		if got != test.want || first != test.first {
			t.Errorf("%s:%d: %d %q, want %d %q", test.file, test.line, first, got, test.first, test.want)
		}
	}
	if e := s.Excerpt("long", 1); e == nil || len(e.Lines[0]) > maxLine || !strings.HasSuffix(e.Lines[0], "…") {
		t.Errorf("a long line: %+v", e)
	}
	if e := s.Excerpt("token", 3); e == nil || !e.Keys {
		t.Errorf("of a Secret: %+v", e)
	}
	if e := (&Source{}).Excerpt("ten", 1); e != nil {
		t.Errorf("of no revision: %+v", e)
	}
}

// TestExcerptsOfSecretFiles: what an object shows to be secret is hidden, whatever its file
// looks like; and of the server's own rules, what may have credentials.
func TestExcerptsOfSecretFiles(t *testing.T) {
	files := tree(map[string]string{
		"chart/db.yaml": "a: hunter\n", "access.yaml": "a: hunter\n", "operators/ana.yaml": "a: hunter\n",
		"clusters/eu.yaml": "a: hunter\n", "notifications.yaml": "a: hunter\n", "receivers/x.yaml": "a: hunter\n",
	})
	for _, test := range []struct {
		source Source
		file   string
		hidden bool
	}{
		{Source{Repo: "shop", Tree: files}, "chart/db.yaml", false},
		{Source{Repo: "shop", Tree: files, Secret: func(file string) bool { return file == "chart/db.yaml" }}, "chart/db.yaml", true},
		{Source{Repo: "shop", Tree: files}, "clusters/eu.yaml", false},
		{Source{Repo: "admin", Tree: files}, "access.yaml", false},
		{Source{Repo: "admin", Tree: files}, "operators/ana.yaml", false},
		{Source{Repo: "admin", Tree: files}, "clusters/eu.yaml", true},
		{Source{Repo: "admin", Tree: files}, "notifications.yaml", true},
		{Source{Repo: "admin", Tree: files}, "receivers/x.yaml", true},
	} {
		e := test.source.Excerpt(test.file, 1)
		if e == nil || e.Keys != test.hidden || strings.Contains(e.Lines[0], "hunter") == test.hidden {
			t.Errorf("%s of %s: %+v", test.file, test.source.Repo, e)
		}
	}
}

// TestExcerptsReadLittle: however many files have problems, few are read.
func TestExcerptsReadLittle(t *testing.T) {
	files := map[string]string{}
	for i := range 20 {
		files[fmt.Sprintf("f%d", i)] = strings.Repeat("x\n", maxFile/2)
	}
	s := &Source{Repo: "shop", Tree: tree(files)}
	shown := 0
	for i := range 20 {
		if s.Excerpt(fmt.Sprintf("f%d", i), 1) != nil {
			shown++
		}
	}
	if shown != maxRead/maxFile {
		t.Errorf("%d files were read", shown)
	}
}
