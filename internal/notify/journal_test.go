package notify

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/name"
)

func free() error { return nil }

func mustOpen(t *testing.T, dir string) (*journal, *ledger) {
	t.Helper()
	j, l, lost, err := openJournal(dir, free)
	if err != nil || lost != nil {
		t.Fatalf("open: %v, lost: %v", err, lost)
	}
	t.Cleanup(j.close)
	return j, l
}

// told1 is a change as a look makes it: an app whose deploy has failed, and a message of it.
func told1(number int) *change {
	key := fmt.Sprintf("shop-%d.deployFailed", number)
	return &change{
		Apps: map[name.App]*appState{"shop": {Deploy: number, Open: map[rules.Topic]*open{rules.DeployFailed: {Key: key, Since: noon}}}},
		Add:  []*Message{newMessage("ops", []News{newsOf(key, rules.DeployFailed)}, noon)},
	}
}

// threeChanges writes a journal with three changes, and returns its lines.
func threeChanges(t *testing.T) (whole []byte, lines []string) {
	t.Helper()
	dir := t.TempDir()
	j, l := mustOpen(t, dir)
	for i := range 3 {
		if err := j.write(l, told1(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile(filepath.Join(dir, journalFile))
	if err != nil {
		t.Fatal(err)
	}
	return whole, slices.Collect(strings.Lines(string(whole)))
}

// A server can be killed after any byte of a change: what was written before it is there, and
// the change itself as a whole or not at all.
func TestTornWrites(t *testing.T) {
	whole, lines := threeChanges(t)
	for size := range len(whole) + 1 {
		complete, end := 0, int64(0)
		for complete < len(lines) && end+int64(len(lines[complete])) <= int64(size) {
			end += int64(len(lines[complete]))
			complete++
		}
		l := newLedger()
		good, lost, _ := readJournal(bytes.NewReader(whole[:size]), l)
		if good != end || lost != nil || len(l.queues["ops"]) != complete || l.apps["shop"].Deploy != complete {
			t.Fatalf("after %d bytes: good are %d, lost %v, %d messages; want %d and %d", size, good, lost, len(l.queues["ops"]), end, complete)
		}
	}
}

// What is written after a torn change takes its place.
func TestChangesAfterATornOne(t *testing.T) {
	whole, lines := threeChanges(t)
	for _, size := range []int{0, 1, len(lines[0]) - 1, len(lines[0]), len(lines[0]) + sumDigits, len(whole) - 1, len(whole)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, journalFile), whole[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		j, l := mustOpen(t, dir)
		had := len(l.queues["ops"])
		if err := j.write(l, told1(9)); err != nil {
			t.Fatal(err)
		}
		if _, again := mustOpen(t, dir); len(again.queues["ops"]) != had+1 {
			t.Errorf("after %d bytes and another change: %d messages, before %d", size, len(again.queues["ops"]), had)
		}
	}
}

// A line that is not as it was written ends the journal, and is said.
func TestDamageIsSaid(t *testing.T) {
	whole, lines := threeChanges(t)
	for at := range len(lines[0]) {
		spoilt := bytes.Clone(whole)
		spoilt[at] ^= 1
		l := newLedger()
		if good, lost, _ := readJournal(bytes.NewReader(spoilt), l); good != 0 || !errors.Is(lost, errDamaged) || len(l.apps) > 0 {
			t.Fatalf("byte %d: good are %d, lost %v, %+v", at, good, lost, l.apps)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, journalFile), []byte(lines[0]+"x"+lines[1][1:]+lines[2]), 0o600); err != nil {
		t.Fatal(err)
	}
	j, l, lost, err := openJournal(dir, free)
	if err != nil || !errors.Is(lost, errDamaged) || len(l.queues["ops"]) != 1 || j.size != int64(len(lines[0])) {
		t.Fatalf("in the middle: lost %v, %v, %+v", lost, err, l.queues)
	}
	j.close()
	if _, err := parseLine([]byte(strings.Repeat("0", maxLine+1))); !errors.Is(err, errDamaged) {
		t.Errorf("a line that is too long: %v", err)
	}
}

// A journal that has grown is written anew, and says the same.
func TestJournalIsWrittenAnew(t *testing.T) {
	dir := t.TempDir()
	j, l := mustOpen(t, dir)
	if err := j.write(l, &change{Forget: true, Begun: noon}); err != nil {
		t.Fatal(err)
	}
	bulk := strings.Repeat("x", 512<<10)
	for i := range 20 {
		c := told1(i + 1)
		c.Add[0].News[0].Detail = bulk
		if i > 0 {
			c.Done = []ref{{"ops", fmt.Sprintf("shop-%d.deployFailed", i)}}
		}
		if err := j.write(l, c); err != nil {
			t.Fatal(err)
		}
	}
	if j.size > maxJournal+1<<20 {
		t.Errorf("the journal has %d bytes", j.size)
	}
	if _, again := mustOpen(t, dir); !reflect.DeepEqual(again, l) || len(again.queues["ops"]) != 1 || !again.begun.Equal(noon) {
		t.Errorf("it says %d messages, begun %s", len(again.queues["ops"]), again.begun)
	}
}

// A change that cannot be written has not been made.
func TestChangesThatFail(t *testing.T) {
	dir := t.TempDir()
	stale := errors.New("another server has the data directory")
	j, l := mustOpen(t, dir)
	j.fence = func() error { return stale }
	if err := j.write(l, told1(1)); !errors.Is(err, stale) || len(l.apps)+len(l.queues) > 0 {
		t.Errorf("a stale server: %v, %+v", err, l)
	}
	j.fence = free
	j.close()
	if err := j.write(l, told1(1)); err == nil || len(l.apps)+len(l.queues) > 0 {
		t.Errorf("a file that takes nothing: %v, %+v", err, l)
	}
}

func TestChangesOfTheLedger(t *testing.T) {
	l := newLedger()
	l.apply(told1(1))
	m := *l.queues["ops"][0]
	m.Rule = "changed"
	l.apply(&change{Add: []*Message{&m}, Things: map[string]*thingState{"backup": {Begun: 1}}})
	if queue := l.queues["ops"]; len(queue) != 1 || queue[0].Rule != "changed" {
		t.Errorf("a message of the same name: %+v", queue)
	}
	l.apply(&change{Done: []ref{{"ops", "no such message"}, {"nobody", m.ID}}})
	if len(l.queues) != 1 {
		t.Errorf("queues %v", l.queues)
	}
	l.apply(&change{Done: []ref{{"ops", m.ID}}, Apps: map[name.App]*appState{"shop": nil}, Things: map[string]*thingState{"backup": nil}})
	if len(l.queues)+len(l.apps)+len(l.things) > 0 {
		t.Errorf("in the end there are %+v", l)
	}
	if !(&change{}).isEmpty() || (&change{Begun: time.Now()}).isEmpty() || told1(1).isEmpty() {
		t.Error("a change is not empty, or is")
	}
}

// TestJournalOnABadDisk: what cannot be read is not taken for the end of the journal, which
// would be cut off there.
func TestJournalOnABadDisk(t *testing.T) {
	broken := errors.New("input/output error")
	if _, lost, err := readJournal(iotest.ErrReader(broken), newLedger()); lost != nil || !errors.Is(err, broken) {
		t.Errorf("read from a bad disk: lost %v, error %v", lost, err)
	}
}
