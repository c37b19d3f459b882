package plain

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/manifest"
)

func object(name string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n", name)
}

// tree makes a file system from lines "path: content". The content is an object's name, or
// begins with a sign: = for text, @ for a symbolic link, % for a submodule.
func tree(text string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for line := range strings.Lines(text) {
		name, what, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if name == "" {
			continue
		}
		name, what = strings.NewReplacer(`\e`, "\x1b").Replace(name), strings.ReplaceAll(what, `\n`, "\n")
		switch {
		case strings.HasPrefix(what, "="):
			fsys[name] = &fstest.MapFile{Data: []byte(what[1:])}
		case strings.HasPrefix(what, "@"):
			fsys[name] = &fstest.MapFile{Data: []byte(what[1:]), Mode: fs.ModeSymlink | 0o777}
		case strings.HasPrefix(what, "%"):
			fsys[name] = &fstest.MapFile{Mode: fs.ModeIrregular}
		default:
			fsys[name] = &fstest.MapFile{Data: []byte(object(what))}
		}
	}
	return fsys
}

func names(objects []*manifest.Object) string {
	var out []string
	for _, o := range objects {
		out = append(out, o.Source.String()+"="+o.GetName())
	}
	return strings.Join(out, " ")
}

func told(problems manifest.Problems) string {
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.Error())
		if p.Hint != "" {
			b.WriteString(" | " + p.Hint)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestRender(t *testing.T) {
	const ignoreHint = "name it in .pushboatignore"
	for _, test := range []struct {
		name, tree, path, want, problems string
	}{
		{
			"every manifest, in the order of paths", "b.yaml: b\na/z.yml: z\na/b/c.json: ={\"apiVersion\":\"v1\",\"kind\":\"A\",\"metadata\":{\"name\":\"c\"}}\nB.yaml: B\na.yaml: a\n", ".",
			"B.yaml:1=B a/b/c.json:1=c a/z.yml:1=z a.yaml:1=a b.yaml:1=b", "",
		},
		{"only the folder", "a.yaml: a\nx/b.yaml: b\nxy/c.yaml: c\n", "x", "x/b.yaml:1=b", ""},
		{"other files", "README.md: =x\nscript.sh: =x\na.yaml.bak: =x\na.yaml: a\nyaml: =x\n", ".", "a.yaml:1=a", ""},
		{"hidden files", ".git/a.yaml: =x\n.github/workflows/ci.yaml: =x\n.a.yaml: =x\na.yaml: a\n.link: @x\n", ".", "a.yaml:1=a", ""},
		{"pushboat.yaml at the root", "pushboat.yaml: =apps: []\na.yaml: a\n", ".", "a.yaml:1=a", ""},
		{
			"pushboat.yaml elsewhere", "x/pushboat.yaml: =apps: []\n", ".", "",
			"x/pushboat.yaml:1: not a Kubernetes object: it has neither apiVersion nor kind | if the file is not meant for the cluster, add the line pushboat.yaml to .pushboatignore\n",
		},
		{"empty files", "a.yaml: =\nb.yaml: =# nothing\\n---\\n\n", ".", "", ""},
		{
			"symbolic links", "a.yaml: @../../etc/passwd\nb: @/etc\nx/c.yaml: c\n", ".", "x/c.yaml:1=c",
			"a.yaml: there is no such file or folder | put the file in its place, or " + ignoreHint + "\nb: there is no such file or folder | put the file in its place, or " + ignoreHint + "\n",
		},
		{"submodules", "lib: %\na.yaml: a\n", ".", "a.yaml:1=a", "lib: submodules are not read | put the files in its place, or " + ignoreHint + "\n"},
		{
			"names that do not print", "a\\e[31m.yaml: a\nx\u202e/b.yaml: b\n", ".", "",
			"a\x1b[31m.yaml: the name has characters that do not print | rename it\nx\u202e: the name has characters that do not print | rename it\n",
		},
		{
			"kustomize", "kustomization.yaml: =resources: [a.yaml]\na.yaml: a\nx/kustomization.yml: =x\ny/Kustomization: =y\nz/a.yaml: z\n", "x", "",
			"x/kustomization.yml: this folder is the input of kustomize, and the app's manifests are plain | give it an app of its own (path: x in pushboat.yaml), or name the file in .pushboatignore\n",
		},
		{
			"several built folders", "a/kustomization.yaml: =x\na/p.yaml: =patch: 1\nb/Kustomization: =y\nc/Chart.yaml: =name: c\nc/templates/x.yaml: ={{ x }}\nd.yaml: d\n", ".", "d.yaml:1=d",
			"a/kustomization.yaml: this folder is the input of kustomize, and the app's manifests are plain | give it an app of its own (path: a in pushboat.yaml), or name the file in .pushboatignore\n" +
				"b/Kustomization: this folder is the input of kustomize, and the app's manifests are plain | give it an app of its own (path: b in pushboat.yaml), or name the file in .pushboatignore\n" +
				"c/Chart.yaml: this folder is the input of Helm, and the app's manifests are plain | give it an app of its own (path: c in pushboat.yaml), or name the file in .pushboatignore\n",
		},
		{"an ignored kustomization leaves plain manifests", ".pushboatignore: =kustomization.yaml\nkustomization.yaml: =x\na.yaml: a\n", ".", "a.yaml:1=a", ""},
		{"a folder that is missing", "a.yaml: a\n", "nowhere", "", "nowhere: there is no such file or folder\n"},
		{"ignored files and folders", ".pushboatignore: =values.yaml\\n/docs/\\n!x/values.yaml\\n\nvalues.yaml: =a: 1\nx/values.yaml: v\ndocs/a.yaml: =x\nlink: a\n", ".", "x/values.yaml:1=v", ""},
		{"ignored links and submodules", ".pushboatignore: =link\\nlib\\n\nlink: @x\nlib: %\na.yaml: a\n", ".", "a.yaml:1=a", ""},
		{"ignore files above the folder", ".pushboatignore: =*.json\nx/.pushboatignore: =/y/b.yaml\nx/y/a.yaml: a\nx/y/b.yaml: =x\nx/y/c.json: =x\n", "x/y", "x/y/a.yaml:1=a", ""},
		{"ignore files in the folder win", ".pushboatignore: =*.yaml\nx/.pushboatignore: =!a.yaml\nx/a.yaml: a\nx/b.yaml: =x\n", "x", "x/a.yaml:1=a", ""},
		{"ignore files of other folders", "y/.pushboatignore: =*.yaml\nx/a.yaml: a\n", ".", "x/a.yaml:1=a", ""},
		{"broken ignore file", "x/.pushboatignore: =ok\\n[a\\n\nx/a.yaml: a\n", ".", "x/a.yaml:1=a", "x/.pushboatignore: line 2: the pattern \"[a\" has a bracket that is not closed | see gitignore(5) for the syntax\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			read, problems := Render(tree(test.tree), Folder{Path: test.path})
			if got := names(read.Objects); got != test.want {
				t.Errorf("objects %s, want %s", got, test.want)
			}
			if got := told(problems); got != test.problems {
				t.Errorf("problems\n%swant\n%s", got, test.problems)
			}
		})
	}
}

func TestRenderExcludes(t *testing.T) {
	fsys := tree("a.yaml: a\nx/b.yaml: b\nx/y/c.yaml: =broken: [\nxy/d.yaml: d\n")
	read, problems := Render(fsys, Folder{Path: ".", Exclude: []string{"x/y"}})
	if got := names(read.Objects); got != "a.yaml:1=a x/b.yaml:1=b xy/d.yaml:1=d" || len(problems) > 0 {
		t.Errorf("objects %s, problems %v", got, problems)
	}
}

func TestRenderLimits(t *testing.T) {
	many := func(n int, name, text string) fstest.MapFS {
		fsys := fstest.MapFS{}
		for i := range n {
			fsys[fmt.Sprintf(name, i)] = &fstest.MapFile{Data: []byte(text)}
		}
		return fsys
	}
	slow := many(100, strings.Repeat("a", 200)+"%d.yaml", object("a"))
	slow[IgnoreName] = &fstest.MapFile{Data: []byte(strings.Repeat("/b"+strings.Repeat("*a", 100)+"\n", 100))}
	deep := fstest.MapFS{strings.Repeat("d/", MaxDepth+1) + "a.yaml": &fstest.MapFile{Data: []byte(object("a"))}}
	padding := "#" + strings.Repeat("x", 5<<20) + "\n"
	for _, test := range []struct {
		name string
		fsys fstest.MapFS
		want string
	}{
		{"entries", many(MaxEntries+1, "f%d", ""), "more than 100000 files and folders"},
		{"depth", deep, "folders are nested deeper than 40"},
		{"files", many(MaxFiles+1, "f%d.yaml", ""), "more than 10000 manifests"},
		{"file", many(1, "f%d.yaml", strings.Repeat("#", manifest.MaxFileBytes+1)), "the file is larger than 8388608 bytes"},
		{"bytes", many(MaxBytes>>22+1, "f%d.yaml", padding[:4<<20]), "more than 67108864 bytes"},
		{"objects", many(MaxObjects/100+1, "f%d.yaml", strings.Repeat(object("a")+"---\n", 100)), "more than 20000 objects"},
		{"problems", many(MaxProblems+2, "f%d.yaml", "a: ["), "files from here on were not read"},
		{"ignore file", fstest.MapFS{IgnoreName: {Data: []byte(strings.Repeat("#", MaxIgnoreBytes+1))}}, "the file is larger than 65536 bytes"},
		{"patterns", fstest.MapFS{IgnoreName: {Data: []byte(strings.Repeat("a\n", MaxPatterns+1))}}, "line 1001: there are more than 1000 patterns"},
		{"pattern", fstest.MapFS{IgnoreName: {Data: []byte(strings.Repeat("a", MaxPatternLength+1))}}, "line 1: the pattern is longer than 500 bytes"},
		{"patterns that take long", slow, ".pushboatignore: the patterns of files to leave out take too long"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, problems := Render(test.fsys, Folder{Path: "."})
			if len(problems) == 0 || !strings.Contains(told(problems), test.want) {
				t.Errorf("problems %.300s, want %q", told(problems), test.want)
			}
		})
	}
}
