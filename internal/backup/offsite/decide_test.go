package offsite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/backup/bucket"
)

// objects reads a list of backups of November 2026, such as "w1 i2 x5": w for a full one, i
// for one that builds on the backup before it, x for one whose base is gone. The number is
// the day.
func objects(t *testing.T, text string) []bucket.Object {
	t.Helper()
	var all []bucket.Object
	for word := range strings.FieldsSeq(text) {
		var day int
		if _, err := fmt.Sscanf(word[1:], "%d", &day); err != nil {
			t.Fatal(err)
		}
		o := bucket.Object{ID: id(day)}
		switch word[0] {
		case 'i':
			o.Since = all[len(all)-1].ID
		case 'x':
			o.Since = "20261001T020000.000Z-00000000"
		}
		all = append(all, o)
	}
	return all
}

// id is the ID of the backup of a day, at two o'clock.
func id(day int) string { return at(day, 2).Format("20060102T150405.000Z") + fmt.Sprintf("-%08x", day) }

func at(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, time.UTC) }

// days lists the days of backups.
func days(objects []bucket.Object) string {
	var all []string
	for _, o := range objects {
		all = append(all, fmt.Sprint(o.Made().Day()))
	}
	return strings.Join(all, " ")
}

func schedule(t *testing.T, spec string) cron.Schedule {
	t.Helper()
	s, err := appfile.ParseSchedule(spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestDue(t *testing.T) {
	for name, test := range map[string]struct {
		objects, spec string
		now, want     time.Time
	}{
		"the first at once":                 {"", "@yearly", at(5, 9), at(5, 9)},
		"by the schedule":                   {"w4 i5", "0 2 * * *", at(5, 9), at(6, 2)},
		"one that was missed":               {"w4", "0 2 * * *", at(7, 9), at(5, 2)},
		"every few hours":                   {"w5", "@every 6h", at(5, 3), at(5, 6)},
		"not of a clock that was ahead":     {"w4 i5 w20", "0 2 * * *", at(6, 1), at(6, 2)},
		"at once, if all were of that":      {"w20", "0 2 * * *", at(6, 1), at(6, 1)},
		"in the server's time zone":         {"w4", "CRON_TZ=Asia/Tokyo 0 9 * * *", at(4, 9), at(5, 0)},
		"by a zone of the machine":          {"w4", "0 9 * * *", at(4, 9).In(time.FixedZone("east", 9*3600)), at(5, 0)},
		"after one that was made by hand":   {"w4 i5", "0 3 * * *", at(5, 2), at(5, 3)},
		"once, however often it was missed": {"w1", "0 2 * * *", at(28, 9), at(2, 2)},
	} {
		got, ever := due(objects(t, test.objects), schedule(t, test.spec), test.now)
		if !ever || !got.Equal(test.want) {
			t.Errorf("%s: %s, %t, want %s", name, got, ever, test.want)
		}
	}
	if at, ever := due(objects(t, "w4"), never{}, at(5, 9)); ever {
		t.Errorf("a schedule that has ended is due at %s", at)
	}
}

// TestOwn: what others put into the folder counts for nothing, whatever time it names.
func TestOwn(t *testing.T) {
	for name, test := range map[string]struct {
		objects string
		mine    []int // the days of those that the server knows to have made
		want    string
	}{
		"all are":                  {"w1 i2 w3", []int{1, 2, 3}, "1 2 3"},
		"one of now":               {"w1 i2 w10", []int{1, 2}, "1 2"},
		"one of the future":        {"w1 i2 w20", []int{1, 2}, "1 2"},
		"one between":              {"w1 w2 w3", []int{1, 3}, "1 3"},
		"older than what it knows": {"w1 w2 w3", []int{3}, "1 2 3"},
		"it knows none":            {"w1 w2 w20", nil, "1 2"},
		"its own of the future":    {"w1 w20", []int{1, 20}, "1 20"},
		"none":                     {"", []int{1}, ""},
	} {
		all, made := objects(t, test.objects), map[string]bool{}
		for _, day := range test.mine {
			made[id(day)] = true
		}
		ours, others := own(all, made, at(10, 1))
		if days(ours) != test.want || len(ours)+len(others) != len(all) {
			t.Errorf("%s: %q and %q, want %q", name, days(ours), days(others), test.want)
		}
	}
}

// never is a schedule that has ended.
type never struct{}

func (never) Next(time.Time) time.Time { return time.Time{} }

func TestNext(t *testing.T) {
	daily := schedule(t, "0 2 * * *")
	for name, test := range map[string]struct {
		known known
		want  time.Time
	}{
		"it has not looked yet":      {known{objects: objects(t, "w5")}, at(5, 9)},
		"it has":                     {known{looked: true, objects: objects(t, "w5")}, at(6, 2)},
		"the last failed":            {known{looked: true, failures: 1, failed: at(5, 9), err: errors.New("x")}, at(5, 9).Add(10 * time.Second)},
		"the last failed, not alone": {known{failures: 3, failed: at(5, 9)}, at(5, 9).Add(40 * time.Second)},
	} {
		if got, ever := test.known.next(daily, at(5, 9)); !ever || !got.Equal(test.want) {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

func TestBase(t *testing.T) {
	for name, test := range map[string]struct {
		objects    string
		increments int
		want       int // the day of the base; 0 for a full backup
	}{
		"the first":                     {"", 6, 0},
		"after a full one":              {"w1", 6, 1},
		"after an increment":            {"w1 i2 i3", 6, 3},
		"the last increment":            {"w1 i2 i3", 3, 3},
		"after as many as there may be": {"w1 i2 i3", 2, 0},
		"full ones alone":               {"w1", 0, 0},
		"after one that lacks its base": {"w1 x2", 6, 0},
		"not on one of the future":      {"w1 i2 w20", 6, 2},
		"after full ones":               {"w1 i2 w3", 1, 3},
	} {
		want := ""
		if test.want > 0 {
			want = id(test.want)
		}
		if got := base(objects(t, test.objects), test.increments, at(10, 9)); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestExpired(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		objects  string
		keepLast int
		keepFor  time.Duration
		want     string // the days, in the order of deletion
	}{
		"none":                          {"", 1, 0, ""},
		"the only one":                  {"w1", 1, 0, ""},
		"fewer than are kept":           {"w1 i2 w3", 3, 0, ""},
		"as many as are kept":           {"w1 i2 w3", 2, 0, ""},
		"older full ones, with theirs":  {"w1 i2 i3 w4 i5 w6 i7", 2, 0, "3 2 1"},
		"all but the last":              {"w1 i2 w3 w4", 1, 0, "3 2 1"},
		"at least one, whatever is set": {"w1 i2 w3", 0, 0, "2 1"},
		"none that is young":            {"w1 i2 w6 w7 w8", 1, 5 * day, "2 1"},
		"none that a young one needs":   {"w1 i2 i3 i4 w9", 1, 7 * day, ""},
		"old ones of the last ones":     {"w1 w2", 2, day, ""},
		"none of the future":            {"w1 w2 w20", 1, 0, "1"},
		"nor those that they need":      {"w1 i20 w2", 1, 0, ""},
		"the future counts for nothing": {"w1 w20 w21 w22", 1, 0, ""},
		"what lacks its base, with age": {"x1 w2 w3", 1, 0, "2 1"},
		"not what is younger":           {"w1 x2", 1, 0, ""},
	} {
		if got := days(expired(objects(t, test.objects), test.keepLast, test.keepFor, at(10, 9))); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestExpiredLeavesWhatIsNeeded tries many histories, with clocks that jump. After each
// deletion, every backup that is left and could be restored before can still be restored,
// and there is a full one.
func TestExpiredLeavesWhatIsNeeded(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var all []bucket.Object
		now := at(1, 0)
		for range 1 + random.IntN(30) {
			now = now.Add(time.Duration(random.IntN(100)-20) * time.Hour)
			o := bucket.Object{ID: now.Format("20060102T150405.000Z") + fmt.Sprintf("-%08x", random.Uint32())}
			if since := base(all, random.IntN(5), now); since < o.ID {
				o.Since = since
			}
			all = append(all, o)
			before := restorable(all)
			gone := expired(all, 1+random.IntN(3), time.Duration(random.IntN(200))*time.Hour, now)
			for _, old := range gone {
				all = without(all, old.ID)
				after := restorable(all)
				if len(after) != len(before)-1 || len(after) == 0 || before[o.ID] && !after[o.ID] {
					t.Fatalf("of %v, without %s: %v", all, old.ID, after)
				}
				before = after
			}
		}
	}
}

func restorable(all []bucket.Object) map[string]bool {
	can := map[string]bool{}
	for _, o := range all {
		if _, ok := bucket.Chain(all, o); ok {
			can[o.ID] = true
		}
	}
	return can
}

func without(all []bucket.Object, id string) []bucket.Object {
	var rest []bucket.Object
	for _, o := range all {
		if o.ID != id {
			rest = append(rest, o)
		}
	}
	return rest
}

func TestRetryAfter(t *testing.T) {
	for failures, want := range map[int]time.Duration{1: 10 * time.Second, 2: 20 * time.Second, 5: 160 * time.Second, 9: 2560 * time.Second, 10: time.Hour, 1000: time.Hour} {
		if got := retryAfter(failures); got != want {
			t.Errorf("after %d: %s, want %s", failures, got, want)
		}
	}
}
