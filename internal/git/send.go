package git

// Sending to another server: the counterpart of fetching, under the same limits.

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Sending is a ref that another server is to have.
type Sending struct {
	Ref      string // on the other server, in full
	New, Old Hash   // Old is where it is there; zero: it is not there
	Force    bool   // it moves even where Old is no part of New
}

// Pushing is what is to be sent, and to where.
type Pushing struct {
	Far
	Refs []Sending
}

// maxSendingSaid bounds what another server says of one ref, in bytes.
const maxSendingSaid = 300

// Push sends refs with everything that they lead to. What the other server takes is taken,
// whatever becomes of the rest: said has the refs that it refused, and why, in its words.
// Nothing here changes. ctx bounds its time.
func (r *Repository) Push(ctx context.Context, p Pushing) (said map[string]string, err error) {
	req := r.farRequest(p.Far, append([]string{"push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-recurse-submodules"}, leases(p.Refs)...)...)
	for _, s := range p.Refs {
		if err := CheckRef(s.Ref); err != nil {
			return nil, err
		}
		if _, err := ParseHash(string(s.New)); err != nil {
			return nil, err
		}
		req.args = append(req.args, string(s.New)+":"+s.Ref)
	}
	out, err := r.opts.run(ctx, req)
	exit, ended := errors.AsType[*exitError](err)
	if err != nil && !ended {
		return nil, fmt.Errorf("send %q: %w", r.name, err)
	}
	if ended {
		out = exit.stdout
	}
	said = refusedOf(out)
	switch {
	case !ended || len(said) > 0:
		return said, nil
	case exit.status < 0, died.MatchString(exit.stderr), strings.Contains(exit.stderr, "exceeds limit"):
		return nil, ErrTooMuch
	}
	return nil, &RefusedError{Said: strings.TrimSpace(exit.stderr)}
}

// leases have refs move by force, and only from where they were seen.
func leases(refs []Sending) (args []string) {
	for _, s := range refs {
		if s.Force && !s.Old.IsZero() {
			args = append(args, "--force-with-lease="+s.Ref+":"+string(s.Old))
		}
	}
	return append(args, "--")
}

// refusedLine is a line of git push --porcelain about a ref that was not taken.
var refusedLine = regexp.MustCompile(`^!\t[^\t:]*:(refs/[^\t]+)\t(.*)$`)

// refusedOf reads which refs were not taken, and why.
func refusedOf(out []byte) map[string]string {
	said := map[string]string{}
	for line := range strings.Lines(string(out)) {
		parts := refusedLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if parts == nil {
			continue
		}
		text := parts[2]
		if len(text) > maxSendingSaid {
			text = strings.ToValidUTF8(text[:maxSendingSaid], "") + "…"
		}
		said[parts[1]] = text
	}
	return said
}
