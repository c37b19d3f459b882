package window

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pushboat/pushboat/internal/form"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Limits of a window's words.
const (
	MaxWindows = 200 // of one file
	maxName    = 63  // bytes
	maxReason  = 200 // bytes
)

// Fields are the fields of a window that Read reads.
var Fields = []string{"name", "reason", "allow", "deny", "whenClosed", "corrections"}

// timesFields are the fields under allow and deny.
var timesFields = []string{"schedule", "duration", "timeZone", "from", "to"}

// Hints for whoever wrote a window in another way.
const (
	hintTimes    = `write allow: {schedule: "0 9 * * 1-5", duration: 8h, timeZone: Europe/Berlin}`
	hintDuration = "write hours and minutes, 8h or 1h30m, or days: 2d"
	hintDay      = "write a day, 2026-12-24, or a time, 2026-12-24T18:00"
)

// Read reads a window from the fields of a mapping on a line. ok is false if it has a
// problem, which the reader has then.
func Read(r *form.Reader, line int, fields map[string]form.Field) (w Window, ok bool) {
	before := len(r.Problems)
	w = Window{At: manifest.Source{File: r.File, Line: line}, WhenClosed: Refuse, Corrections: Always}
	w.Name = readName(r, line, fields)
	if f, given := fields["reason"]; given {
		w.Reason = readReason(r, f)
	}
	if f, given := fields["whenClosed"]; given {
		w.WhenClosed, _ = r.OneOf(f, Refuse, Wait)
	}
	if f, given := fields["corrections"]; given {
		w.Corrections, _ = r.OneOf(f, Always, InWindow)
	}
	allow, allows := fields[string(Allow)]
	deny, denies := fields[string(Deny)]
	switch {
	case allows && denies:
		r.Add(deny.Line, "a window allows or denies, not both", "write two windows")
	case allows:
		w.Kind, w.Times = Allow, readTimes(r, allow)
	case denies:
		w.Kind, w.Times = Deny, readTimes(r, deny)
	default:
		r.Add(line, "the window neither allows nor denies", hintTimes)
	}
	if len(r.Problems) > before {
		return w, false
	}
	if !w.Times.Ends() {
		r.Add(line, fmt.Sprintf("window %s is never over: it comes again before it ends", w.Name), "shorten its duration")
		return w, false
	}
	return w, true
}

// Ends reports whether the window is over at some time after it has begun. A year of any
// schedule is like the next.
func (w Times) Ends() bool {
	if w.cron == nil {
		return true
	}
	begun := w.begins(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	_, ends := Sets{{{Kind: Deny, Times: w}}}.NextOpen(begun)
	return ends
}

var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

func readName(r *form.Reader, line int, fields map[string]form.Field) string {
	f, given := fields["name"]
	if !given {
		r.Add(line, "the window has no name", "add name: freeze; messages call it so")
		return ""
	}
	name, ok := r.Text(f)
	if ok && (len(name) > maxName || !nameForm.MatchString(name)) {
		r.Add(f.Line, fmt.Sprintf("name: %q is not a name", name), fmt.Sprintf("use at most %d small letters, digits and dashes", maxName))
	}
	return name
}

func readReason(r *form.Reader, f form.Field) string {
	text, ok := r.Text(f)
	if !ok {
		return ""
	}
	if err := CheckReason(text); err != nil {
		r.Add(f.Line, "reason "+err.Error(), "say in one line why deploys are closed")
	}
	return text
}

// CheckReason is an error if a reason that somebody gives is empty, too long, or more than a
// line. It reads on from a word for the reason.
func CheckReason(text string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return fmt.Errorf("is empty")
	case len(text) > maxReason:
		return fmt.Errorf("is longer than %d bytes", maxReason)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsGraphic(c) }):
		return fmt.Errorf("has a character that is no text of one line")
	}
	return nil
}

// ReadTimes reads times that stand by themselves, without a window. ok is false if they have a
// problem, which the reader has then.
func ReadTimes(r *form.Reader, f form.Field) (times Times, ok bool) {
	before := len(r.Problems)
	times = readTimes(r, f)
	if len(r.Problems) == before && !times.Ends() {
		r.Add(f.Line, f.Name+" is never over: it comes again before it ends", "shorten its duration")
	}
	return times, len(r.Problems) == before
}

func readTimes(r *form.Reader, f form.Field) Times {
	w := Times{zone: time.UTC, Zone: "UTC"}
	given := r.Fields(f.Value, f.Name, timesFields)
	if given == nil {
		return w
	}
	if zone, ok := given["timeZone"]; ok {
		readZone(r, zone, &w)
	}
	schedule, scheduled := given["schedule"]
	duration, lasting := given["duration"]
	from, starts := given["from"]
	to, stops := given["to"]
	switch {
	case scheduled && lasting && !starts && !stops:
		readSchedule(r, schedule, duration, &w)
	case starts && stops && !scheduled && !lasting:
		readDates(r, from, to, &w)
	default:
		r.Add(f.Line, f.Name+" has to say when: by a schedule and a duration, or from when to when", hintTimes+"\nor "+f.Name+": {from: 2026-12-24, to: 2026-12-27}")
	}
	return w
}

func readZone(r *form.Reader, f form.Field, w *Times) {
	text, ok := r.Text(f)
	if !ok {
		return
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		r.Add(f.Line, fmt.Sprintf("timeZone: %q is not a time zone", text), "write a name of the IANA database: Europe/Berlin, UTC")
		return
	}
	w.Zone, w.zone = text, zone
}

func readSchedule(r *form.Reader, schedule, duration form.Field, w *Times) {
	if text, ok := r.Text(schedule); ok {
		parsed, err := parseSchedule(text, w.zone)
		if err != nil {
			r.Add(schedule.Line, fmt.Sprintf("schedule: %q %v", text, err), `write minute, hour, day, month and weekday: "0 9 * * 1-5"`)
		}
		w.Schedule, w.cron = text, parsed
	}
	text, ok := r.Text(duration)
	if !ok {
		return
	}
	lasts, err := parseDuration(text)
	switch {
	case err != nil:
		r.Add(duration.Line, fmt.Sprintf("duration: %q is not a duration", text), hintDuration)
	case lasts < MinDuration || lasts > MaxDuration:
		r.Add(duration.Line, fmt.Sprintf("duration: %s is not between %s and %d days", text, MinDuration, MaxDuration/(24*time.Hour)), hintDuration)
	}
	w.Duration = lasts
}

// parseDuration reads a duration in days, or as Go writes it.
func parseDuration(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

func readDates(r *form.Reader, from, to form.Field, w *Times) {
	before := len(r.Problems)
	w.From, w.To = readDate(r, from, w.zone, false), readDate(r, to, w.zone, true)
	switch {
	case len(r.Problems) > before:
	case !w.From.Before(w.To):
		r.Add(to.Line, "the window ends before it begins", "give a later day under to")
	case w.To.Sub(w.From) > maxDates:
		r.Add(to.Line, "the window is longer than a year", "give an earlier day under to")
	}
}

// dateForms are the forms of a time in the window's zone, or in one of its own.
var dateForms = []string{"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05"}

// readDate reads a day or a time. A day is its beginning or, as an end, the beginning of the
// next.
func readDate(r *form.Reader, f form.Field, zone *time.Location, end bool) time.Time {
	text, ok := r.Text(f)
	if !ok {
		return time.Time{}
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			day = day.AddDate(0, 0, 1)
		}
		return instant(day, zone)
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at
	}
	for _, layout := range dateForms {
		if wall, err := time.Parse(layout, text); err == nil {
			return instant(wall, zone)
		}
	}
	r.Add(f.Line, fmt.Sprintf("%s: %q is not a day or time", f.Name, text), hintDay)
	return time.Time{}
}
