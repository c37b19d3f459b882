package push

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/manifest"
)

// gateQuiet is how long a pusher may see nothing while the gate works: 5 s, less the way.
const gateQuiet = 4500 * time.Millisecond

// patience is a pusher's output while the gate works. Whenever it was quiet for gateQuiet, a
// line says what the gate does. Use newPatience.
type patience struct {
	to    io.Writer
	began time.Time

	mu    sync.Mutex
	doing string
	spoke time.Time
	whole bool // the last line is finished
	ended bool
	timer *time.Timer // runs beat
}

func newPatience(to io.Writer, doing string) *patience {
	now := time.Now()
	p := &patience{to: to, began: now, doing: doing, spoke: now, whole: true}
	p.mu.Lock() // beat reads the timer
	defer p.mu.Unlock()
	p.timer = time.AfterFunc(gateQuiet, p.beat)
	return p
}

// Write writes to the pusher.
func (p *patience) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoke = time.Now()
	if len(text) > 0 {
		p.whole = text[len(text)-1] == '\n'
	}
	return p.to.Write(text)
}

// does says what the gate does from now on.
func (p *patience) does(doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing = doing
}

// end returns when no further line comes but by Write.
func (p *patience) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.timer.Stop()
}

// beat writes a line if it was quiet for long, and schedules itself again.
func (p *patience) beat() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return
	}
	now := time.Now()
	quiet := now.Sub(p.spoke)
	if quiet >= gateQuiet {
		if p.whole {
			fmt.Fprintf(p.to, "%s: %s so far\n", p.doing, manifest.Waited(now.Sub(p.began)))
		}
		p.spoke, quiet = now, 0
	}
	p.timer.Reset(gateQuiet - quiet)
}
