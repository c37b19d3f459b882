package rules

import (
	"crypto/ed25519"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// noon is the current time in these tests.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// keyText returns the same key whenever it gets the same seed.
func keyText(t testing.TB, seed byte) string {
	t.Helper()
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public(t, seed))))
}

func public(t testing.TB, seed byte) ssh.PublicKey {
	t.Helper()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune('a'+seed)), 32)))
	key, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// seeds are the seeds of the keys of world's operators.
var seeds = map[string]byte{"ana": 0, "ben": 1, "ci": 2, "dora": 3}

// world is a revision with the operators ana, ben and dora, the robot ci, and the given
// files. A file with the text "" is left out.
func world(t testing.TB, files map[string]string) fs.FS {
	t.Helper()
	tree := fstest.MapFS{}
	for name, seed := range seeds {
		kind := "person"
		if name == "ci" {
			kind = "robot"
		}
		tree["operators/"+name+".yaml"] = &fstest.MapFile{Data: []byte("kind: " + kind + "\nkeys:\n  - key: " + keyText(t, seed) + "\n")}
	}
	tree["groups.yaml"] = &fstest.MapFile{Data: []byte("groups:\n  admins: [ana]\n  shop: [ben, ci]\n")}
	tree["access.yaml"] = &fstest.MapFile{Data: []byte("rules:\n- {who: [admins], may: [admin]}\n")}
	for name, text := range files {
		delete(tree, name)
		if text != "" {
			tree[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return tree
}

// parsed returns the rules of a world whose access.yaml has the given rules, one a line.
func parsed(t testing.TB, rules ...string) *Rules {
	t.Helper()
	return parsedTree(t, world(t, map[string]string{"access.yaml": "rules:\n" + strings.Join(rules, "\n") + "\n"}))
}

func parsedTree(t testing.TB, tree fs.FS) *Rules {
	t.Helper()
	r, problems := Parse(tree)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return r
}

type problem = manifest.Problem

const minute = time.Minute

func repoName(text string) name.Repo { return name.Repo(text) }

type (
	right    = access.Right
	decision = access.Decision
)
