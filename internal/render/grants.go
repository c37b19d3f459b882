package render

import (
	"github.com/pushboat/pushboat/internal/access/grant"
	"github.com/pushboat/pushboat/internal/name"
	"github.com/pushboat/pushboat/internal/render/secrets"
)

// Grants returns what a repository may use of the server's keys and credentials.
type Grants func(repo name.Repo) *grant.Grant

// WithGrants returns the renderer with grants. Without them, every app may use every key and
// every credential: for a person who renders a folder, all are that person's own.
func (r *Renderer) WithGrants(grants Grants) *Renderer {
	with := *r
	with.grants = grants
	return &with
}

// limit says which keys the apps that are rendered may use.
func (r *Renderer) limit() secrets.Limit {
	if r.grants == nil {
		return secrets.Limit{}
	}
	g := r.grants(r.repo)
	return secrets.Limit{Keys: g.Keys, Whose: g.Naming(r.repo, false)}
}

// credentials are those that the apps that are rendered may fetch charts with.
func (r *Renderer) credentials() grant.Names {
	if r.grants == nil {
		return grant.Names{}
	}
	return r.grants(r.repo).Credentials
}
