package web

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/view"
)

// This file has the vigil: it asks for all streams at once whether their visitors may still
// have them, and once for those of one session. If each stream asked by itself, two hundred
// open pages would wake the server four hundred times a second to do nothing.

// vigil watches over streams, while there are any. The zero value watches over none.
type vigil struct {
	mu      sync.Mutex
	streams map[*stream]struct{}
	stop    func() // ends the rounds; nil: there are none
}

// watch has a stream watched over, until leave is called.
func (g *vigil) watch(s *stream) (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.streams == nil {
		g.streams = map[*stream]struct{}{}
	}
	g.streams[s] = struct{}{}
	if g.stop == nil {
		done := make(chan struct{})
		g.stop = func() { close(done) }
		go g.goRound(done)
	}
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.streams, s)
		if len(g.streams) == 0 && g.stop != nil {
			g.stop()
			g.stop = nil
		}
	}
}

func (g *vigil) goRound(done <-chan struct{}) {
	ticker := time.NewTicker(keyCheck)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			g.round()
		case <-done:
			return
		}
	}
}

// round looks at every stream once.
func (g *vigil) round() {
	g.mu.Lock()
	streams := slices.Collect(maps.Keys(g.streams))
	g.mu.Unlock()
	r := round{holders: map[holding]holder{}, sights: map[sight]bool{}}
	for _, s := range streams {
		s.alert(r.judge(s))
	}
}

// round has the answers of one round.
type round struct {
	holders map[holding]holder
	sights  map[sight]bool
}

// holding is a session, used from an address.
type holding struct {
	session *session
	from    netip.Addr
}

// holder is who has a session now; over says that nobody has it any more.
type holder struct {
	caller access.Caller
	over   bool
}

// sight is an app for the holder of a session.
type sight struct {
	holding
	app   name.App
	right access.Right
}

// judge returns an error if the stream's visitor has gone, or may not have it any more. If
// they may, the stream knows their rights of now.
func (r *round) judge(s *stream) error {
	select {
	case <-s.r.Context().Done():
		return errGone
	case <-s.door.work.ctx.Done():
		return errGone
	default:
	}
	has := r.holderOf(s)
	if has.over || !r.sees(s, has.caller) {
		return errGone
	}
	has.caller.Remote = s.caller.Remote
	s.holder.Store(&has.caller)
	return nil
}

// holderOf finds out who has the stream's session. A session whose key has ended is ended.
func (r *round) holderOf(s *stream) holder {
	if s.session == nil {
		return holder{caller: s.caller}
	}
	which := holding{s.session, s.from}
	if known, ok := r.holders[which]; ok {
		return known
	}
	var found holder
	select {
	case <-s.session.ended:
		found.over = true
	default:
		from := s.door.addressOf(s.r)
		op, err := s.door.identify(s.session, from)
		if err != nil {
			s.door.end(s.session, err.Error())
			found.over = true
		}
		found.caller = op.Caller(from)
		found.caller.Door = access.Web
	}
	r.holders[which] = found
	return found
}

// sees reports whether a caller may still see the app that the stream is about, if it is
// about one.
func (r *round) sees(s *stream, caller access.Caller) bool {
	if s.app.App == "" {
		return true
	}
	which := sight{holding{s.session, s.from}, s.app.App, s.right}
	if known, ok := r.sights[which]; ok {
		return known
	}
	status, seen := s.door.Apps.Seen(caller, s.app.App)
	seen = seen && s.door.Apps.Policy.Allows(caller, s.right, view.SubjectOf(status))
	r.sights[which] = seen
	return seen
}

// alert has the stream end with an error, or say that it is there if it was quiet for long.
func (s *stream) alert(why error) {
	if why == nil && time.Since(time.Unix(0, s.quiet.Load())) <= beat {
		return
	}
	select {
	case s.alarm <- why:
	default: // it is busy with what it was told before, or writes; the next round tells it again
	}
}

// heed does what an alarm asks for.
func (s *stream) heed(why error) error {
	if why != nil {
		return why
	}
	return s.comment()
}

// ipOf is an address without its port.
func ipOf(from net.Addr) netip.Addr {
	if tcp, ok := from.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}
