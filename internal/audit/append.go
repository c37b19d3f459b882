package audit

import (
	"errors"
	"time"
)

// errStranger is of a file that is not as it was left: somebody else has changed it.
var errStranger = errors.New("somebody else has changed the newest file of the trail")

// append writes events as the next lines, and returns when they are on disk. With an
// error, the file is as before.
func (o *opened) append(events []Event, limits Limits) error {
	info, err := o.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != o.size {
		return errStranger
	}
	at, text := o.head.mark, []byte(nil)
	for _, e := range events {
		line, hash, err := encode(e, at.Seq+1, at.Hash)
		if err != nil {
			return err
		}
		at, text = mark{at.Seq + 1, hash}, append(text, line...)
	}
	if o.size > 0 && o.size+int64(len(text)) > limits.Size {
		if err := o.begin(o.number + 1); err != nil {
			return err
		}
	}
	if err := o.store(text); err != nil {
		return err
	}
	o.size += int64(len(text))
	o.head.mark = at
	return nil
}

// store writes bytes to the file and the disk, or none.
func (o *opened) store(text []byte) error {
	_, err := o.file.Write(text)
	if err == nil {
		err = o.file.Sync()
	}
	if err != nil {
		return errors.Join(err, o.file.Truncate(o.size))
	}
	return nil
}

// stamped gives events the time of their writing, unless they have one.
func stamped(events []Event, now time.Time) []Event {
	for i := range events {
		if events[i].Time.IsZero() {
			events[i].Time = now
		}
	}
	return events
}
