package sealed

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

var (
	secret = bytes.Repeat([]byte{7}, 32)
	shop   = Name{Repository: "team/shop", App: "shop", Kind: Accepted}
)

func open(t *testing.T, dir string, secret []byte) *Store {
	t.Helper()
	store, err := Open(dir, secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func seal(t *testing.T, store *Store, texts ...Text) {
	t.Helper()
	if err := store.Seal(texts...); err != nil {
		t.Fatal(err)
	}
}

// files lists the files of a store, with slashes.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestTextsComeBackAfterAnotherStart(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, secret)
	seal(t, store, Text{shop, "r1", []byte("password: canary")}, Text{Name{"blog", "blog", Generated}, "", nil})
	seal(t, store, Text{shop, "r2", []byte("password: second")})
	again := open(t, dir, secret)
	got, err := again.Unseal(shop)
	if err != nil || got.Revision != "r2" || string(got.Data) != "password: second" {
		t.Fatalf("got %v, %v", got, err)
	}
	if got, err := again.Unseal(Name{"blog", "blog", Generated}); err != nil || len(got.Data) != 0 || got.Revision != "" {
		t.Fatalf("got %v, %v", got, err)
	}
	for _, name := range []Name{{"team/shop", "shop", Applied}, {"team/shop", "sho", Accepted}, {"other", "shop", Accepted}} {
		if _, err := again.Unseal(name); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFilesHoldNoPlainTextAndAreTheServersAlone(t *testing.T) {
	dir := t.TempDir()
	seal(t, open(t, dir, secret), Text{shop, "r1", []byte("password: canary")})
	for _, file := range files(t, dir) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("canary")) || bytes.Contains(data, []byte("password")) {
			t.Errorf("%s has the text in the clear", file)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", file, info.Mode(), err)
		}
	}
}

// TestNoFilePassesForAnother: somebody who can write files cannot make one text pass for
// another, nor an old revision for a new one.
func TestNoFilePassesForAnother(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, secret)
	applied := Name{shop.Repository, shop.App, Applied}
	blog := Name{"team/blog", "shop", Accepted}
	other := Name{shop.Repository, "other", Accepted}
	seal(t, store, Text{shop, "r1", []byte("theirs")}, Text{applied, "r1", []byte("x")}, Text{blog, "r1", []byte("x")}, Text{other, "r1", []byte("x")})
	data, err := os.ReadFile(filepath.Join(dir, shop.file()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []Name{applied, blog, other} {
		if err := os.WriteFile(filepath.Join(dir, name.file()), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := store.Unseal(name); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %q, %v", name, got.Data, err)
		}
	}
	renamed := bytes.Replace(data, []byte("r1"), []byte("r9"), 1)
	if err := os.WriteFile(filepath.Join(dir, shop.file()), renamed, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Unseal(shop); !errors.Is(err, ErrDamaged) {
		t.Errorf("another revision: %v", err)
	}
}

func TestDamageIsToldWhereverItIs(t *testing.T) {
	store := open(t, t.TempDir(), secret)
	sealed, err := encode(store.aead, Text{shop, "r1", []byte("text")})
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		if _, _, err := decode(store.aead, shop, sealed[:i]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut at %d: %v", i, err)
		}
		flipped := bytes.Clone(sealed)
		flipped[i] ^= 1
		if _, _, err := decode(store.aead, shop, flipped); !errors.Is(err, ErrDamaged) {
			t.Errorf("flipped at %d: %v", i, err)
		}
	}
	if _, _, err := decode(store.aead, shop, append(sealed, 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("with more: %v", err)
	}
}

func TestAnotherSecretReadsNothing(t *testing.T) {
	dir := t.TempDir()
	seal(t, open(t, dir, secret), Text{shop, "r1", []byte("text")})
	if _, err := open(t, dir, bytes.Repeat([]byte{8}, 32)).Unseal(shop); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := Open(dir, secret[:31], nil); err == nil {
		t.Error("a short secret is accepted")
	}
}

func TestOneTextIsNeverSealedAlike(t *testing.T) {
	store := open(t, t.TempDir(), secret)
	first, _ := encode(store.aead, Text{shop, "r1", []byte("text")})
	second, _ := encode(store.aead, Text{shop, "r1", []byte("text")})
	if bytes.Equal(first, second) {
		t.Error("one text gave the same file twice")
	}
}

func TestTextsHaveALimit(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, secret)
	seal(t, store, Text{shop, "r1", []byte("text")})
	if err := store.Seal(Text{shop, "r2", make([]byte, MaxText+1)}); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if err := store.Seal(Text{shop, name.Revision(strings.Repeat("r", maxRevision+1)), nil}); err == nil {
		t.Error("a revision that is too long is accepted")
	}
	if got, err := store.Unseal(shop); err != nil || got.Revision != "r1" {
		t.Errorf("the text before is lost: %v, %v", got, err)
	}
	if err := os.Truncate(filepath.Join(dir, shop.file()), maxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Unseal(shop); !errors.Is(err, ErrDamaged) {
		t.Errorf("a file that is too long is read: %v", err)
	}
	if len(files(t, dir)) != 1 {
		t.Errorf("the directory has other files: %v", files(t, dir))
	}
}

func TestForgetting(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, secret)
	other := Name{shop.Repository, "other", Accepted}
	blog := Name{"blog", "shop", Accepted}
	all := []Text{{Name: shop}, {Name: Name{shop.Repository, shop.App, Generated}}, {Name: other}, {Name: blog}}
	seal(t, store, all...)
	if err := store.ForgetApp(shop.Repository, shop.App); err != nil {
		t.Fatal(err)
	}
	if n := len(files(t, dir)); n != 2 {
		t.Errorf("%d files after ForgetApp", n)
	}
	if _, err := store.Unseal(other); err != nil {
		t.Error(err)
	}
	if err := store.ForgetRepository(shop.Repository); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Unseal(other); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := store.Unseal(blog); err != nil {
		t.Error(err)
	}
	for _, err := range []error{store.ForgetApp("nothing", "there"), store.ForgetRepository("nothing")} {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestSweepLeavesTheGivenRepositories(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, secret)
	seal(t, store, Text{Name: shop}, Text{Name: Name{"gone", "gone", Accepted}})
	left := filepath.Join(dir, newName(Text{Name: shop}, 3, 0))
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := store.Sweep([]name.Repo{shop.Repository, "never/sealed"}); err != nil {
		t.Fatal(err)
	}
	if found := files(t, dir); len(found) != 1 || found[0] != filepath.Join(dir, shop.file()) {
		t.Errorf("left: %v", found)
	}
}

func TestSealingTheSameNameAtOnce(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir, secret)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := store.Seal(Text{shop, "r1", bytes.Repeat([]byte("text"), 1000)}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got, err := store.Unseal(shop); err != nil || len(got.Data) != 4000 {
		t.Errorf("%d bytes, %v", len(got.Data), err)
	}
	if n := len(files(t, dir)); n != 1 {
		t.Errorf("%d files", n)
	}
}

func TestANilStoreKeepsNothing(t *testing.T) {
	var store *Store
	err := errors.Join(store.Seal(Text{Name: shop}), store.ForgetApp("shop", "shop"), store.ForgetRepository("shop"))
	if err != nil {
		t.Error(err)
	}
	if _, err := store.Unseal(shop); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzDecode(f *testing.F) {
	aead, err := newAEAD(secret)
	if err != nil {
		f.Fatal(err)
	}
	// A constant, since each process of the fuzzer would seal with another nonce.
	sealed, err := hex.DecodeString("70757368626f6174207365616c656420310a0002723181264eac981474468cb95ebec84e2a49a0098839346028d879eabf96e25b5c20")
	if err != nil {
		f.Fatal(err)
	}
	if _, text, err := decode(aead, shop, sealed); err != nil || string(text) != "text" {
		f.Fatalf("the genuine file has %q, %v", text, err)
	}
	f.Add(sealed)
	f.Add([]byte(format))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := decode(aead, shop, data); err == nil && !bytes.Equal(data, sealed) {
			t.Error("a forged file is accepted")
		}
	})
}

// TestFencedStoreChangesNothing: a store whose directory belongs to another server by now
// changes nothing in it, at whatever step it notices that.
func TestFencedStoreChangesNothing(t *testing.T) {
	stale := errors.New("stale")
	for name, do := range map[string]func(*Store) error{
		"a text":           func(s *Store) error { return s.Seal(Text{shop, "r2", []byte("second")}) },
		"an app forgotten": func(s *Store) error { return s.ForgetApp(shop.Repository, shop.App) },
		"a repository":     func(s *Store) error { return s.ForgetRepository(shop.Repository) },
		"a sweep":          func(s *Store) error { return s.Sweep(nil) },
	} {
		for _, asked := range []int{1, 2} { // the question at which the store becomes stale
			dir, calls := t.TempDir(), 0
			seal(t, open(t, dir, secret), Text{shop, "r1", []byte("first")})
			store, err := Open(dir, secret, func() error {
				if calls++; calls >= asked {
					return stale
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = store.Close() })
			err = do(store)
			if err == nil && calls < asked {
				continue // the operation asks only once
			}
			if !errors.Is(err, stale) || err.Error() != stale.Error() {
				t.Errorf("%s, stale at question %d: %v", name, asked, err)
			}
			if got, err := store.Unseal(shop); err != nil || string(got.Data) != "first" {
				t.Errorf("%s, stale at question %d: the text is %q, %v", name, asked, got.Data, err)
			}
			if left := files(t, dir); len(left) != 1 {
				t.Errorf("%s, stale at question %d: files are left: %q", name, asked, left)
			}
		}
	}
}
