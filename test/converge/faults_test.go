package converge

import (
	"syscall"
	"time"
)

// fault is something that goes wrong.
type fault struct {
	name        string
	alone, pair int                 // how often it happens while one server runs, and while two do; 0: never
	may         func(s *storm) bool // whether it may happen now
	do          func(s *storm) error
	over        func(s *storm, since time.Time) bool // whether it has lasted long enough; nil: it is over at once
	undo        func(s *storm) error                 // nil: there is nothing to undo
}

// faults are all faults that may happen. Only one of those that make a standby take over
// happens at a time; the others may happen at the same time.
var faults = []fault{
	{name: "kill the server", alone: 16, may: isSteady, do: killLeader},
	{name: "kill the leader", pair: 12, may: isPaired, do: partLeader(killed, killProcess), over: anotherLeads, undo: letGo},
	{name: "kill the standby", pair: 6, may: isPaired, do: killStandby},
	{name: "freeze the leader until another one leads", pair: 14, may: isPaired, do: partLeader(parted, freezeProcess), over: anotherLeads, undo: thaw},
	{name: "cut the leader off until another one leads", pair: 6, may: isPaired, do: partLeader(parted, cutOff), over: anotherLeads, undo: reconnect},
	{name: "freeze the server for a moment", alone: 7, pair: 5, may: isSteady, do: freezeLeader, over: moment, undo: thaw},
	{name: "cut the server off for a moment", alone: 6, pair: 4, may: isSteady, do: cutLeader, over: moment, undo: reconnect},
	{name: "stop the server", alone: 7, pair: 5, may: isSteady, do: stopLeader},
	{name: "drain the server", alone: 3, pair: 6, may: isSteady, do: drainLeader},
	{name: "kill the API server", alone: 5, pair: 4, may: hasAPIRested, do: killAPI},
	{name: "restart the API server", alone: 3, pair: 3, may: hasAPIRested, do: restartAPI},
	{name: "fill the disk", alone: 7, pair: 5, may: hasRoom, do: fillDisk, over: moment, undo: freeDisk},
	{name: "kill a client", alone: 6, pair: 5, do: killWriter},
	{name: "cut all clients off", alone: 4, pair: 4, do: cutClients},
	{name: "take a backup", alone: 9, pair: 9, may: isNotBackingUp, do: takeBackup},
}

// momentMost bounds the faults that last a moment: it is too short for a server to lose its
// lease.
const momentMost = 3 * time.Second

func moment(s *storm, since time.Time) bool { return time.Since(since) >= s.length }

func anotherLeads(s *storm, _ time.Time) bool {
	leader := s.fleet.serving()
	return leader != nil && leader != s.struck
}

// isSteady reports whether a server serves, and no fault affects a server.
func isSteady(s *storm) bool { return s.struck == nil && s.fleet.untouched() != nil }

// isPaired is isSteady, with another server that stands by.
func isPaired(s *storm) bool { return isSteady(s) && s.fleet.waiting() != nil }

// hasRoom reports whether there is a disk that can be filled, and is not full.
func hasRoom(s *storm) bool { return s.disk != nil && !s.full }

func isNotBackingUp(s *storm) bool { return !s.isBackingUp() }

func killProcess(r *run) error   { return r.process.Signal(syscall.SIGKILL) }
func freezeProcess(r *run) error { return r.process.Signal(syscall.SIGSTOP) }

func cutOff(r *run) error {
	r.at.line.Off()
	return nil
}

// strike does something to the server that serves. Nothing else is done to a server until
// that is undone.
func (s *storm) strike(why cause, does func(*run) error) error {
	s.struck = s.fleet.untouched()
	if s.struck == nil { // the server has ended by itself since
		return nil
	}
	return s.fleet.strike(s.struck, why, func() error { return does(s.struck) })
}

// partLeader does something to the leader that makes another server take the leader's
// place.
func partLeader(why cause, does func(*run) error) func(*storm) error {
	return func(s *storm) error { return s.strike(why, does) }
}

// once does something to the server that serves which needs no undoing.
func (s *storm) once(why cause, does func(*run) error) error {
	err := s.strike(why, does)
	s.struck = nil
	return err
}

func killLeader(s *storm) error { return s.once(killed, killProcess) }

func freezeLeader(s *storm) error { return s.strike(none, freezeProcess) }

func cutLeader(s *storm) error { return s.strike(none, cutOff) }

func stopLeader(s *storm) error {
	return s.once(asked, func(r *run) error { return r.process.Signal(syscall.SIGTERM) })
}

// drainLeader asks the leader for a drain. The client may not get the answer.
func drainLeader(s *storm) error {
	return s.once(asked, func(*run) error {
		_, _ = s.ssh("drain")
		return nil
	})
}

// letGo allows further faults of the server that serves now.
func letGo(s *storm) error {
	s.struck = nil
	return nil
}

// thaw lets a frozen server continue, unless it was killed or has ended.
func thaw(s *storm) error {
	r := s.struck
	s.struck = nil
	if r == nil || !r.process.Running() {
		return nil
	}
	return r.process.Signal(syscall.SIGCONT)
}

func reconnect(s *storm) error {
	r := s.struck
	s.struck = nil
	if r == nil {
		return nil
	}
	return r.at.line.On()
}

func killStandby(s *storm) error {
	r := s.fleet.waiting()
	if r == nil {
		return nil
	}
	return s.fleet.strike(r, killed, func() error { return killProcess(r) })
}

// apiRests is the number of faults after a fault of the API server until the next one: the
// API server takes long to start, and no push is accepted meanwhile.
const apiRests = 12

func hasAPIRested(s *storm) bool { return s.step-s.apiAt > apiRests }

func killAPI(s *storm) error {
	s.cluster.Kill()
	return s.startAPI()
}

func restartAPI(s *storm) error {
	if err := s.cluster.Stop(); err != nil {
		return err
	}
	return s.startAPI()
}

func fillDisk(s *storm) error {
	s.full = true
	return s.disk.Fill()
}

func freeDisk(s *storm) error {
	s.full = false
	return s.disk.Free()
}

func killWriter(s *storm) error {
	_ = pick(s.world, s.writers).kill() // the writer's push may have ended
	return nil
}

func cutClients(s *storm) error { return s.fleet.front.Cut() }

func takeBackup(s *storm) error {
	kind := backupKind{ssh: s.rand.IntN(2) == 0, started: s.rand.IntN(4) == 0}
	s.backingUp.Store(true)
	s.running.Go(func() {
		defer s.backingUp.Store(false)
		if err := s.backups.run(kind); err != nil {
			s.fleet.fail(err)
		}
		s.signs.tell()
	})
	return nil
}
