package argo

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/window"
)

// fewer writes the schedule of a window that begins more often in an hour than windows do here
// as one that begins once, and lasts until the last one is over. The window is active at the same
// times: "* 22 * * *" for 1h is "0 22 * * *" for 1h59m. It returns what it is given where it finds
// times between two of them at which the window is not active.
func fewer(schedule string, lasts time.Duration) (string, time.Duration) {
	fields := strings.Fields(schedule)
	if len(fields) != 5 {
		return schedule, lasts
	}
	begins, count := minutesOf(fields[0])
	if count <= window.MaxMinutes {
		return schedule, lasts
	}
	first, last := -1, -1
	for minute, is := range begins {
		switch {
		case !is:
			continue
		case first < 0:
			first = minute
		case time.Duration(minute-last)*time.Minute > lasts:
			return schedule, lasts
		}
		last = minute
	}
	fields[0] = strconv.Itoa(first)
	return strings.Join(fields, " "), lasts + time.Duration(last-first)*time.Minute
}

// minutesOf are the minutes that the first field of a schedule names, and their number; none where
// it is no such field.
func minutesOf(field string) (minutes [60]bool, count int) {
	for part := range strings.SplitSeq(field, ",") {
		span, every, stepped := strings.Cut(part, "/")
		from, to, ok := spanOf(span, stepped)
		step := 1
		if stepped {
			step, _ = strconv.Atoi(every)
		}
		if !ok || step < 1 {
			return [60]bool{}, 0
		}
		for minute := from; minute <= to; minute += step {
			minutes[minute] = true
		}
	}
	for _, is := range minutes {
		if is {
			count++
		}
	}
	return minutes, count
}

// spanOf are the first and the last minute of a part of a field; one that has a step, and no end,
// goes on to the end of the hour.
func spanOf(text string, stepped bool) (from, to int, ok bool) {
	if text == "*" {
		return 0, 59, true
	}
	first, last, ranged := strings.Cut(text, "-")
	from, err := strconv.Atoi(first)
	switch to = from; {
	case ranged && err == nil:
		to, err = strconv.Atoi(last)
	case stepped:
		to = 59
	}
	return from, to, err == nil && from >= 0 && from <= to && to < 60
}

// windowName is what a window of a project is called in messages.
func windowName(project string, number int) string {
	return strings.ToLower(fmt.Sprintf("%s-%d", project, number))
}
