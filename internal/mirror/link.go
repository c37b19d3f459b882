package mirror

import (
	"net/url"
	"strings"

	"github.com/pushboat/pushboat/internal/access/rules"
)

// linkOf is the page on which a forge takes a request to merge an offer; "" where the kind of
// forge is not known.
func linkOf(m *rules.Mirror, o Offer) string {
	base, project := forgeOf(&m.Far)
	onto, branch := string(o.Onto), string(o.Branch)
	at := base.String() + "/" + pathOf(project)
	switch m.Forge {
	case rules.GitHub:
		return at + "/compare/" + pathOf(onto) + "..." + pathOf(branch) + "?expand=1"
	case rules.GitLab:
		return at + "/-/merge_requests/new?" + url.Values{"merge_request[source_branch]": {branch}, "merge_request[target_branch]": {onto}}.Encode()
	case rules.Gitea:
		return at + "/compare/" + pathOf(onto) + "..." + pathOf(branch)
	case rules.Bitbucket:
		if base.Host == "bitbucket.org" {
			return at + "/pull-requests/new?" + url.Values{"source": {branch}, "dest": {onto}}.Encode()
		}
		query := url.Values{"create": {""}, "sourceBranch": {"refs/heads/" + branch}, "targetBranch": {"refs/heads/" + onto}}
		return base.String() + "/" + dataCenter(project) + "/pull-requests?" + query.Encode()
	}
	return ""
}

// dataCenter is the path of a repository's pages on a Bitbucket of one's own: that of KEY/NAME,
// before which addresses of https have scm/, is projects/KEY/repos/NAME, and that of ~USER/NAME
// is users/USER/repos/NAME.
func dataCenter(project string) string {
	key, repo, _ := strings.Cut(strings.TrimPrefix(project, "scm/"), "/")
	if user, ok := strings.CutPrefix(key, "~"); ok {
		return "users/" + pathOf(user) + "/repos/" + pathOf(repo)
	}
	return "projects/" + pathOf(key) + "/repos/" + pathOf(repo)
}

// pathOf writes a text with slashes as the path of an address.
func pathOf(text string) string {
	parts := strings.Split(text, "/")
	for i, part := range parts {
		parts[i] = url.PathEscape(part)
	}
	return strings.Join(parts, "/")
}
