package render

import (
	"context"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/render/secrets"
	"github.com/pushboat/pushboat/internal/render/worker"
)

// contentHashed is a revision in which the hash of a file is its content.
type contentHashed struct{ fstest.MapFS }

func (h contentHashed) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := h.MapFS.ReadDir(name)
	for i, entry := range entries {
		if file := h.MapFS[name+"/"+entry.Name()]; file != nil {
			entries[i] = hashedEntry{entry, string(file.Data)}
		}
	}
	return entries, err
}

type hashedEntry struct {
	fs.DirEntry
	hash string
}

func (e hashedEntry) ContentHash() string { return e.hash }

const (
	plainText     = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {greeting: hello}\n"
	encryptedText = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: b\nstringData:\n  token: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n" +
		"sops:\n  mac: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n"
)

// TestAgain: an object of an unchanged file stays the same pointer. The exceptions are
// apps whose objects depend on more than their files: encrypted ones and those with
// names to replace.
func TestAgain(t *testing.T) {
	substituted := appfile.App{Name: "web", Path: "app", Substitute: appfile.Substitute{Names: []appfile.Substitution{{Name: "WHO", Text: "you", Value: "you"}}}}
	for _, test := range []struct {
		name  string
		app   appfile.App
		added string // added to the second revision
		same  bool
		read  bool // whether the next revision can build upon the second one
	}{
		{"plain", appfile.App{Name: "web", Path: "app"}, "", true, true},
		{"encrypted by now", appfile.App{Name: "web", Path: "app"}, encryptedText, false, false},
		{"replaced names", substituted, "", false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			revision := contentHashed{fstest.MapFS{"app/a.yaml": {Data: []byte(plainText)}}}
			renderer := New(worker.NewPool(nil, worker.Limits{}, nil), nil).WithKeys(secrets.Placeholders())
			rendered := func(before Result) Result {
				session := renderer.Session(revision)
				result, problems := session.Again(context.Background(), test.app, before.Read)
				if len(problems) > 0 {
					t.Fatal(problems)
				}
				return result
			}
			first := rendered(Result{})
			if test.added != "" {
				revision.MapFS["app/b.yaml"] = &fstest.MapFile{Data: []byte(test.added)}
			}
			second, afresh := rendered(first), rendered(Result{})
			if same := second.Objects[0] == first.Objects[0]; same != test.same {
				t.Errorf("the object is the same one: %v, want %v", same, test.same)
			}
			if second.Digest != afresh.Digest || len(second.Objects) != len(afresh.Objects) {
				t.Errorf("%d objects of digest %s, want %d of %s", len(second.Objects), second.Digest, len(afresh.Objects), afresh.Digest)
			}
			if read := second.Read != nil; read != test.read {
				t.Errorf("can be built upon: %v, want %v", read, test.read)
			}
		})
	}
}
