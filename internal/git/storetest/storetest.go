// Package storetest gives tests a store of repositories, in a directory of their own.
package storetest

import (
	"testing"

	"github.com/pushboat/pushboat/internal/git"
)

// Open opens an empty store, which is closed when the test ends.
func Open(t testing.TB, options git.StoreOptions) *git.Store {
	t.Helper()
	store, err := git.OpenStore(t.TempDir(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// Shop creates the repository shop, without a branch, in a store.
func Shop(t testing.TB, store *git.Store) *git.Repository {
	t.Helper()
	repo, err := store.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return repo
}
