package notify

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/pushboat/pushboat/internal/name"
)

// The journal is the outbox, and what is known to have been told: a file of changes, one on
// a line, each on disk before it counts. Whatever was decided and the messages that follow
// are one change, so that a server that is killed has both or neither. It is written anew, as
// one change, when it has grown.
const (
	journalFile = "journal"
	journalNext = "journal.new"
	maxJournal  = 4 << 20  // bytes beyond which it is written anew, if it has twice what it would have then
	maxLine     = 64 << 20 // bytes of one change
)

// Limits of the outbox.
const (
	maxQueued = 500            // messages to one receiver; of more, the oldest is dropped
	maxAge    = 24 * time.Hour // of a message from when it was due; an older one is dropped
)

// ref names a message.
type ref struct {
	Receiver string `json:"receiver"`
	ID       string `json:"id"`
}

// change is a line of the journal.
type change struct {
	Forget bool                   `json:"forget,omitempty"` // all that was before
	Begun  time.Time              `json:"begun,omitzero"`
	Apps   map[name.App]*appState `json:"apps,omitempty"` // nil: nothing is known of it any more
	Things map[string]*thingState `json:"things,omitempty"`
	Add    []*Message             `json:"add,omitempty"` // in place of one of the same name
	Done   []ref                  `json:"done,omitempty"`
}

func (c *change) isEmpty() bool {
	return !c.Forget && c.Begun.IsZero() && len(c.Apps)+len(c.Things)+len(c.Add)+len(c.Done) == 0
}

// ledger is what the journal says.
type ledger struct {
	begun  time.Time // zero: nobody was ever told anything
	apps   map[name.App]appState
	things map[string]*thingState
	queues map[string][]*Message // by receiver, oldest first
}

func newLedger() *ledger {
	return &ledger{apps: map[name.App]appState{}, things: map[string]*thingState{}, queues: map[string][]*Message{}}
}

// apply makes a change.
func (l *ledger) apply(c *change) {
	if c.Forget {
		*l = *newLedger()
	}
	if !c.Begun.IsZero() {
		l.begun = c.Begun
	}
	for app, state := range c.Apps {
		if state == nil {
			delete(l.apps, app)
			continue
		}
		l.apps[app] = *state
	}
	for thing, state := range c.Things {
		if state == nil {
			delete(l.things, thing)
			continue
		}
		l.things[thing] = state
	}
	for _, m := range c.Add {
		queue := l.queues[m.Receiver]
		if at := indexOf(queue, m.ID); at >= 0 {
			queue[at] = m
			continue
		}
		l.queues[m.Receiver] = append(queue, m)
	}
	for _, done := range c.Done {
		queue := l.queues[done.Receiver]
		if at := indexOf(queue, done.ID); at >= 0 {
			queue = slices.Delete(slices.Clone(queue), at, at+1)
		}
		if l.queues[done.Receiver] = queue; len(queue) == 0 {
			delete(l.queues, done.Receiver)
		}
	}
}

func indexOf(queue []*Message, id string) int {
	return slices.IndexFunc(queue, func(m *Message) bool { return m.ID == id })
}

// whole is the change that makes the ledger of nothing.
func (l *ledger) whole() *change {
	c := &change{Forget: true, Begun: l.begun, Apps: map[name.App]*appState{}, Things: l.things}
	for app, state := range l.apps {
		c.Apps[app] = &state
	}
	for _, queue := range l.queues {
		c.Add = append(c.Add, queue...)
	}
	return c
}

// journal is the file.
type journal struct {
	dir   string
	fence func() error // an error once another server has the data directory
	file  *os.File
	size  int64
	whole int64 // the size when it was last written anew
}

// errDamaged is of a line that is not as it was written.
var errDamaged = errors.New("a line is not as it was written")

// openJournal reads the journal of a folder, which is made if it is missing. What follows a
// damaged line is lost, and said in lost: a server that was killed leaves an incomplete last
// line, which counts as never written.
func openJournal(dir string, fence func() error) (j *journal, l *ledger, lost error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, nil, fmt.Errorf("make the outbox: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, journalFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("open the outbox: %w", err)
	}
	j, l = &journal{dir: dir, fence: fence, file: file}, newLedger()
	good, lost, err := readJournal(file, l)
	if err == nil {
		err = file.Truncate(good)
	}
	if err != nil {
		_ = file.Close()
		return nil, nil, nil, fmt.Errorf("open the outbox: %w", err)
	}
	j.size = good
	return j, l, lost, syncDir(dir)
}

// readJournal applies the lines of a journal, and returns how far they are good. The error
// lost is about a line that is not; err, about the disk.
func readJournal(in io.Reader, l *ledger) (good int64, lost, err error) {
	reader := bufio.NewReaderSize(in, 64<<10)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) { // the last line has no end, or there is none
			return good, nil, nil
		}
		if err != nil {
			return good, nil, err
		}
		c, err := parseLine(bytes.TrimSuffix(line, []byte("\n")))
		if err != nil {
			return good, err, nil
		}
		l.apply(c)
		good += int64(len(line))
	}
}

// sumDigits is the length of a line's checksum, in hexadecimal digits.
const sumDigits = 8

func parseLine(line []byte) (*change, error) {
	if len(line) < sumDigits+1 || len(line) > maxLine || line[sumDigits] != ' ' {
		return nil, errDamaged
	}
	sum, err := strconv.ParseUint(string(line[:sumDigits]), 16, 32)
	if text := line[sumDigits+1:]; err != nil || crc32.ChecksumIEEE(text) != uint32(sum) {
		return nil, errDamaged
	}
	c := &change{}
	if err := json.Unmarshal(line[sumDigits+1:], c); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return c, nil
}

func formatLine(c *change) ([]byte, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text), nil
}

// write puts a change on disk, and then makes it.
func (j *journal) write(l *ledger, c *change) error {
	if err := j.fence(); err != nil {
		return err
	}
	line, err := formatLine(c)
	if err != nil {
		return err
	}
	if _, err := j.file.WriteAt(line, j.size); err != nil {
		return errors.Join(fmt.Errorf("write the outbox: %w", err), j.file.Truncate(j.size))
	}
	if err := j.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("write the outbox: %w", err), j.file.Truncate(j.size))
	}
	j.size += int64(len(line))
	l.apply(c)
	if j.size > maxJournal && j.size > 2*j.whole {
		if err := j.rewrite(l); err != nil {
			j.whole = j.size // what is there is good; the next time is when it has grown again
		}
	}
	return nil
}

// rewrite writes the journal anew.
func (j *journal) rewrite(l *ledger) error {
	line, err := formatLine(l.whole())
	if err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(j.dir, journalNext), os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the outbox anew: %w", err)
	}
	_, err = file.Write(line)
	if err = errors.Join(err, file.Sync()); err == nil {
		err = os.Rename(filepath.Join(j.dir, journalNext), filepath.Join(j.dir, journalFile))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the outbox anew: %w", err), file.Close())
	}
	_ = j.file.Close() // all of it is in the new one
	j.file, j.size, j.whole = file, int64(len(line)), int64(len(line))
	return syncDir(j.dir)
}

func (j *journal) close() { _ = j.file.Close() } // nothing is unwritten

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
