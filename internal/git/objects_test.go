package git

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	gogitfs "github.com/go-git/go-git/v5/storage/filesystem"
)

// TestFindOutlivesARepack: find repeats a look while packs vanish during it, as in a
// repack; for a missing object it does not.
func TestFindOutlivesARepack(t *testing.T) {
	gone, missing, broken := dotgit.ErrPackfileNotFound, plumbing.ErrObjectNotFound, errors.New("broken")
	for name, test := range map[string]struct {
		answers []error // one for each look; the last one is repeated
		want    error
		looks   int
	}{
		"there":                          {[]error{nil}, nil, 1},
		"after a repack":                 {[]error{gone, gone, gone, gone, nil}, nil, 5},
		"packed while it was looked for": {[]error{missing, nil}, nil, 2},
		"missing":                        {[]error{missing}, missing, 2},
		"missing after a repack":         {[]error{missing, gone, missing}, missing, 3},
		"broken":                         {[]error{broken}, broken, 1},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := newRepository(t, StoreOptions{}).openObjects(Quarantine{})
			if err != nil {
				t.Fatal(err)
			}
			looks := 0
			err = o.find(func(*gogitfs.Storage) error {
				looks++
				return test.answers[min(looks, len(test.answers))-1]
			})
			if !errors.Is(err, test.want) || looks != test.looks {
				t.Errorf("%v after %d looks, want %v after %d", err, looks, test.want, test.looks)
			}
		})
	}
}

// TestReadersOutliveRepacks: an existing commit is found at every moment of a repack.
func TestReadersOutliveRepacks(t *testing.T) {
	r := newRepository(t, StoreOptions{})
	extend := func(old Hash, content string) Hash {
		return mustAppend(t, r, old, NewCommit{Message: content, Files: map[string][]byte{"file": []byte(content)}})
	}
	first := extend("", "first")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var reader sync.WaitGroup
	reader.Go(func() {
		for ctx.Err() == nil {
			if _, err := r.Tree(first); err != nil {
				t.Error(err)
				return
			}
		}
	})
	last := first
	for round := range 4 {
		for i := range maxPacks + 1 {
			last = extend(last, fmt.Sprint(round, i))
		}
		if err := r.Maintain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	reader.Wait()
}
