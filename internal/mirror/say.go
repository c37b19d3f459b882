package mirror

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/name"
)

// comment has a forge say what it does not say yet.
func (k *Keeper) comment(ctx context.Context, m *rules.Mirror, retries map[name.Repo]retry) {
	s, ok := k.State(m.Repo)
	if !ok {
		return
	}
	now := time.Now().UTC()
	commented := forgetComments(s.Commented, now)
	var failed error
	for _, r := range unsaid(k.remarks(m, k.config.Apps(m.Repo), s, now), commented, now) {
		if failed = k.say(ctx, m, r, commented); failed != nil {
			break
		}
	}
	if ctx.Err() != nil {
		failed = nil // the next server says it
	}
	k.noteComments(m.Repo, commented, failed, retries)
}

// noteComments keeps what a forge has, and why it has no more.
func (k *Keeper) noteComments(repo name.Repo, commented map[git.Hash]Comment, failed error, retries map[name.Repo]retry) {
	if len(commented) == 0 {
		commented = nil // as it is after it was read
	}
	k.change(repo, func(s *State) {
		s.Commented = commented
		if failed == nil {
			s.Uncommented = nil
			return
		}
		if s.Uncommented == nil {
			k.config.Log.WithField("repository", repo).Warnf("mirror: commits cannot be commented: %v", failed)
		}
		s.Uncommented = troubleOf(failed, "the forge", s.Uncommented, time.Now().UTC())
	})
	noteRetry(repo, failed, retries)
}

// say has a forge say what a remark does, and notes that. A comment that somebody has deleted there
// is not made again before there is something else to say.
func (k *Keeper) say(ctx context.Context, m *rules.Mirror, r remark, commented map[git.Hash]Comment) error {
	var body strings.Builder
	r.fill().WriteMarkdown(&body)
	text, was := body.String(), commented[r.commit]
	is := Comment{On: was.On, ID: was.ID, Says: r.says, Refused: r.refused, Time: was.Time}
	if is.Time.IsZero() {
		is.Time = time.Now().UTC()
	}
	if was.ID != "" {
		err := k.changeComment(ctx, m, r.commit, was, text)
		if errors.Is(err, errGone) {
			is.ID, err = "", nil
		}
		if err == nil {
			commented[r.commit] = is
		}
		return err
	}
	var err error
	if is.On == "" {
		if is.On, err = k.placeOf(ctx, m, r.commit); err != nil {
			return err
		}
	}
	if is.On != "" {
		if is.ID, err = k.sayAt(ctx, m, &placed{r.commit, is.On, text}, commented); err != nil {
			return err
		}
	}
	commented[r.commit] = is
	return nil
}

// placed is what is said of a commit on a place.
type placed struct {
	commit   git.Hash
	on, text string
}

// sayAt makes a comment on a place, or changes the one that is there from an earlier commit.
func (k *Keeper) sayAt(ctx context.Context, m *rules.Mirror, p *placed, commented map[git.Hash]Comment) (id string, err error) {
	if before, c := earlierOn(commented, p.on); c.ID != "" {
		err := k.changeComment(ctx, m, p.commit, c, p.text)
		if err != nil && !errors.Is(err, errGone) {
			return "", err
		}
		id = c.ID
		c.ID, c.Refused = "", false // it says nothing of that commit any more
		commented[before] = c
		if err == nil {
			return id, nil
		}
	}
	c, _ := makeCall(m.Forge, p.on, p.text)
	err = k.ask(ctx, &m.Far, c, func(response *http.Response) error {
		if err := commentAnswer(&m.Far, p.commit, response); err != nil {
			return err
		}
		id = readComment(response)
		return nil
	})
	if errors.Is(err, errGone) {
		err = fmt.Errorf("the forge answers 404: the token in %s may not comment on commit %s, or is of another forge", statusField(&m.Far), p.commit.Short())
	}
	return id, err
}

func (k *Keeper) changeComment(ctx context.Context, m *rules.Mirror, commit git.Hash, was Comment, text string) error {
	return k.ask(ctx, &m.Far, changeCall(m.Forge, was, text), func(response *http.Response) error { return commentAnswer(&m.Far, commit, response) })
}
