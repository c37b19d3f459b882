package mirror

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
)

func TestRefusedRevisionsRest(t *testing.T) {
	one, other := rules.None(), rules.None()
	by := basis{upstream: hashA, here: hashB, rules: one}
	at := time.Unix(1000, 0)
	first := judged{}.next(by, at)
	for _, test := range []struct {
		what  string
		by    basis
		after time.Duration
		due   bool
	}{
		{"the same, at once", by, 0, false},
		{"the same, soon", by, leastAgain - 1, false},
		{"the same, later", by, leastAgain, true},
		{"upstream has another", basis{hashB, hashB, one}, 0, true},
		{"the branch is elsewhere", basis{hashA, hashA, one}, 0, true},
		{"the rules are others", basis{hashA, hashB, other}, 0, true},
	} {
		if got := first.due(test.by, at.Add(test.after)); got != test.due {
			t.Errorf("%s: due is %v", test.what, got)
		}
	}
	var waits []time.Duration
	for j := (judged{}); len(waits) < 6; waits = append(waits, j.wait) {
		j = j.next(by, at)
	}
	if waits[0] != leastAgain || waits[1] != 2*leastAgain || waits[5] != mostAgain {
		t.Errorf("the waits are %v", waits)
	}
	if again := (judged{by: by, wait: mostAgain}).next(basis{hashB, hashB, one}, at); again.wait != leastAgain {
		t.Errorf("another revision waits for %s", again.wait)
	}
}

// A revision that is refused is judged once, however often upstream is asked.
func TestRefusedRevisionsAreJudgedOnce(t *testing.T) {
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	text := "url: http://" + up.Addr + "/shop.git\n"
	w.rule(map[string]string{"shop": text})
	w.commit("one")
	w.gate.refuses = "problem at file:1"
	tick := func() {
		w.keeper.Wake("shop")
		w.settle()
	}
	for range 5 {
		tick()
	}
	if len(w.gate.landed) != 1 || up.Asked.Load() < 5 {
		t.Fatalf("the gate was asked %d times, upstream %d times", len(w.gate.landed), up.Asked.Load())
	}
	w.rule(map[string]string{"shop": text})
	tick()
	w.commit("two")
	tick()
	if len(w.gate.landed) != 3 {
		t.Errorf("after other rules and another revision, the gate was asked %d times", len(w.gate.landed))
	}
	if _, err := w.fetch(nil); err != nil || len(w.gate.landed) != 4 {
		t.Errorf("who asks is not heard: %d times, %v", len(w.gate.landed), err)
	}
	w.gate.refuses = ""
	if _, err := w.fetch(nil); err != nil || len(w.keeper.entries["shop"].refused) > 0 {
		t.Errorf("what is taken is still refused: %v", err)
	}
}

// body is that of a webhook, of which left bytes are to come.
type body struct{ left int }

// Read reads nothing of interest.
func (b *body) Read(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.left -= n
	if n == 0 {
		return 0, os.ErrClosed
	}
	return n, nil
}

// A flood of webhooks, each as large as they may be, has upstream asked a few times, and none of
// them is kept.
func TestFloodOfWebhooks(t *testing.T) {
	const hooks, size = 300, 1 << 20
	w := newWorld(t, git.StoreOptions{})
	up := w.http()
	file := filepath.Join(w.dir, "files", "hook")
	if err := os.WriteFile(file, []byte("the-secret-of-webhooks\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.commit("one")
	w.rule(map[string]string{"shop": "url: http://" + up.Addr + "/shop.git\nhookFile: " + file + "\n"})
	begun := time.Now()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	heard := 0
	for range hooks {
		text := strings.Repeat("x", 10)
		if err := w.keeper.Knock("shop", http.Header{"X-Gitlab-Token": {"the-secret-of-webhooks"}}, strings.NewReader(text)); err == nil {
			heard++
		}
		if err := w.keeper.Knock("shop", http.Header{"X-Gitlab-Token": {"wrong"}}, &body{size}); err == nil {
			t.Fatal("a wrong one is heard")
		}
	}
	runtime.ReadMemStats(&after)
	w.keeper.Stop()
	most := int64(2 + time.Since(begun)/hookEvery)
	if asked := up.Asked.Load(); heard != hooks || asked < 1 || asked > most {
		t.Errorf("%d webhooks were heard, and had upstream asked %d times; at most %d", heard, asked, most)
	}
	// What is allocated counts, whenever it is collected: the buffers of copying, no bodies.
	if each := (after.TotalAlloc - before.TotalAlloc) / hooks; each > size/4 {
		t.Errorf("each pair of webhooks takes %d bytes", each)
	}
	if len(w.keeper.entries) != 1 {
		t.Errorf("there are %d entries", len(w.keeper.entries))
	}
}
