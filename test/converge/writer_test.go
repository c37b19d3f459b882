package converge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// writerPause is the longest pause of a writer between two pushes.
	writerPause = 400 * time.Millisecond
	// againAfter is the pause before a failed push is repeated.
	againAfter = 700 * time.Millisecond
	// settlesWithin is how long it may take until a push succeeds when there are no more
	// faults.
	settlesWithin = 4 * time.Minute
	// writerApps and writerObjects bound the objects of a writer, so that a soak of hours
	// has no more objects on its cluster than one of minutes.
	writerApps, writerObjects = 3, 5
)

// writer pushes to one branch without end, as people do. It repeats a push whose result it
// did not get, or pushes another commit in its place.
type writer struct {
	world  *world
	branch *branch
	rand   *rand.Rand // the writer's own, so that it draws the same
	ledger *ledger
	signs  *signs
	next   int    // for names
	at     string // the commit of the clone

	mu    sync.Mutex
	group int // the process group of the present push; 0: there is none
	tally tally
	given bool // whether the writer has given up, since the test has failed
}

// tally counts pushes by their result for the client.
type tally struct{ acknowledged, refused, unknown int }

func newWriter(w *world, b *branch, seed uint64, signs *signs) *writer {
	return &writer{world: w, branch: b, rand: rand.New(rand.NewPCG(seed, 1)), ledger: newLedger(b.wanted), signs: signs}
}

// run pushes until stop is closed. It returns when the last push is known to have
// succeeded.
func (p *writer) run(stop <-chan struct{}) error {
	for !isClosed(stop) {
		if err := p.change(stop); err != nil {
			return fmt.Errorf("the writer of %s: %w", p.branch.name, err)
		}
		select {
		case <-stop:
		case <-time.After(time.Duration(p.rand.Int64N(int64(writerPause)))):
		}
	}
	return nil
}

func (p *writer) isGivenUp() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.given
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// change commits a change, and pushes it until the branch has it or another commit that was
// pushed in its place.
func (p *writer) change(stop <-chan struct{}) error {
	parent, _ := p.ledger.newest()
	hash, err := p.commit(parent)
	if err != nil {
		return err
	}
	var options []string
	if p.rand.IntN(3) > 0 {
		options = append(options, "detach")
	}
	var late <-chan time.Time
	for {
		told, out, err := p.push(hash, options)
		switch {
		case err != nil || p.isGivenUp():
			return err
		case told == acknowledged:
			return nil
		case strings.Contains(out, "fetch first"), strings.Contains(out, "non-fast-forward"):
			return p.adopt()
		}
		asked := confirmation.FindStringSubmatch(out)
		switch {
		case asked != nil && !slices.Contains(options, asked[1]):
			options = append(options, asked[1])
		case p.rand.IntN(4) == 0 && !isClosed(stop):
			if hash, err = p.commit(parent); err != nil {
				return err
			}
		}
		if isClosed(stop) && late == nil {
			late = time.After(settlesWithin)
		}
		select {
		case <-late:
			return fmt.Errorf("%.9s cannot be pushed for %s:\n%s", hash, settlesWithin, out)
		case <-time.After(againAfter): // no event announces that a server is back
		}
	}
}

// commit makes a commit on top of another one.
func (p *writer) commit(parent string) (string, error) {
	s := p.branch.states[parent].clone()
	message := p.turn(s)
	dir := p.branch.dir
	if p.at != parent {
		if _, err := p.world.git(dir, "reset", "-q", "--hard", parent); err != nil {
			return "", err
		}
	}
	if err := s.write(dir); err != nil {
		return "", err
	}
	for _, args := range [][]string{{"add", "-A"}, {"commit", "-q", "--allow-empty", "-m", message}} {
		if _, err := p.world.git(dir, args...); err != nil {
			return "", err
		}
	}
	out, err := p.world.git(dir, "rev-parse", "HEAD")
	p.at = strings.TrimSpace(out)
	p.branch.states[p.at] = s
	return p.at, err
}

// push pushes a commit, perhaps with a tag, and notes the result.
func (p *writer) push(hash string, options []string) (outcome, string, error) {
	refs := []string{hash + ":" + p.branch.full()}
	tag := ""
	if p.rand.IntN(6) == 0 {
		tag = fmt.Sprintf("refs/tags/%s-%.12s", p.branch.name, hash)
		refs = append(refs, hash+":"+tag)
	}
	args := []string{"push", "--porcelain"}
	for _, o := range options {
		args = append(args, "-o", o)
	}
	p.ledger.begin(hash)
	porcelain, out, err := p.git(append(append(args, "origin"), refs...))
	if err != nil {
		return unknown, out, err
	}
	told := readOutcomes(porcelain)
	if tag != "" && told[tag] == acknowledged {
		p.ledger.keepTag(tag, hash)
	}
	how := told[p.branch.full()]
	p.ledger.end(hash, how)
	p.count(how)
	return how, porcelain + out, nil
}

// count tallies a push.
func (p *writer) count(how outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch how {
	case acknowledged:
		p.tally.acknowledged++
	case refused:
		p.tally.refused++
	case unknown:
		p.tally.unknown++
	}
}

// git runs git push in a process group of its own, and counts each line of the server as a
// sign of life. The exit status is not used, because the lines have all that is needed.
func (p *writer) git(args []string) (porcelain, rest string, err error) {
	ctx, cancel := context.WithTimeout(p.world.ctx, commandLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = p.branch.dir, p.world.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = p.kill
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", "", err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return "", "", err
	}
	if err := cmd.Start(); err != nil {
		return "", "", err
	}
	p.mu.Lock()
	p.group = cmd.Process.Pid
	given := p.given
	p.mu.Unlock()
	if given {
		_ = p.kill() // the push may have ended
	}
	var both sync.WaitGroup
	both.Go(func() { porcelain = p.follow(stdout) })
	both.Go(func() { rest = p.follow(stderr) })
	both.Wait()
	p.mu.Lock()
	p.group = 0
	p.mu.Unlock()
	_ = cmd.Wait() // see readOutcomes
	return porcelain, rest, nil
}

// follow reads a program's output.
func (p *writer) follow(from io.Reader) string {
	var text strings.Builder
	for lines := bufio.NewScanner(from); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "remote: ") { // other lines may only report that no server answers
			p.signs.tell()
		}
		text.WriteString(lines.Text() + "\n")
	}
	return text.String()
}

// kill kills the present push, as when a laptop is closed.
func (p *writer) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.group == 0 {
		return nil
	}
	return syscall.Kill(-p.group, syscall.SIGKILL)
}

// end ends the writer after a failure.
func (p *writer) end() {
	p.mu.Lock()
	p.given = true
	p.mu.Unlock()
	_ = p.kill() // the push may have ended
}

// adopt takes the commit that the branch has for the pushed one: a push that the writer had
// given up has succeeded.
func (p *writer) adopt() error {
	head, err := p.world.head(p.branch)
	if err != nil {
		return err
	}
	if p.branch.states[head] == nil {
		return fmt.Errorf("is at %q, which nobody has pushed", head)
	}
	return p.ledger.settle(head)
}

// turn makes a random change to a state, and describes it.
func (p *writer) turn(s *state) string {
	if len(s.apps) < writerApps && p.rand.IntN(8) == 0 {
		name := p.name("app")
		a := &appState{name: name, folder: name, home: p.branch, namespace: namespaces[p.rand.IntN(2)], prune: true, drift: "correct"}
		a.objects = append(a.objects, p.object())
		s.apps = append(s.apps, a)
		return "a new app " + name
	}
	a := s.apps[p.rand.IntN(len(s.apps))]
	if len(s.apps) > 1 && p.rand.IntN(16) == 0 && !slices.ContainsFunc(a.objects, object.fixed) {
		s.remove(a.name)
		return "no app " + a.name
	}
	i := slices.IndexFunc(a.objects, func(o object) bool { return !o.fixed() })
	switch n := p.rand.IntN(4); {
	case i >= 0 && (n == 0 || len(a.objects) > writerObjects):
		o := a.objects[i]
		a.objects = slices.Delete(a.objects, i, i+1)
		return fmt.Sprintf("no %s in %s", a.place(o), a.name)
	case i >= 0 && n < 3:
		i += p.rand.IntN(len(a.objects) - i)
		if o := &a.objects[i]; !o.fixed() {
			o.value = p.rand.IntN(1000)
			return fmt.Sprintf("another value of %s in %s", a.place(*o), a.name)
		}
	}
	o := p.object()
	a.objects = append(a.objects, o)
	return fmt.Sprintf("a new %s in %s", a.place(o), a.name)
}

func (p *writer) object() object {
	kind := "ConfigMap"
	switch p.rand.IntN(10) {
	case 0:
		kind = "Deployment"
	case 1, 2:
		kind = "Secret"
	case 3:
		kind = "Service"
	}
	return object{kind: kind, name: p.name("o"), value: p.rand.IntN(1000), wave: p.rand.IntN(6) / 4}
}

// name makes a name that neither this nor another writer has used.
func (p *writer) name(prefix string) string {
	p.next++
	return fmt.Sprintf("%s-%s-%d", prefix, p.branch.name, p.next)
}
