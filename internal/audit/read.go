package audit

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"
)

// Query selects lines. Its zero value selects all.
type Query struct {
	Since      time.Time
	Until      time.Time // the first moment that is not meant; zero: there is none
	Before     uint64    // only lines with a lower number; 0: all
	Kind       Kind
	Decision   Decision
	Operator   string
	App        string
	Repository string // with App and Ref: pushes to that branch are the app's, too
	Ref        string
	Most       int // the newest so many; 0: all
}

// matches reports whether the query selects an event.
func (q Query) matches(e Event) bool {
	switch {
	case e.Time.Before(q.Since), !q.Until.IsZero() && !e.Time.Before(q.Until), q.Before > 0 && e.Seq >= q.Before:
		return false
	case q.Kind != "" && e.Kind != q.Kind, q.Decision != "" && e.Decision != q.Decision:
		return false
	case q.Operator != "" && e.Operator != q.Operator:
		return false
	case q.App == "":
		return q.Repository == "" || e.Repository == q.Repository
	}
	return e.App == q.App || e.Kind == Push && e.Repository == q.Repository && e.Ref == q.Ref && q.Ref != ""
}

// Read returns the lines that a query selects, oldest first, and how many lines could not
// be read: Verify says more about those.
func (t *Trail) Read(q Query) (events []Event, unread int, err error) {
	now, err := t.settle()
	if err != nil {
		return nil, 0, err
	}
	root, err := os.OpenRoot(folderOf(t.config.Data))
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	numbers, err := listFiles(root)
	if err != nil {
		return nil, 0, err
	}
	for _, number := range slices.Backward(numbers) {
		if q.Most > 0 && len(events) >= q.Most {
			break
		}
		found, bad, older, err := readFile(root, number, now, q)
		if err != nil {
			return nil, 0, err
		}
		events, unread = append(found, events...), unread+bad
		if older {
			break
		}
	}
	if q.Most > 0 && len(events) > q.Most {
		events = events[len(events)-q.Most:]
	}
	return events, unread, nil
}

// readFile selects lines of one file. older says that it has some from before the time
// that the query begins at.
func readFile(root *os.Root, number int, now state, q Query) (found []Event, unread int, older bool, err error) {
	err = eachStored(root, number, now, func(_ int, line []byte) error {
		e, err := decode(line)
		switch {
		case err != nil:
			unread++
		case q.matches(e):
			found = append(found, e)
			if q.Most > 0 && len(found) >= 2*q.Most {
				found = append(found[:0], found[q.Most:]...)
			}
		case e.Time.Before(q.Since):
			older = true
		}
		return nil
	})
	return found, unread, older, err
}

// eachStored calls take with the lines of a file that are on disk. A file that has been
// deleted meanwhile has none.
func eachStored(root *os.Root, number int, now state, take func(number int, line []byte) error) error {
	file, err := root.Open(fileName(number))
	if errors.Is(err, fs.ErrNotExist) || number > now.number {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	var from io.Reader = file
	if number == now.number {
		from = io.LimitReader(file, now.size)
	}
	torn, err := eachLine(from, take)
	if err == nil && torn > 0 {
		err = take(0, nil) // which is none
	}
	return err
}
