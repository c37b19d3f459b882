package git

import (
	"errors"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/storage/filesystem/dotgit"

	gogitfs "github.com/go-git/go-git/v5/storage/filesystem"
)

// A look for an object is repeated while packs vanish under it, as during a repack; of a
// missing object, once.
func TestFindOutlivesARepack(t *testing.T) {
	gone, missing, broken := dotgit.ErrPackfileNotFound, plumbing.ErrObjectNotFound, errors.New("broken")
	for name, test := range map[string]struct {
		answers []error // in turn; the last one again and again
		want    error
		looks   int
	}{
		"there":                          {[]error{nil}, nil, 1},
		"after a repack":                 {[]error{gone, gone, gone, gone, nil}, nil, 5},
		"packed while it was looked for": {[]error{missing, nil}, nil, 2},
		"missing":                        {[]error{missing}, missing, 2},
		"missing during a repack":        {[]error{missing, gone, missing}, missing, 4},
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
