package mirror

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/git"
	"github.com/pushboat/pushboat/internal/notify/reach"
)

// Commit statuses are told to the forge that a mirror is fetched from: one request each.

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

// forgeOf is where the pages of a mirror's forge are, and how it calls the repository. Some have
// another host for ssh through port 443.
func forgeOf(m *rules.Mirror) (base *url.URL, project string) {
	address := m.Address()
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

// forgeRequest is the request that tells a forge of a status.
func forgeRequest(ctx context.Context, m *rules.Mirror, token string, s commitStatus) (*http.Request, error) {
	base, project := forgeOf(m)
	text := s.text
	if len(text) > maxStatusText {
		text = strings.ToValidUTF8(text[:maxStatusText-3], "") + "..."
	}
	body := map[string]string{"state": string(s.state), "context": s.context, "description": text}
	if s.page != "" {
		body["target_url"] = s.page
	}
	header := map[string]string{"Authorization": "Bearer " + token}
	at := base.String()
	switch m.Forge {
	case rules.GitHub:
		if base.Host == "github.com" {
			at = "https://api.github.com"
		} else {
			at += "/api/v3"
		}
		at += "/repos/" + project + "/statuses/" + string(s.commit)
		header["Accept"] = "application/vnd.github+json"
	case rules.GitLab:
		at += "/api/v4/projects/" + url.PathEscape(project) + "/statuses/" + string(s.commit)
		header = map[string]string{"PRIVATE-TOKEN": token}
		body["name"] = s.context
		delete(body, "context")
		if s.state == failure {
			body["state"] = "failed"
		}
	default:
		at += "/api/v1/repos/" + project + "/statuses/" + string(s.commit)
		header["Authorization"] = "token " + token
	}
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(data))
	if err != nil {
		return nil, errors.New("the forge has no address") // the error would quote it
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Pushboat")
	return req, nil
}

// post tells a forge of a status.
func (k *Keeper) post(ctx context.Context, m *rules.Mirror, s commitStatus) error {
	token, err := k.settings().secretFile(m.StatusFile)
	if err != nil {
		return fmt.Errorf("statusFile: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, reach.Within)
	defer cancel()
	req, err := forgeRequest(ctx, m, token, s)
	if err != nil {
		return err
	}
	by := k.settings().Reach
	by.Setting = "mirror.networks"
	response, err := by.Transport().RoundTrip(req)
	if err != nil {
		return errors.New(strings.ReplaceAll(reach.Explain(err), "the receiver", "the forge"))
	}
	defer response.Body.Close()
	return forgeAnswer(m, s, response)
}

// forgeAnswer says whether a forge took a status. GitLab refuses one that it has already.
func forgeAnswer(m *rules.Mirror, s commitStatus, response *http.Response) error {
	code := response.StatusCode
	switch {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadRequest && m.Forge == rules.GitLab:
		var text [4 << 10]byte
		n, _ := response.Body.Read(text[:]) // what can be read of it
		if strings.Contains(string(text[:n]), "Cannot transition status") {
			return nil
		}
	case slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, code):
		return fmt.Errorf("the forge answers %d: the token in statusFile may not set the status of commit %s, or is of another forge", code, s.commit.Short())
	}
	return fmt.Errorf("the forge answers %d", code)
}
