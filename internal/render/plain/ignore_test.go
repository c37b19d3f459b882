package plain

import (
	"strings"
	"testing"
)

// TestIgnoreAsGit has patterns, and paths with the verdict of git check-ignore: + for
// ignored, - for not. A path that ends in a slash is a folder. The verdicts were checked
// with git 2.39, which differs only in that its ? matches a byte, not a character.
func TestIgnoreAsGit(t *testing.T) {
	for _, test := range []struct{ patterns, paths string }{
		{"", "-a -a/b"},
		{"# a\n\n   \n\\#a\n\\!b", "-a +#a +!b -x"},
		{"a", "+a +a/ +x/a +x/y/a -ab -x/ab"},
		{"a/", "-a +a/ +x/a/ -x/a"},
		{"/a", "+a +a/ -x/a"},
		{"x/a", "+x/a -y/x/a -a"},
		{"x/a/", "-x/a +x/a/"},
		{"*.yaml", "+a.yaml +x/b.yaml -a.yml +.yaml"},
		{"x/*.yaml", "+x/a.yaml -x/y/a.yaml"},
		{"x*y", "+xy +xzzy -x/y +z/xay"},
		{"?.yaml", "+a.yaml -ab.yaml +é.yaml"},
		{"**/a", "+a +x/a +x/y/a -b"},
		{"a/**", "-a/ +a/b +a/b/c -x/a/b"},
		{"a/**/b", "+a/b +a/x/b +a/x/y/b -x/a/b -ab"},
		{"**/x/a", "+x/a +y/x/a -a"},
		{"a/**/", "-a/ +a/b/ -a/b"},
		{"x**y", "+xy +xzy -x/y"},
		{"**", "+a +a/b"},
		{"[ab].yaml", "+a.yaml +b.yaml -c.yaml"},
		{"[a-c]x", "+bx -dx"},
		{"[!a-c]x", "-bx +dx -a/x"},
		{"[^a]x", "-ax +bx"},
		{"[]]x", "+]x -x"},
		{"[!]]x", "-]x +ax"},
		{"[a-]x", "+-x +ax"},
		{"[-a]x", "+-x +ax"},
		{"[[:digit:]]x", "+5x -ax"},
		{"[\\]]x", "+]x"},
		{"a[/]b", "-a/b"},
		{"a[.-0]b", "-a/b +a.b +a0b"},
		{"a\\*", "+a* -ab"},
		{"a.b", "+a.b -axb"},
		{"a+(b)|{c}$", "+a+(b)|{c}$ -ab"},
		{"a  ", "+a"},
		{"a\r\nb\r\n", "+a +b"},
		{"*.yaml\n!keep.yaml", "+a.yaml -keep.yaml -x/keep.yaml"},
		{"!a\na", "+a"},
		{"a\n!a\na", "+a"},
		{"/*\n!/x", "+a -x +x2"},
		{"!", "-a -!"},
		{"/", "-a -a/"},
		{"é", "+é -e"},
	} {
		var g Ignore
		if err := g.Add(".", test.patterns); err != nil {
			t.Errorf("%q: %v", test.patterns, err)
			continue
		}
		for path := range strings.FieldsSeq(test.paths) {
			name, isDir := strings.CutSuffix(path[1:], "/")
			if got := g.Match(name, isDir); got != (path[0] == '+') {
				t.Errorf("%q ignores %s: %v", test.patterns, path[1:], got)
			}
		}
	}
}

func TestIgnoreInFolders(t *testing.T) {
	var g Ignore
	for _, file := range []struct{ folder, text string }{{".", "*.json\n/a.yaml"}, {"x", "/b.yaml\nc.yaml\n!d.json"}} {
		if err := g.Add(file.folder, file.text); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]bool{
		"a.yaml": true, "x/a.yaml": false, "b.yaml": false, "x/b.yaml": true, "x/y/b.yaml": false,
		"x/y/c.yaml": true, "xc.yaml": false, "d.json": true, "x/d.json": false, "xx/d.json": true,
	} {
		if got := g.Match(path, false); got != want {
			t.Errorf("%s is ignored: %v", path, got)
		}
	}
}

func TestIgnoreTrailingSpace(t *testing.T) {
	for pattern, path := range map[string]string{"a\\ ": "a ", "a\\\\ ": "a\\", "a\\  ": "a "} {
		var g Ignore
		if err := g.Add(".", pattern); err != nil || !g.Match(path, false) {
			t.Errorf("%q does not ignore %q (%v)", pattern, path, err)
		}
	}
}

func TestIgnoreErrors(t *testing.T) {
	for pattern, want := range map[string]string{
		"ok\n[a":     "line 2: the pattern \"[a\" has a bracket",
		"[":          "bracket that is not closed",
		"[[:x":       "class that is not closed",
		"[[:nope:]]": "is not valid",
		"[z-a]":      "is not valid",
		"a\\":        "ends in a backslash",
	} {
		var g Ignore
		if err := g.Add(".", pattern); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", pattern, err, want)
		}
	}
}

// FuzzIgnore: any ignore file is accepted or refused. An accepted one gives the same
// verdict about a path each time. A pattern without special characters ignores the path
// that it names.
func FuzzIgnore(f *testing.F) {
	for _, seed := range [][2]string{
		{"a/**/b\n!x", "a/x/b"}, {"[a-z]*\\ ", "q "}, {"[[:alpha:]]", "a"}, {"**/", "a/b"}, {"\\", "a"}, {"[!", "a"}, {"*?[\\]]", "a]"}, {"\xff", "\xff"}, {"[\xff]", "\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		var g Ignore
		if err := g.Add(".", text); err != nil {
			return
		}
		if first, second := g.Match(name, false), g.Match(name, false); first != second {
			t.Errorf("%q on %q: %v, then %v", text, name, first, second)
		}
		if !strings.ContainsAny(text, "*?[]\\!#/ \t\r\n\v\f") && text != "" && isText(text) && !g.Match("x/"+text, false) {
			t.Errorf("%q does not ignore itself", text)
		}
	})
}

func isText(s string) bool { return strings.ToValidUTF8(s, "") == s }

// TestIgnoreWithin: a file may be brought back from a folder that is ignored.
func TestIgnoreWithin(t *testing.T) {
	var g Ignore
	for _, file := range [][2]string{{".", "/*\n!/deploy\n*.bak\ntmp/\n!keep.yaml\n"}, {"deploy/x", "own.yaml\n"}} {
		if err := g.Add(file[0], file[1]); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{
		"a.yaml": true, "other/a.yaml": true, "deploy/a.yaml": false, "deploy/a.bak": true, "deploy/tmp/a.yaml": true, "deploy/tmp/keep.yaml": false,
		"deploy/tmp": false, "deploy/x/own.yaml": true, "deploy/own.yaml": false,
	} {
		if got := g.MatchWithin(name); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
