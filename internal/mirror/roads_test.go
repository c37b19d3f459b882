package mirror

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/mirror/mirrortest"
)

// noise is a text that does not get shorter by compression.
func noise(size int) string {
	text := make([]byte, size)
	for i := range text {
		text[i] = byte(i*i>>3 ^ i>>7 ^ i*2654435761>>13)
	}
	return string(text)
}

// ways are those to an upstream: each makes one, and the mirror of it.
var ways = map[string]func(w *world) (up *mirrortest.Upstream, text string){
	"http": func(w *world) (*mirrortest.Upstream, string) {
		up := w.http()
		return up, "url: http://" + up.Addr + "/shop.git\n"
	},
	"ssh": func(w *world) (*mirrortest.Upstream, string) {
		key := filepath.Join(w.dir, "files", "key")
		signer, err := mirrortest.NewKey(key)
		if err != nil {
			w.Fatal(err)
		}
		up, err := mirrortest.StartSSH(filepath.Join(w.dir, "upstream"), signer.PublicKey())
		if err != nil {
			w.Fatal(err)
		}
		w.Cleanup(up.Close)
		return up, "url: ssh://git@" + up.Addr + "/shop.git\nkeyFile: " + key + "\n"
	},
}

func onEachWay(t *testing.T, test func(w *world, up *mirrortest.Upstream, text string)) {
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, git.StoreOptions{})
			up, text := way(w)
			w.rule(map[string]string{"shop": text})
			test(w, up, text)
		})
	}
}

// leavesNothing checks that what was not taken is not on disk.
func (w *world) leavesNothing() {
	w.Helper()
	for _, pattern := range []string{filepath.Join(w.repoDir(), "objects", "pack", "tmp_*"), filepath.Join(filepath.Dir(w.repoDir()), ".fetch", "*")} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			w.Errorf("it leaves %q, %v", left, err)
		}
	}
}

// half is a number of bytes within the pack of noise(packed), beyond all that comes before it.
const packed, half = 1 << 20, 256 << 10

// An upstream that is killed in the middle of its answer changes nothing here, and is asked again.
func TestUpstreamsThatAreKilled(t *testing.T) {
	onEachWay(t, func(w *world, up *mirrortest.Upstream, _ string) {
		one := w.commit("one")
		if _, err := w.fetch(nil); err != nil {
			w.Fatal(err)
		}
		two := w.commit(noise(packed))
		held := up.Hold(half)
		done := make(chan error, 1)
		go func() {
			_, err := w.fetch(nil)
			done <- err
		}()
		select {
		case <-held.Reached:
		case err := <-done:
			w.Fatalf("it was not stopped: %v", err)
		}
		up.Away(true)
		held.Release()
		if err := <-done; err == nil || w.head("main") != one || w.state().Trouble == nil {
			w.Errorf("killed: %v, main at %s, %+v", err, w.head("main"), w.state())
		}
		w.leavesNothing()
		up.Away(false)
		if _, err := w.fetch(nil); err != nil || w.head("main") != two || w.state().Trouble != nil {
			w.Errorf("back: %v, main at %s, %+v", err, w.head("main"), w.state())
		}
	})
}

// An upstream that is slow keeps no other from being fetched, and is given up in the end.
func TestUpstreamsThatAreSlow(t *testing.T) {
	onEachWay(t, func(w *world, up *mirrortest.Upstream, text string) {
		one := w.commit(noise(packed))
		other, quick := ways["http"](w)
		w.rule(map[string]string{"shop": text, "other": quick})
		held := up.Hold(half)
		defer held.Release()
		ctx, giveUp := context.WithCancel(w.Context())
		done := make(chan error, 1)
		go func() {
			_, err := w.keeper.Fetch(ctx, Asking{Repo: "shop"}, discard{})
			done <- err
		}()
		select {
		case <-held.Reached:
		case err := <-done:
			w.Fatalf("it was not stopped: %v", err)
		}
		if _, err := w.fetch(func(a *Asking) { a.Repo = "other" }); err != nil || other.Asked.Load() == 0 {
			w.Errorf("the other one: %v", err)
		}
		giveUp()
		if err := <-done; !errors.Is(ctx.Err(), context.Canceled) || err == nil || w.head("main") != "" {
			w.Errorf("given up: %v, main at %s", err, w.head("main"))
		}
		settings := w.keeper.settings()
		settings.Within = time.Second
		w.keeper.Configure(settings)
		if _, err := w.fetch(nil); err == nil || w.head("main") != "" || w.state().Trouble == nil {
			w.Errorf("too slow: %v, main at %s, %+v", err, w.head("main"), w.state().Trouble)
		}
		w.leavesNothing()
		held.Release()
		settings.Within = time.Minute
		w.keeper.Configure(settings)
		if _, err := w.fetch(nil); err != nil || w.head("main") != one {
			w.Errorf("quick again: %v, main at %s", err, w.head("main"))
		}
	})
}

type discard struct{}

// Write forgets everything.
func (discard) Write(b []byte) (int, error) { return len(b), nil }

// TestFetchOverHTTP and TestUpstreamsThatAreRefused have the same by HTTP.
func TestUpstreamsByServersOfSSH(t *testing.T) {
	w := newWorld(t, git.StoreOptions{MaxPush: 512 << 10})
	_, text := ways["ssh"](w)
	w.rule(map[string]string{"shop": text})
	one := w.commit("one")
	two := w.commit("two")
	if _, err := w.fetch(nil); err != nil || w.head("main") != two {
		t.Fatal(err)
	}
	w.git("reset", "-q", "--hard", string(one))
	w.commit("three")
	if _, err := w.fetch(nil); err != nil || w.head("main") != two || !strings.Contains(w.state().Refused["main"].Reason, "was rewritten upstream") {
		t.Errorf("rewritten: %v, main at %s, %+v", err, w.head("main"), w.state().Refused)
	}
	w.git("checkout", "-q", "--orphan", "other")
	w.commit("other")
	w.git("push", "-q", "--force", "origin", "other:main")
	if _, err := w.fetch(func(a *Asking) { a.Rewrite = true }); err != nil || w.head("main") != two || !strings.Contains(w.state().Refused["main"].Reason, "another repository") {
		t.Errorf("another repository: %v, main at %s, %+v", err, w.head("main"), w.state().Refused)
	}
	w.commit(noise(4 << 20))
	w.git("push", "-q", "--force", "origin", "other:main")
	if _, err := w.fetch(nil); err == nil || !strings.Contains(err.Error(), git.ErrTooMuch.Error()) || w.head("main") != two {
		t.Errorf("huge: %v, main at %s", err, w.head("main"))
	}
	w.leavesNothing()
}
