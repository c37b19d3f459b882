package window

import (
	"strings"
	"testing"
	"time"

	"github.com/pushboat/pushboat/internal/form"
)

// read reads a window from a mapping on one line.
func read(t testing.TB, text string) (Window, *form.Reader) {
	t.Helper()
	r := &form.Reader{File: "windows.yaml"}
	root := r.Root([]byte(text))
	if root == nil {
		return Window{}, r
	}
	w, _ := Read(r, root.Line, r.Fields(root, "a window", Fields))
	return w, r
}

func parsed(t testing.TB, text string) Window {
	t.Helper()
	w, r := read(t, text)
	if len(r.Problems) > 0 {
		t.Fatalf("%s: %v", text, r.Problems)
	}
	return w
}

// at parses a time in UTC.
func at(t testing.TB, text string) time.Time {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return when
}

const (
	office = `{name: office, allow: {schedule: "0 9 * * 1-5", duration: 8h, timeZone: Europe/Berlin}}`
	lunch  = `{name: lunch, deny: {schedule: "0 12 * * *", duration: 1h, timeZone: Europe/Berlin}, reason: people eat}`
	feast  = `{name: feast, deny: {from: 2026-12-24, to: 2026-12-26, timeZone: Europe/Berlin}, whenClosed: wait, corrections: inWindow}`
)

// TestSetsAt tries every way in which windows of one author and of several are combined.
// 2026-12-01 is a Tuesday, and Berlin is one hour ahead of UTC.
func TestSetsAt(t *testing.T) {
	sunday := `{name: sunday, allow: {schedule: "0 0 * * 0", duration: 1d}}`
	for _, test := range []struct {
		name string
		sets [][]string
		at   string
		want string // "" if open
	}{
		{"no window", nil, "2026-12-01 10:00", ""},
		{"a set without windows", [][]string{{}}, "2026-12-01 10:00", ""},
		{"in a window that allows", [][]string{{office}}, "2026-12-01 08:00", ""},
		{"before it", [][]string{{office}}, "2026-12-01 07:59", "window office, which allows deploys, is not open"},
		{"at its end", [][]string{{office}}, "2026-12-01 16:00", "window office, which allows deploys, is not open"},
		{"in one of two", [][]string{{office, sunday}}, "2026-12-06 10:00", ""},
		{"in none of two", [][]string{{office, sunday}}, "2026-12-05 10:00", "no window that allows deploys is open: office, sunday"},
		{"in a window that denies", [][]string{{lunch}}, "2026-12-01 11:30", "window lunch (people eat) denies deploys"},
		{"after it", [][]string{{lunch}}, "2026-12-01 12:00", ""},
		{"denied within an allowed time", [][]string{{office, lunch}}, "2026-12-01 11:30", "window lunch (people eat) denies deploys"},
		{"denied and not allowed", [][]string{{office, feast}}, "2026-12-25 20:00", "window feast denies deploys; window office, which allows deploys, is not open"},
		{"two authors, one closed", [][]string{{office}, {sunday}}, "2026-12-01 10:00", "window sunday, which allows deploys, is not open"},
		{"one author cannot open for another", [][]string{{office}, {sunday}}, "2026-12-06 10:00", "window office, which allows deploys, is not open"},
		{"two authors, both open", [][]string{{office}, {lunch}}, "2026-12-01 10:00", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			verdict := sets(t, test.sets).At(at(t, test.at))
			if verdict.Why() != test.want || verdict.Open() != (test.want == "") {
				t.Errorf("open %v: %q, want %q", verdict.Open(), verdict.Why(), test.want)
			}
		})
	}
}

func sets(t testing.TB, texts [][]string) Sets {
	var all Sets
	for _, texts := range texts {
		var set Set
		for _, text := range texts {
			set = append(set, parsed(t, text))
		}
		all = append(all, set)
	}
	return all
}

// TestVerdictSettings: a push waits only if every closed window lets it wait, and drift is
// corrected only if every closed window allows it.
func TestVerdictSettings(t *testing.T) {
	lax := `{name: lax, allow: {schedule: "0 3 * * *", duration: 1h}, whenClosed: wait, corrections: inWindow}`
	always := `{name: always, allow: {schedule: "0 3 * * *", duration: 1h}}`
	for _, test := range []struct {
		name            string
		sets            [][]string
		waits, corrects bool
	}{
		{"open", nil, true, true},
		{"a window by default", [][]string{{lunch}}, false, true},
		{"one that waits", [][]string{{feast}}, true, false},
		{"both deny", [][]string{{feast, lunch}}, false, false},
		{"one of two that allow waits", [][]string{{always, lax}}, false, false},
		{"the only one that allows waits", [][]string{{lax}}, true, false},
		{"another author's does not", [][]string{{lax}, {lunch}}, false, false},
		{"one that is open does not count", [][]string{{always}, {office, lax}}, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			verdict := sets(t, test.sets).At(at(t, "2026-12-25 11:30"))
			if verdict.Waits() != test.waits || verdict.Corrects() != test.corrects {
				t.Errorf("pushes wait: %v, drift is corrected: %v", verdict.Waits(), verdict.Corrects())
			}
		})
	}
}

func TestNextOpen(t *testing.T) {
	always := `{name: new-year, deny: {from: 2026-12-31T22:00, to: 2027-01-01T06:00:00Z}}`
	past := `{name: past, allow: {from: 2020-01-01, to: 2020-01-02}}`
	for _, test := range []struct {
		name string
		sets [][]string
		at   string
		open string // "" for never
	}{
		{"no window", nil, "2026-12-01 10:00", "2026-12-01 10:00"},
		{"within", [][]string{{office}}, "2026-12-01 10:00", "2026-12-01 10:00"},
		{"over the weekend", [][]string{{office}}, "2026-12-04 16:00", "2026-12-07 08:00"},
		{"around a window that denies", [][]string{{office, lunch}}, "2026-12-01 09:00", "2026-12-01 09:00"},
		{"after it", [][]string{{office, lunch}}, "2026-12-01 11:20", "2026-12-01 12:00"},
		{"days of the calendar include the last", [][]string{{feast}}, "2026-12-24 00:00", "2026-12-26 23:00"},
		{"before them", [][]string{{feast}}, "2026-12-01 00:00", "2026-12-01 00:00"},
		{"after them", [][]string{{feast}}, "2026-12-27 00:00", "2026-12-27 00:00"},
		{"times of the calendar", [][]string{{always}}, "2026-12-31 23:00", "2027-01-01 06:00"},
		{"allowed once, long ago", [][]string{{past}}, "2026-12-01 00:00", ""},
		{"two authors who never agree", [][]string{{past}, {office}}, "2026-12-01 10:00", ""},
		{"one author after the other", [][]string{{office}, {lunch}}, "2026-12-01 11:00", "2026-12-01 12:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			all, now := sets(t, test.sets), at(t, test.at)
			open, opens := all.NextOpen(now)
			compareTime(t, "opens", open, opens, test.open)
		})
	}
}

func compareTime(t *testing.T, what string, got time.Time, ok bool, want string) {
	t.Helper()
	text := ""
	if ok {
		text = got.UTC().Format("2006-01-02 15:04")
	}
	if text != want {
		t.Errorf("%s %q, want %q", what, text, want)
	}
}

// stateUntil is when the state of a window may change next.
func stateUntil(w Window, t time.Time) time.Time {
	_, until := w.Times.state(t)
	return until
}

// TestClockChanges: times that the clocks skip, and times that they show twice. The wanted
// times are in UTC.
func TestClockChanges(t *testing.T) {
	for _, test := range []struct {
		name, zone, schedule, duration string
		from                           string // the first beginning after this time is wanted
		begins                         []string
		end                            string // of the first time
	}{
		{
			"Berlin skips 02:30", "Europe/Berlin", "30 2 * * *", "1h", "2026-03-28 00:00",
			[]string{"2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"},
			"2026-03-28 02:30",
		},
		{
			"Berlin skips several", "Europe/Berlin", "0,30 2 * * *", "10m", "2026-03-28 12:00",
			[]string{"2026-03-29 01:00", "2026-03-30 00:00"},
			"2026-03-29 01:10",
		},
		{
			"Berlin shows 02:30 twice", "Europe/Berlin", "30 2 * * *", "1h", "2026-10-24 12:00",
			[]string{"2026-10-25 00:30", "2026-10-26 01:30"},
			"2026-10-25 01:30",
		},
		{
			"Berlin, between the two", "Europe/Berlin", "30 2 * * *", "1h", "2026-10-25 01:00",
			[]string{"2026-10-26 01:30"},
			"2026-10-26 02:30",
		},
		{
			"Berlin, every hour of the long day", "Europe/Berlin", "0 * * * *", "30m", "2026-10-24 23:30",
			[]string{"2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00"},
			"2026-10-25 00:30",
		},
		{
			"Berlin, every hour of the short day", "Europe/Berlin", "15 * * * *", "30m", "2026-03-29 00:00",
			[]string{"2026-03-29 00:15", "2026-03-29 01:15"},
			"2026-03-29 00:45",
		},
		{
			"Berlin, a night that is an hour short", "Europe/Berlin", "0 22 * * 6", "10h", "2026-03-28 00:00",
			[]string{"2026-03-28 21:00"},
			"2026-03-29 07:00",
		},
		{
			"New York skips 02:00", "America/New_York", "0 2 * * *", "1h", "2026-03-07 12:00",
			[]string{"2026-03-08 07:00", "2026-03-09 06:00"},
			"2026-03-08 08:00",
		},
		{
			"New York shows 01:15 twice", "America/New_York", "15 1 * * *", "1h", "2026-10-31 12:00",
			[]string{"2026-11-01 05:15", "2026-11-02 06:15"},
			"2026-11-01 06:15",
		},
		{
			"Lord Howe skips half an hour", "Australia/Lord_Howe", "15 2 * * *", "1h", "2026-10-03 00:00",
			[]string{"2026-10-03 15:30", "2026-10-04 15:15"},
			"2026-10-03 16:30",
		},
		{
			"Lord Howe shows half an hour twice", "Australia/Lord_Howe", "45 1 * * *", "1h", "2026-04-04 00:00",
			[]string{"2026-04-04 14:45", "2026-04-05 15:15"},
			"2026-04-04 15:45",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := parsed(t, `{name: w, deny: {schedule: "`+test.schedule+`", duration: `+test.duration+`, timeZone: `+test.zone+`}}`)
			now := at(t, test.from)
			for i, want := range test.begins {
				now = w.Times.begins(now)
				if got := now.UTC().Format("2006-01-02 15:04"); got != want {
					t.Fatalf("the window begins at %s, want %s", got, want)
				}
				if w.Times.Active(now.Add(-time.Second)) || !w.Times.Active(now) {
					t.Errorf("the window is active: %v before its beginning, %v at it", w.Times.Active(now.Add(-time.Second)), w.Times.Active(now))
				}
				if end := stateUntil(w, now).UTC().Format("2006-01-02 15:04"); i == 0 && end != test.end {
					t.Errorf("the window ends at %s, want %s", end, test.end)
				}
			}
		})
	}
}

// TestDaysWithoutMidnight: a day that has no midnight, as once a year in Cairo, begins with
// its first moment.
func TestDaysWithoutMidnight(t *testing.T) {
	w := parsed(t, `{name: w, deny: {from: 2026-04-24, to: 2026-04-24, timeZone: Africa/Cairo}}`)
	if from := w.Times.From.UTC().Format("2006-01-02 15:04"); from != "2026-04-23 22:00" {
		t.Errorf("the day begins at %s", from)
	}
	if lasts := w.Times.To.Sub(w.Times.From); lasts != 23*time.Hour {
		t.Errorf("the day lasts %s", lasts)
	}
}

func TestProblems(t *testing.T) {
	times := func(text string) string { return "{name: w, deny: {" + text + "}}" }
	for name, test := range map[string]struct{ text, want, hint string }{
		"no name":                  {"{deny: {from: 2026-01-01, to: 2026-01-02}}", "the window has no name", "name: freeze"},
		"a name that is none":      {"{name: A B, deny: {from: 2026-01-01, to: 2026-01-02}}", `name: "A B" is not a name`, "small letters"},
		"a name that is a list":    {"{name: [a], deny: {from: 2026-01-01, to: 2026-01-02}}", "name is a list", ""},
		"a long name":              {"{name: " + strings.Repeat("a", 64) + ", deny: {from: 2026-01-01, to: 2026-01-02}}", "is not a name", ""},
		"neither":                  {"{name: w}", "neither allows nor denies", "allow: {schedule"},
		"both":                     {"{name: w, allow: {from: 2026-01-01, to: 2026-01-02}, deny: {from: 2026-01-01, to: 2026-01-02}}", "not both", "two windows"},
		"times that are text":      {"{name: w, deny: always}", `deny is "always", not a mapping`, "known fields"},
		"no times":                 {times(""), "deny has to say when", "deny: {from:"},
		"half a schedule":          {times(`schedule: "0 9 * * *"`), "deny has to say when", "duration"},
		"half of dates":            {times("from: 2026-01-01"), "deny has to say when", ""},
		"schedule and dates":       {times(`schedule: "0 9 * * *", duration: 1h, from: 2026-01-01, to: 2026-01-02`), "deny has to say when", ""},
		"an unknown field":         {times(`cron: "0 9 * * *", duration: 1h`), `unknown field "cron" in deny`, ""},
		"an unknown zone":          {times(`schedule: "0 9 * * *", duration: 1h, timeZone: Europe/Berlim`), `"Europe/Berlim" is not a time zone`, "IANA"},
		"the machine's zone":       {times(`schedule: "0 9 * * *", duration: 1h, timeZone: Local`), `"Local" is not a time zone`, ""},
		"a path as a zone":         {times(`schedule: "0 9 * * *", duration: 1h, timeZone: ../etc/passwd`), `is not a time zone`, ""},
		"a schedule of four":       {times(`schedule: "0 9 * *", duration: 1h`), "schedule:", "weekday"},
		"a schedule of six":        {times(`schedule: "0 0 9 * * *", duration: 1h`), "schedule:", ""},
		"a word":                   {times(`schedule: "@daily", duration: 1h`), "schedule:", ""},
		"a zone in the schedule":   {times(`schedule: "TZ=UTC 0 9 * * *", duration: 1h`), "has a time zone in front", ""},
		"a long schedule":          {times(`schedule: "` + strings.Repeat("0", 201) + `", duration: 1h`), "is longer than 200 bytes", ""},
		"a schedule never":         {times(`schedule: "0 0 30 2 *", duration: 1h`), "never comes", ""},
		"every minute":             {times(`schedule: "* * * * *", duration: 1d`), "more often than 4 times an hour", ""},
		"a schedule that is a map": {times(`schedule: {a: 1}, duration: 1h`), "schedule is a mapping", ""},
		"no duration":              {times(`schedule: "0 9 * * *", duration: long`), `duration: "long" is not a duration`, "1h30m"},
		"no days":                  {times(`schedule: "0 9 * * *", duration: xd`), `duration: "xd" is not a duration`, ""},
		"a duration too short":     {times(`schedule: "0 9 * * *", duration: 59s`), "is not between", ""},
		"a duration too long":      {times(`schedule: "0 9 * * *", duration: 32d`), "is not between 1m0s and 31 days", ""},
		"a duration below zero":    {times(`schedule: "0 9 * * *", duration: -1h`), "is not between", ""},
		"never over":               {times(`schedule: "0 * * * *", duration: 1h`), "window w is never over", "shorten"},
		"never over by long times": {times(`schedule: "0 0 1,15 * *", duration: 31d`), "window w is never over", ""},
		"a date that is none":      {times("from: 2026-02-30, to: 2026-03-02"), `from: "2026-02-30" is not a day or time`, "2026-12-24T18:00"},
		"an end before":            {times("from: 2026-01-02, to: 2026-01-01"), "ends before it begins", "later day"},
		"dates of years":           {times("from: 2026-01-02, to: 2028-01-01"), "longer than a year", ""},
		"another end":              {"{name: w, whenClosed: hold, deny: {from: 2026-01-01, to: 2026-01-02}}", `whenClosed: "hold" is not known`, "refuse or wait"},
		"other corrections":        {"{name: w, corrections: inwindow, deny: {from: 2026-01-01, to: 2026-01-02}}", `corrections: "inwindow" is not known`, "did you mean inWindow?"},
		"an empty reason":          {"{name: w, reason: ' ', deny: {from: 2026-01-01, to: 2026-01-02}}", "reason is empty", ""},
		"a reason of lines":        {`{name: w, reason: "a\nb", deny: {from: 2026-01-01, to: 2026-01-02}}`, "no text of one line", ""},
		"a reason that is long":    {"{name: w, reason: " + strings.Repeat("a", 201) + ", deny: {from: 2026-01-01, to: 2026-01-02}}", "longer than 200 bytes", ""},
		"a reason that is a list":  {"{name: w, reason: [], deny: {from: 2026-01-01, to: 2026-01-02}}", "reason is a list", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, r := read(t, test.text)
			if len(r.Problems) == 0 {
				t.Fatal("the window is accepted")
			}
			first := r.Problems[0]
			if !strings.Contains(first.Error(), "windows.yaml:1: ") || !strings.Contains(first.Error(), test.want) || !strings.Contains(first.Hint, test.hint) {
				t.Errorf("got %q, hint %q; want %q, hint %q", first.Error(), first.Hint, test.want, test.hint)
			}
		})
	}
}

func TestWords(t *testing.T) {
	berlin := parsed(t, office).Times.Location()
	for _, test := range []struct{ got, want string }{
		{Moment(at(t, "2026-12-01 08:00"), berlin), "Tue 2026-12-01 09:00 CET (08:00 UTC)"},
		{Moment(at(t, "2026-12-01 23:30"), berlin), "Wed 2026-12-02 00:30 CET (Tue 23:30 UTC)"},
		{Moment(at(t, "2026-12-01 08:00"), time.UTC), "Tue 2026-12-01 08:00 UTC"},
		{HowLong(51*time.Hour + 5*time.Minute), "2d 3h"},
		{HowLong(2 * time.Hour), "2h"},
		{HowLong(90 * time.Second), "1m 30s"},
		{HowLong(3 * time.Millisecond), "1s"},
		{parsed(t, office).Text(), `allows deploys at "0 9 * * 1-5" for 8h, Europe/Berlin`},
		{parsed(t, `{name: w, deny: {from: 2026-12-24, to: 2026-12-26}}`).Text(), "denies deploys from Thu 2026-12-24 00:00 UTC to Sun 2026-12-27 00:00 UTC"},
		{sets(t, [][]string{{feast, lunch}}).At(at(t, "2026-12-25 11:30")).Names(), "feast, lunch"},
		{Sets{}.At(at(t, "2026-12-25 11:30")).Location().String(), "UTC"},
		{sets(t, [][]string{{feast}}).At(at(t, "2026-12-25 11:30")).Location().String(), "Europe/Berlin"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

// FuzzTimes checks that the next time of a change agrees with the state at each time before
// it, whatever the schedule, the duration, the zone and the time are.
func FuzzTimes(f *testing.F) {
	f.Add("30 2 * * *", int64(3600), "Europe/Berlin", int64(1774747800), true)
	f.Add("0 * * * *", int64(1800), "Australia/Lord_Howe", int64(1775313000), false)
	f.Add("15,45 1 * 3,11 *", int64(86400*3), "America/New_York", int64(1793509200), true)
	f.Fuzz(func(t *testing.T, schedule string, seconds int64, zone string, unix int64, allow bool) {
		location, err := time.LoadLocation(zone)
		if err != nil || zone == "Local" || unix < 0 || unix > 1<<32 || seconds < 60 || seconds > int64(MaxDuration/time.Second) {
			t.Skip()
		}
		compiled, err := parseSchedule(schedule, location)
		if err != nil {
			t.Skip()
		}
		w := Window{Name: "w", Kind: Deny, Times: Times{Schedule: schedule, Duration: time.Duration(seconds) * time.Second, zone: location, cron: compiled}}
		if allow {
			w.Kind = Allow
		}
		all, now := Sets{{w}}, time.Unix(unix, 0)
		next, ok := all.NextOpen(now)
		if !ok {
			return
		}
		if !all.At(next).Open() || next.Before(now) {
			t.Fatalf("the window is not open at %v, or that is before %v", next, now)
		}
		for n := range time.Duration(40) {
			if between := now.Add(next.Sub(now) / 40 * n); between.Before(next) && all.At(between).Open() {
				t.Fatalf("the window is open at %v, before %v", between, next)
			}
		}
	})
}
