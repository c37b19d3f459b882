package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"
)

// begin makes a trail in a directory.
func begin(t *testing.T, dir string, limits Limits) *Trail {
	t.Helper()
	logger, _ := test.NewNullLogger()
	return New(Config{Data: dir, Fence: func() error { return nil }, Limits: limits, Log: logrus.NewEntry(logger)})
}

var usual = Limits{Size: 1 << 20, Keep: 10}

func write(t *testing.T, trail *Trail, events ...Event) {
	t.Helper()
	if err := trail.Write(events...); err != nil {
		t.Fatal(err)
	}
}

// written is a directory with a trail of five lines.
func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	trail := begin(t, dir, usual)
	write(t, trail, some(5)...)
	trail.Close()
	return dir
}

// verified returns the faults of a trail, and the reasons in the lines about the trail
// itself.
func verified(t *testing.T, trail *Trail) (faults, remarks []string) {
	t.Helper()
	v, err := trail.Verify()
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range v.Faults {
		faults = append(faults, fault.String())
	}
	events, _, err := trail.Read(Query{})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.Kind == OfTrail {
			remarks = append(remarks, e.Reason)
		}
	}
	return faults, remarks
}

func TestTrailGoesOn(t *testing.T) {
	dir := written(t)
	trail := begin(t, dir, usual)
	defer trail.Close()
	trail.Note(Event{Kind: Login})
	write(t, trail, Event{Kind: Verb})
	if faults, remarks := verified(t, trail); faults != nil || remarks != nil {
		t.Errorf("faults %q, remarks %q", faults, remarks)
	}
	v, err := trail.Verify()
	if err != nil || v.Lines != 7 || v.First != 1 || v.Last != 7 || v.Files != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}

func first(dir string) string { return filepath.Join(dir, "audit", fileName(1)) }

// change changes the lines of a trail's first file.
func change(t *testing.T, dir string, how func(lines []string) []string) {
	t.Helper()
	text, err := os.ReadFile(first(dir))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	text = []byte(strings.Join(how(lines[:len(lines)-1]), ""))
	if err := os.WriteFile(first(dir), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStartAfterDamage: whatever happened to the files, the next server continues the trail
// and notes the damage in it. Only the traces of a crash are no fault.
func TestStartAfterDamage(t *testing.T) {
	headPath := func(dir string) string { return filepath.Join(dir, "audit", headFile) }
	for _, test := range []struct {
		name           string
		damage         func(t *testing.T, dir string)
		faults, remark string
	}{
		{"an unfinished line", func(t *testing.T, dir string) {
			change(t, dir, func(lines []string) []string { return append(lines, lines[4][:40]) })
		}, "", "an unfinished line of 40 bytes was cut off"},
		{"a last line that was not finished, and not waited for", func(t *testing.T, dir string) {
			text, _ := os.ReadFile(headPath(dir))
			h, _ := parseHead(text)
			change(t, dir, func(lines []string) []string {
				e, _ := decode([]byte(strings.TrimSuffix(lines[3], "\n")))
				h.mark = mark{e.Seq, e.Hash}
				return append(lines[:4], lines[4][:9])
			})
			if err := os.WriteFile(headPath(dir), h.text(), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "", "an unfinished line of 9 bytes"},
		{"the end is gone", func(t *testing.T, dir string) {
			change(t, dir, func(lines []string) []string { return lines[:3] })
		}, "the lines 4 to 5 before this one are missing", "the lines 4 to 5 were missing from the end"},
		{"the end and the head are gone", func(t *testing.T, dir string) {
			change(t, dir, func(lines []string) []string { return lines[:3] })
			_ = os.Remove(headPath(dir))
		}, "", "the kept head was missing; the last line found is 3"},
		{"everything is gone but the head", func(t *testing.T, dir string) { _ = os.Remove(first(dir)) }, "the lines 1 to 5 are missing from the beginning", "the lines 1 to 5 were missing from the end"},
		{"the last line was changed", func(t *testing.T, dir string) {
			change(t, dir, func(lines []string) []string {
				lines[4] = strings.Replace(lines[4], "ana", "eve", 1)
				return lines
			})
		}, "this line was changed", "the last line is damaged: this line was changed"},
		{"the last line was written anew", func(t *testing.T, dir string) {
			change(t, dir, func(lines []string) []string {
				e, _ := decode([]byte(strings.TrimSuffix(lines[4], "\n")))
				e.Operator, e.Hash = "eve", ""
				line, _, _ := encode(e, e.Seq, e.Prev)
				return append(lines[:4], string(line))
			})
		}, "", "line 5 is another than was kept as the last"},
		{"the head is no head", func(t *testing.T, dir string) { _ = os.WriteFile(headPath(dir), []byte("{}"), 0o600) }, "", "the kept head was missing"},
		{"the file is empty", func(t *testing.T, dir string) { _ = os.WriteFile(first(dir), nil, 0o600) }, "are missing from the beginning", "the lines 1 to 5 were missing from the end"},
		{"the last line is garbage", func(t *testing.T, dir string) {
			change(t, dir, func(lines []string) []string { return append(lines[:4], "garbage\n") })
		}, "this is no line of a trail", "the last line is damaged: this is no line"},
		{"a line in the middle is gone", func(t *testing.T, dir string) {
			change(t, dir, func(lines []string) []string { return slices.Delete(lines, 1, 2) })
		}, "the line 2 before this one is missing", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := written(t)
			test.damage(t, dir)
			trail := begin(t, dir, usual)
			defer trail.Close()
			write(t, trail, Event{Kind: Verb, Operator: "ana"})
			faults, remarks := verified(t, trail)
			if all := strings.Join(faults, "\n"); !strings.Contains(all, test.faults) || (test.faults == "") != (all == "") {
				t.Errorf("faults %q, want %q", faults, test.faults)
			}
			if all := strings.Join(remarks, "\n"); !strings.Contains(all, test.remark) || (test.remark == "") != (all == "") {
				t.Errorf("remarks %q, want %q", remarks, test.remark)
			}
		})
	}
}

func TestDamageWhileItIsWritten(t *testing.T) {
	dir := t.TempDir()
	trail := begin(t, dir, usual)
	defer trail.Close()
	write(t, trail, some(5)...)
	change(t, dir, func(lines []string) []string { return lines[:3] })
	if faults, _ := verified(t, trail); len(faults) != 1 || !strings.Contains(faults[0], "the lines 4 to 5 are missing from the end") {
		t.Errorf("faults %q", faults)
	}
	write(t, trail, Event{Kind: Verb})
	if _, remarks := verified(t, trail); len(remarks) != 1 || !strings.Contains(remarks[0], "the lines 4 to 5 were missing") {
		t.Errorf("remarks %q", remarks)
	}
}

func TestRotation(t *testing.T) {
	dir := t.TempDir()
	trail := begin(t, dir, Limits{Size: 1000, Keep: 3})
	for range 40 {
		write(t, trail, Event{Kind: Verb, Operator: "ana"})
	}
	trail.Close()
	files, err := filepath.Glob(filepath.Join(dir, "audit", "*.jsonl"))
	if err != nil || len(files) != 3 {
		t.Fatalf("files %q, %v", files, err)
	}
	trail = begin(t, dir, Limits{Size: 1000, Keep: 3})
	v, err := trail.Verify()
	trail.Close()
	if err != nil || len(v.Faults) > 0 || v.First < 20 || v.Last != 40 || v.Lines != int(v.Last-v.First)+1 {
		t.Errorf("%+v, %v", v, err)
	}
	for name, gone := range map[string]string{"missing from the beginning": files[0], "before this one are missing": files[1]} {
		text, err := os.ReadFile(gone)
		if err == nil {
			err = os.Remove(gone)
		}
		if err != nil {
			t.Fatal(err)
		}
		trail := begin(t, dir, usual)
		write(t, trail, Event{Kind: Verb})
		if faults, _ := verified(t, trail); len(faults) != 1 || !strings.Contains(faults[0], name) {
			t.Errorf("without %s: %q", filepath.Base(gone), faults)
		}
		trail.Close()
		if err := os.WriteFile(gone, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWritersShareTheDisk(t *testing.T) {
	trail := begin(t, t.TempDir(), usual)
	defer trail.Close()
	var writers sync.WaitGroup
	for i := range 50 {
		writers.Go(func() {
			if err := trail.Write(Event{Kind: Verb, Operator: fmt.Sprint(i)}, Event{Kind: Verb, Operator: fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	events, _, err := trail.Read(Query{})
	if err != nil || len(events) != 100 {
		t.Fatalf("%d lines, %v", len(events), err)
	}
	for i := 0; i < 100; i += 2 {
		if events[i].Operator != events[i+1].Operator {
			t.Errorf("lines %d and %d, of one call, are apart", i+1, i+2)
		}
	}
	if faults, _ := verified(t, trail); faults != nil {
		t.Error(faults)
	}
}

// TestUnwritable: while the trail cannot be written, operations that need it are refused.
// Other events are lost, and their number is noted.
func TestUnwritable(t *testing.T) {
	var fence atomic.Value
	dir := t.TempDir()
	logger, hook := test.NewNullLogger()
	stale := func() error {
		err, _ := fence.Load().(error)
		return err
	}
	trail := New(Config{Data: dir, Fence: stale, Limits: usual, Log: logrus.NewEntry(logger)})
	defer trail.Close()
	inTheWay := filepath.Join(dir, "audit")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	trail.Note(some(3)...)
	err := trail.Write(Event{Kind: Verb})
	if unwritten := (*WriteError)(nil); !errors.As(err, &unwritten) || unwritten.Hint() == "" || !strings.Contains(err.Error(), "nothing is done that is not on it") {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(hook.LastEntry().Message, "corrections of drift go on") {
		t.Errorf("log %q", hook.LastEntry().Message)
	}
	if err := os.Remove(inTheWay); err != nil {
		t.Fatal(err)
	}
	write(t, trail, Event{Kind: Verb})
	if hook.LastEntry().Message != "audit: the trail can be written again" {
		t.Errorf("log %q", hook.LastEntry().Message)
	}
	events, _, _ := trail.Read(Query{})
	if len(events) != 2 || events[0].Kind != OfTrail || events[0].Count != 3 {
		t.Errorf("lines %+v", events)
	}
	fence.Store(errors.New("another server has the directory"))
	if err := trail.Write(Event{Kind: Verb}); !errors.Is(err, fence.Load().(error)) {
		t.Errorf("error %v", err)
	}
}

func TestRead(t *testing.T) {
	trail := begin(t, t.TempDir(), Limits{Size: 400, Keep: 50})
	defer trail.Close()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	write(t, trail, Event{Time: at, Kind: Push, Operator: "ana", Repository: "shop", Ref: "refs/heads/main"})
	write(t, trail, Event{Time: at.Add(time.Hour), Kind: Verb, Operator: "ben", App: "shop", Verb: "sync"})
	write(t, trail, Event{Time: at.Add(2 * time.Hour), Kind: Push, Operator: "ben", Repository: "shop", Ref: "refs/heads/wip"})
	write(t, trail, Event{Time: at.Add(3 * time.Hour), Kind: Verb, Operator: "ana", App: "blog", Verb: "sync"})
	for _, test := range []struct {
		query Query
		want  []uint64
	}{
		{Query{}, []uint64{1, 2, 3, 4}},
		{Query{Most: 2}, []uint64{3, 4}},
		{Query{Operator: "ana"}, []uint64{1, 4}},
		{Query{Operator: "ana", Most: 1}, []uint64{4}},
		{Query{Operator: "nobody"}, nil},
		{Query{Since: at.Add(time.Hour)}, []uint64{2, 3, 4}},
		{Query{Since: at.Add(150 * time.Minute), Operator: "ben"}, nil},
		{Query{App: "shop"}, []uint64{2}},
		{Query{App: "shop", Repository: "shop", Ref: "refs/heads/main"}, []uint64{1, 2}},
		{Query{Repository: "shop"}, []uint64{1, 3}},
		{Query{Until: at.Add(2 * time.Hour)}, []uint64{1, 2}},
		{Query{Since: at.Add(time.Hour), Until: at.Add(3 * time.Hour), Operator: "ben"}, []uint64{2, 3}},
		{Query{Before: 4}, []uint64{1, 2, 3}},
		{Query{Before: 4, Most: 2}, []uint64{2, 3}},
		{Query{Before: 1}, nil},
		{Query{Kind: Push}, []uint64{1, 3}},
		{Query{Kind: Push, Most: 1}, []uint64{3}},
		{Query{Kind: Login}, nil},
		{Query{Decision: Refused}, nil},
	} {
		events, unread, err := trail.Read(test.query)
		var got []uint64
		for _, e := range events {
			got = append(got, e.Seq)
		}
		if err != nil || unread > 0 || !slices.Equal(got, test.want) {
			t.Errorf("%+v: %v, %d unread, %v; want %v", test.query, got, unread, err, test.want)
		}
	}
}

// TestKinds: filters know every kind and every decision that there is.
func TestKinds(t *testing.T) {
	source, err := os.ReadFile("audit.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^\t\w+ +(Kind|Decision) += "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1) {
		if match[1] == "Kind" && !slices.Contains(Kinds, Kind(match[2])) || match[1] == "Decision" && !slices.Contains(Decisions, Decision(match[2])) {
			t.Errorf("%s %q is not in the list", match[1], match[2])
		}
	}
	if len(Kinds) < 10 || len(Decisions) < 3 {
		t.Errorf("the lists are %v and %v", Kinds, Decisions)
	}
}

func TestQuotas(t *testing.T) {
	q, now := newQuotas(), time.Now()
	refused := Event{Kind: Login, Decision: Refused, Address: "192.0.2.1"}
	taken := 0
	for range 100 {
		if q.take("192.0.2.1", refused, now) {
			taken++
		}
	}
	if taken != 5 || !q.take("192.0.2.2", refused, now) || !q.take("192.0.2.1", Event{Kind: Login, Decision: Allowed}, now) {
		t.Errorf("%d lines of one address are written, or others are left out", taken)
	}
	if left := q.ended(now.Add(quotaFor - 1)); left != nil {
		t.Errorf("left out too early: %+v", left)
	}
	left := q.ended(now.Add(quotaFor))
	if len(left) != 1 || left[0].Count != 95 || left[0].Address != "192.0.2.1" || len(q.counts) > 0 {
		t.Errorf("left out: %+v; still counted: %d", left, len(q.counts))
	}
	taken = 0
	for i := range 10_000 {
		if q.take(fmt.Sprint(i), refused, now) {
			taken++
		}
	}
	if taken != 200 || len(q.counts) != 201 {
		t.Errorf("%d lines of many addresses, %d remembered", taken, len(q.counts))
	}
	if left := q.ended(time.Time{}); len(left) != 1 || left[0].Count != 9800 {
		t.Errorf("left out: %+v", left)
	}
}

func TestTrailAppliesQuotas(t *testing.T) {
	dir := t.TempDir()
	trail := begin(t, dir, usual)
	for range 9 {
		trail.NoteLimited("192.0.2.1", Event{Kind: Login, Decision: Refused})
	}
	trail.Close()
	trail = begin(t, dir, usual)
	defer trail.Close()
	events, _, err := trail.Read(Query{})
	if err != nil || len(events) != 6 || events[5].Count != 4 {
		t.Errorf("lines %+v, %v", events, err)
	}
}
