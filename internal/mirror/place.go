package mirror

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
)

// Where comments are in the forges' APIs. A request to merge is what people look at, so a commit
// that came by one is commented there. Gitea and Forgejo have no comments on commits.

// mostPulls is how many requests to merge are looked at for a commit.
const mostPulls = 20

// errGone is of a comment that somebody has deleted.
var errGone = errors.New("the comment is gone")

// pull is a request to merge, as the forges have it.
type pull struct {
	Number   int     `json:"number"`
	IID      int     `json:"iid"`   // of GitLab, in place of the number
	State    string  `json:"state"` // open or opened, merged, closed, locked
	MergedAt *string `json:"merged_at"`
	Merge    string  `json:"merge_commit_sha"`
	Squash   string  `json:"squash_commit_sha"` // of GitLab
	SHA      string  `json:"sha"`               // of GitLab: of the head
	Head     struct {
		SHA string `json:"sha"`
	} `json:"head"`
	Base struct {
		Repo struct {
			Name string `json:"full_name"`
		} `json:"repo"`
	} `json:"base"`
	References struct {
		Full string `json:"full"` // of GitLab: group/project!12
	} `json:"references"`
}

// rank says how well a request to merge is the place for what is said of a commit; 0: it is none.
func (p pull) rank(project string, commit git.Hash) int {
	of := p.Base.Repo.Name
	if p.References.Full != "" {
		of, _, _ = strings.Cut(p.References.Full, "!")
	}
	open := p.State == "open" || p.State == "opened"
	switch merged := p.MergedAt != nil && *p.MergedAt != ""; {
	case of != "" && !strings.EqualFold(of, project) || p.number() <= 0:
		return 0 // of a fork, or of what this is a fork of
	case open && slices.Contains([]string{p.SHA, p.Head.SHA}, string(commit)):
		return 4
	case merged && slices.Contains([]string{p.Merge, p.Squash, p.SHA, p.Head.SHA}, string(commit)):
		return 3
	case merged:
		return 2
	case open:
		return 1
	}
	return 0
}

func (p pull) number() int { return max(p.Number, p.IID) }

// choosePull returns the number of the request to merge on which a commit is commented; 0 for none.
func choosePull(list []pull, project string, commit git.Hash) int {
	best, number := 0, 0
	for _, p := range list {
		if rank := p.rank(project, commit); rank > best || rank == best && rank > 0 && p.number() > number {
			best, number = rank, p.number()
		}
	}
	return number
}

// lookUps are the calls that find the requests to merge of a commit, in the order in which they are
// made, until one finds something.
func lookUps(forge string, commit git.Hash) []call {
	most := strconv.Itoa(mostPulls)
	switch forge {
	case rules.GitHub:
		return []call{{http.MethodGet, "/commits/" + string(commit) + "/pulls?per_page=" + most, nil}}
	case rules.GitLab:
		return []call{{http.MethodGet, "/repository/commits/" + string(commit) + "/merge_requests?per_page=" + most, nil}}
	}
	return []call{ // the first knows those that are merged
		{http.MethodGet, "/commits/" + string(commit) + "/pull", nil},
		{http.MethodGet, "/pulls?" + url.Values{"state": {"open"}, "sort": {"recentupdate"}, "limit": {most}}.Encode(), nil},
	}
}

// readPulls reads a list of requests to merge, or one of them.
func readPulls(response *http.Response) (list []pull, err error) {
	var raw json.RawMessage
	if err := json.NewDecoder(response.Body).Decode(&raw); err != nil {
		return nil, errors.New("the forge answers something else than requests to merge, or too much")
	}
	if strings.HasPrefix(string(raw), "{") {
		list = make([]pull, 1)
		err = json.Unmarshal(raw, &list[0])
	} else {
		err = json.Unmarshal(raw, &list)
	}
	if err != nil {
		return nil, errors.New("the forge answers something else than requests to merge")
	}
	return list, nil
}

// makeCall makes a comment on a place; ok is false if the forge takes none there.
func makeCall(forge, on, text string) (c call, ok bool) {
	kind, id, _ := strings.Cut(on, "/")
	c = call{method: http.MethodPost, body: map[string]string{"body": text}}
	switch {
	case kind == "pulls" && forge == rules.GitLab:
		c.path = "/merge_requests/" + id + "/notes"
	case kind == "pulls":
		c.path = "/issues/" + id + "/comments"
	case forge == rules.GitHub:
		c.path = "/commits/" + id + "/comments"
	case forge == rules.GitLab: // comments of commits cannot be changed later, and discussions can
		c.path = "/repository/commits/" + id + "/discussions"
	default:
		return call{}, false
	}
	return c, true
}

// changeCall changes a comment.
func changeCall(forge string, was Comment, text string) call {
	kind, at, _ := strings.Cut(was.On, "/")
	c := call{method: http.MethodPatch, body: map[string]string{"body": text}}
	switch {
	case forge == rules.GitLab && kind == "pulls":
		c.method, c.path = http.MethodPut, "/merge_requests/"+at+"/notes/"+was.ID
	case forge == rules.GitLab:
		c.method, c.path = http.MethodPut, "/repository/commits/"+at+"/discussions/"+was.ID
	case forge == rules.GitHub && kind == "commits":
		c.path = "/comments/" + was.ID
	default:
		c.path = "/issues/comments/" + was.ID
	}
	return c
}

// isDiscussion reports whether a text is the id of a discussion of GitLab: hex digits.
func isDiscussion(text string) bool {
	return text != "" && len(text) <= 64 && strings.Trim(text, "0123456789abcdef") == ""
}

// readComment reads the id of a comment that was made; "" if it cannot be changed later.
func readComment(response *http.Response) string {
	var made struct {
		ID    json.RawMessage `json:"id"`
		Notes []struct {
			ID int64 `json:"id"`
		} `json:"notes"`
	}
	if json.NewDecoder(response.Body).Decode(&made) != nil {
		return ""
	}
	text := strings.Trim(string(made.ID), `"`)
	if _, err := strconv.ParseInt(text, 10, 64); err == nil && len(made.Notes) == 0 {
		return text
	}
	if len(made.Notes) > 0 && isDiscussion(text) {
		return text + "/notes/" + strconv.FormatInt(made.Notes[0].ID, 10)
	}
	return ""
}

// commentAnswer says whether a forge did what a comment asks for.
func commentAnswer(far *rules.Far, commit git.Hash, response *http.Response) error {
	code := response.StatusCode
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return fmt.Errorf("%w: the forge answers %d", errGone, code)
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden}, code):
		return fmt.Errorf("the forge answers %d: the token in %s may not comment on commit %s, or there were too many comments", code, statusField(far), commit.Short())
	}
	return fmt.Errorf("the forge answers %d to a comment on commit %s", code, commit.Short())
}

// placeOf finds where a commit is commented; "" if the forge has no place for that.
func (k *Keeper) placeOf(ctx context.Context, m *rules.Mirror, commit git.Hash) (string, error) {
	_, project := forgeOf(&m.Far)
	for _, c := range lookUps(m.Forge, commit) {
		var list []pull
		err := k.ask(ctx, &m.Far, c, func(response *http.Response) (err error) {
			if err = commentAnswer(&m.Far, commit, response); err == nil {
				list, err = readPulls(response)
			}
			return err
		})
		if err != nil && !errors.Is(err, errGone) {
			return "", err
		}
		if strings.HasPrefix(c.path, "/pulls?") { // of any commit
			list = slices.DeleteFunc(list, func(p pull) bool { return p.Head.SHA != string(commit) })
		}
		if number := choosePull(list, project, commit); number > 0 {
			return "pulls/" + strconv.Itoa(number), nil
		}
	}
	on := "commits/" + string(commit)
	if _, ok := makeCall(m.Forge, on, ""); !ok {
		return "", nil
	}
	return on, nil
}
