package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// fleet sends the trail to each of its targets, by a ship of its own.
type fleet struct {
	trail *Trail

	mu    sync.Mutex
	ships map[Target]*ship
}

// Ship sends lines to the targets from now on, and to no others: each gets all that it
// does not have yet, from the oldest line that is kept.
func (t *Trail) Ship(targets []Target) { t.ships.configure(targets) }

func (f *fleet) configure(targets []Target) {
	f.mu.Lock()
	defer f.mu.Unlock()
	former := f.ships
	f.ships = map[Target]*ship{}
	for _, target := range targets {
		if s := former[target]; s != nil {
			f.ships[target] = s
			delete(former, target)
			continue
		}
		s := &ship{trail: f.trail, to: target, stop: make(chan struct{}), ended: make(chan struct{})}
		f.ships[target] = s
		go s.run()
	}
	for _, s := range former {
		close(s.stop)
	}
	for _, s := range former {
		<-s.ended
	}
}

// ship sends the trail to one target. It follows the files, so that nothing is lost while
// the target is away, and keeps in the trail's folder how far it is.
type ship struct {
	trail *Trail
	to    Target
	stop  chan struct{}
	ended chan struct{}

	sent    uint64 // the last line that the target has
	number  int    // of the file to go on with; 0: to be found
	offset  int64  // in it
	conn    net.Conn
	packets bool
	trouble atomic.Bool // of the last try, which is logged
}

// How long a ship waits after a failure: twice as long after each, within these.
const (
	leastWait = time.Second
	mostWait  = time.Minute
)

func (s *ship) run() {
	defer close(s.ended)
	defer s.hangUp()
	wait := leastWait
	for {
		now, more := s.trail.known()
		err := s.follow(now)
		s.log(err)
		var again <-chan time.Time
		if err != nil {
			s.hangUp()
			again, more = time.After(wait), nil
			wait = min(2*wait, mostWait)
		} else {
			wait = leastWait
		}
		select {
		case <-more:
		case <-again:
		case <-s.stop:
			return
		}
	}
}

func (s *ship) log(err error) {
	switch {
	case err != nil && !s.trouble.Load():
		s.trail.config.Log.Warnf("audit: %s gets no lines: %v; they are kept, and sent later", s.to, err)
	case err == nil && s.trouble.Load():
		s.trail.config.Log.Infof("audit: %s gets lines again", s.to)
	}
	s.trouble.Store(err != nil)
}

// follow sends what is on disk and the target does not have.
func (s *ship) follow(now state) error {
	if now.number == 0 {
		return nil // nothing is written yet
	}
	root, err := os.OpenRoot(folderOf(s.trail.config.Data))
	if err != nil {
		return err
	}
	defer root.Close()
	if s.number == 0 {
		if err := s.find(root); err != nil {
			return err
		}
	}
	for s.number <= now.number && !s.isStopped() {
		if err := s.sendFile(root, now); err != nil {
			return err
		}
		if s.number == now.number {
			break
		}
		s.number, s.offset = s.number+1, 0
	}
	return nil
}

func (s *ship) isStopped() bool {
	select {
	case <-s.stop:
		return true
	default:
		return false
	}
}

// find finds the file to begin with.
func (s *ship) find(root *os.Root) error {
	s.sent = readSent(root, s.to)
	numbers, err := listFiles(root)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if first, err := firstOf(root, number); s.number == 0 || err == nil && first.Seq <= s.sent+1 {
			s.number = number
		}
	}
	return nil
}

// sendFile sends the rest of a file, a part at a time. A file that is gone has none.
func (s *ship) sendFile(root *os.Root, now state) error {
	file, err := root.Open(fileName(s.number))
	if errors.Is(err, os.ErrNotExist) {
		s.trail.config.Log.Warnf("audit: %s was deleted before %s had it", fileName(s.number), s.to)
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	size := now.size
	if s.number != now.number {
		info, err := file.Stat()
		if err != nil {
			return err
		}
		size = info.Size()
	}
	for s.offset < size && !s.isStopped() {
		part := partOf(file, s.offset, size)
		if part.err != nil {
			return part.err
		}
		if err := s.send(part.lines); err != nil {
			return err
		}
		s.offset += part.size
		if err := writeSent(root, s.to, s.sent); err != nil {
			return err
		}
	}
	return nil
}

// send sends lines that the target does not have.
func (s *ship) send(lines []stored) error {
	var text []byte
	last := s.sent
	for _, line := range lines {
		if line.event.Seq <= s.sent {
			continue
		}
		last = line.event.Seq
		if s.to.scheme == "file" {
			text = append(append(text, line.text...), '\n')
			continue
		}
		if err := s.say(message(line.event, line.text, hostName(), os.Getpid())); err != nil {
			return err
		}
	}
	if len(text) > 0 {
		if err := appendTo(s.to.at, text); err != nil {
			return err
		}
	}
	s.sent = last
	return nil
}

// say sends a message of syslog.
func (s *ship) say(message []byte) (err error) {
	if s.conn == nil {
		if s.conn, s.packets, err = dialSyslog(s.to); err != nil {
			return err
		}
	}
	if !s.packets {
		message = framed(message)
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return err
	}
	_, err = s.conn.Write(message)
	return err
}

func (s *ship) hangUp() {
	if s.conn != nil {
		_ = s.conn.Close() // what was sent is sent
		s.conn = nil
	}
}

// appendTo appends to a file that others may move away.
func appendTo(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// sentFile is where it is kept how far a target is.
func sentFile(to Target) string {
	hash := sha256.Sum256([]byte(to.String()))
	return "sent-" + hex.EncodeToString(hash[:8])
}

// readSent returns the last line that a target has; 0 if it is not known.
func readSent(root *os.Root, to Target) uint64 {
	text, err := root.ReadFile(sentFile(to))
	if err != nil {
		return 0
	}
	sent, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		return 0
	}
	return sent
}

// writeSent keeps the last line that a target has, always at the same length.
func writeSent(root *os.Root, to Target, sent uint64) error {
	file, err := root.OpenFile(sentFile(to), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(file, "%20d\n", sent)
	return errors.Join(err, file.Close())
}
