package web

import (
	"errors"
	"io"
	"net/http"

	"github.com/pushboat/pushboat/internal/mirror"
	"github.com/pushboat/pushboat/internal/name"
)

// hookPath begins the addresses of webhooks: /hooks/mirrors/REPOSITORY.
const hookPath = "/hooks/mirrors/"

// Mirrors hear webhooks. Package mirror has them.
type Mirrors interface {
	// Knock has the upstream of a repository asked, if the webhook proves that its sender
	// knows the mirror's secret. The error is mirror.ErrHook if it does not.
	Knock(repo name.Repo, header http.Header, body io.Reader) error
}

// hearHook hears a webhook. Its sender is a program, and learns whether it was heard.
func hearHook(v *visit) error {
	repo, err := name.ParseRepo(v.r.PathValue("repo"))
	if err == nil {
		err = v.door.Mirrors.Knock(repo, v.r.Header, v.r.Body)
	} else {
		err = mirror.ErrHook
	}
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case err == nil:
		v.w.WriteHeader(http.StatusAccepted)
	case tooLarge:
		http.Error(v.w, "the webhook is too large", http.StatusRequestEntityTooLarge)
	case errors.Is(err, mirror.ErrHook):
		http.Error(v.w, mirror.ErrHook.Error(), http.StatusForbidden)
	default:
		http.Error(v.w, "the webhook cannot be read", http.StatusBadRequest)
	}
	return nil
}
