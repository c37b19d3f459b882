package mirror

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/notify/reach"
)

// Commit statuses are told to the forge that a repository is fetched from, or sent to: one request
// each.

// commitState is a state of a commit, as GitHub and Gitea call it.
type commitState string

// The states.
const (
	pending commitState = "pending"
	success commitState = "success"
	failure commitState = "failure"
)

// commitStatus is what a forge shows beside a commit.
type commitStatus struct {
	commit  git.Hash
	context string // "pushboat/shop"
	state   commitState
	text    string
	page    string // "": none
}

// key names the status among those of one repository.
func (s commitStatus) key() string { return string(s.commit) + " " + s.context }

// maxStatusText bounds what is said of a status, in bytes: GitHub takes 140 characters.
const maxStatusText = 140

// forgeOf is where the pages of a repository's forge are, and how it calls the repository. Some have
// another host for ssh through port 443.
func forgeOf(far *rules.Far) (base *url.URL, project string) {
	address := far.Address()
	base = &url.URL{Scheme: "https", Host: address.Host}
	switch address.Scheme {
	case "http":
		base.Scheme = "http"
	case "ssh":
		base.Host = address.Hostname()
	}
	switch base.Host {
	case "ssh.github.com", "altssh.gitlab.com", "altssh.bitbucket.org":
		_, base.Host, _ = strings.Cut(base.Host, ".")
	}
	return base, strings.TrimSuffix(strings.Trim(address.Path, "/"), ".git")
}

// forgeRoot is where a forge answers for a repository, in its API.
func forgeRoot(far *rules.Far) string {
	base, project := forgeOf(far)
	at := base.String()
	switch {
	case far.Forge == rules.GitHub && base.Host == "github.com":
		return "https://api.github.com/repos/" + project
	case far.Forge == rules.GitHub:
		return at + "/api/v3/repos/" + project
	case far.Forge == rules.GitLab:
		return at + "/api/v4/projects/" + url.PathEscape(project)
	}
	return at + "/api/v1/repos/" + project
}

// call is a request to a forge, below its root.
type call struct {
	method, path string
	body         map[string]string // nil: none
}

// request is the call with a token.
func (c call) request(ctx context.Context, far *rules.Far, token string) (*http.Request, error) {
	var body io.Reader = http.NoBody
	if c.body != nil {
		data, err := json.Marshal(c.body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, c.method, forgeRoot(far)+c.path, body)
	if err != nil {
		return nil, errors.New("the forge has no address") // the error would quote it
	}
	switch far.Forge {
	case rules.GitHub:
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Accept", "application/vnd.github+json")
	case rules.GitLab:
		req.Header.Set("PRIVATE-TOKEN", token)
	default:
		req.Header.Set("Authorization", "token "+token)
	}
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "Pushboat")
	return req, nil
}

// statusCall tells a forge of a status.
func statusCall(far *rules.Far, s commitStatus) call {
	text := s.text
	if len(text) > maxStatusText {
		text = strings.ToValidUTF8(text[:maxStatusText-3], "") + "..."
	}
	body := map[string]string{"state": string(s.state), "context": s.context, "description": text}
	if s.page != "" {
		body["target_url"] = s.page
	}
	if far.Forge == rules.GitLab {
		body["name"] = s.context
		delete(body, "context")
		if s.state == failure {
			body["state"] = "failed"
		}
	}
	return call{http.MethodPost, "/statuses/" + string(s.commit), body}
}

// post tells a forge of a status.
func (k *Keeper) post(ctx context.Context, far *rules.Far, s commitStatus) error {
	return k.ask(ctx, far, statusCall(far, s), func(response *http.Response) error { return forgeAnswer(far, s, response) })
}

// ask makes a call, and has its answer read.
func (k *Keeper) ask(ctx context.Context, far *rules.Far, c call, read func(response *http.Response) error) error {
	token, err := k.settings().secret(ctx, far.Sealed, rules.StatusToken, far.StatusFile)
	if err != nil {
		return notRead(err, "statusFile", hintTokenFile)
	}
	ctx, cancel := context.WithTimeout(ctx, reach.Within)
	defer cancel()
	req, err := c.request(ctx, far, token)
	if err != nil {
		return err
	}
	by := k.settings().Reach
	by.Setting = "mirror.networks"
	response, err := by.TransportOf(maxAnswer).RoundTrip(req)
	if err != nil {
		return errors.New(strings.ReplaceAll(reach.Explain(err), "the receiver", "the forge"))
	}
	defer response.Body.Close()
	return read(response)
}

// maxAnswer bounds what is read of an answer, in bytes: a request to merge has 25 KB at GitHub, and
// mostPulls of them come at a time.
const maxAnswer = 2 << 20

// statusField is the field that has the token, or names its file.
func statusField(far *rules.Far) string {
	if far.Sealed.Has(rules.StatusToken) {
		return rules.StatusToken
	}
	return "statusFile"
}

// forgeAnswer says whether a forge took a status. GitLab refuses one that it has already.
func forgeAnswer(far *rules.Far, s commitStatus, response *http.Response) error {
	code := response.StatusCode
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadRequest && far.Forge == rules.GitLab:
		var text [4 << 10]byte
		n, _ := response.Body.Read(text[:]) // what can be read of it
		if strings.Contains(string(text[:n]), "Cannot transition status") {
			return nil
		}
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, code):
		return fmt.Errorf("the forge answers %d: the token in %s may not set the status of commit %s, or is of another forge", code, statusField(far), s.commit.Short())
	}
	return fmt.Errorf("the forge answers %d", code)
}
